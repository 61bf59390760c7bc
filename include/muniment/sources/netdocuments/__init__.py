"""NetDocuments, REST API v1 and v2: the client layer.

Nouns
- Item: anything with a document id: a document, and also a container that others are filed in (workspace, folder,
  filter, saved search, CollabSpace), told apart by its extension. Cabinets hold items, a repository holds cabinets.
- Details (`details`): what is asked for of one item: profile, versions, rights, links, attachments, marks. Contents:
  what is filed in a container itself.
- Whole list (`whole`): all rows of a search, none lost and none twice, or said not to be.
- Pace (`pace`): the requests a minute that we allow ourselves, because the vendor publishes no number.
- Standing (`standing`): whose account this is, and whether it sees all of every cabinet.

- Writing (`writing`): new documents, versions, folders, filing and rights, for a restore that was asked for, by an
  application of its own.

Invariants: a backup writes nothing at the vendor, and the call that gets *or creates* a workspace does not exist here; an
answer with nothing in it is held against whether the service account is still mapped to somebody; a page is
followed by its token, never by an address that an answer gives; no error carries what the vendor wrote.
"""
