"""Written back: what every restore that writes into a vendor's system keeps and tells, whichever vendor it is.

Nouns
- Journal: beside the delivery; what was asked for and what it became, before and after each request.
- Outcome: what became of one old row; the map leads from old ids to new ones.
- Forecast: what will be written and why the rest is not, before anything is asked of the vendor.
"""
