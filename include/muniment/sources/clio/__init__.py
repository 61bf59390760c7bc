"""Clio Manage, API v4: the client layer.

Nouns
- Table (`table`): the collections there are, and how each has to be asked.
- Transport (`transport`), OAuth (`oauth`), Budget (`budget`), Place (`place`): what Clio does its own way of what
  `sources.web` does for every API.
- Listing (`listing`): the rows of a collection, none lost and none twice.
- Downloads (`downloads`): which files there are to read.
- Writer (`writing`): rows made and changed, for a restore that was asked for, under a consent of its own.
- Standing (`standing`): whose account this is, and whether the backup user sees all of it.

Invariants: a backup writes nothing at the vendor but a report that was asked for, a restore no money; a page is followed and a
token is sent on the configured host only; a number is kept as the text that it came as; no error
carries what the vendor wrote, because that may name a client.
"""
