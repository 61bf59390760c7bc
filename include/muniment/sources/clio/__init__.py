"""Clio Manage, API v4: the client layer.

Nouns
- Table (`table`): the collections there are, and how each has to be asked.
- Transport (`transport`): one HTTP request and what may go wrong with it; regions, retries, errors.
- Tokens (`tokens`): one person's consent, kept sealed, renewed by one process at a time.
- Budget (`budget`): the requests a minute that one consent may make, shared by all processes here.
- Listing (`listing`): the rows of a collection, none lost and none twice.
- Download (`downloads`): the bytes of a document's version, whole or not at all.
- Writer (`writing`): rows made and changed, for a restore that was asked for, under a consent of its own.
- Standing (`standing`): whose account this is, and whether the backup user sees all of it.

Invariants: a backup writes nothing at the vendor but a report that was asked for, a restore no money; a page is followed and a
token is sent on the configured host only; a number is kept as the text that it came as; no error
carries what the vendor wrote, because that may name a client.
"""
