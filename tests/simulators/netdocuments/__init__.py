"""A simulator of NetDocuments, the document management of law firms, as seen through its REST API v1 and v2.

    python -m tests.simulators.netdocuments --seed 7 --matters 60

It is written from the description of the API alone and imports nothing of the product. A comment such as
`platform.yaml: throttling` names the line a behaviour comes from; what the description leaves open, and what
was chosen, is in README.md beside this file. What is not particular to a vendor - sockets, certificates, the clock,
rows and their history, bytes, faults by lot - is the Clio simulator's, used from there.

Nouns:
- an *item* is anything with a document id: a document, and also a workspace, a folder, a saved search, a filter or a
  CollabSpace, told apart by its extension; a *container* is an item that others are filed in;
- a *cabinet* holds items, a *repository* holds cabinets, users, groups and lookup tables;
- an *attribute* is a field of a document's profile; clients and matters are rows of the lookup tables of two of them;
- the `World` is one firm: rows, files, clock, settings, and every change with its number: the truth a restore is
  compared with;
- the `Api` answers requests about a world; the `Server` of the Clio simulator puts it on sockets.
"""
