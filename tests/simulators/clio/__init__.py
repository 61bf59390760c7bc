"""A simulator of Clio Manage, the practice management of law firms, as seen through its API v4.

    python -m tests.simulators.clio --seed 7 --matters 60

It is written from the description of the API alone and imports nothing of the product. A comment such as
`platform.yaml: rate_limit` names the line a behaviour comes from; what the description leaves open, and what
was chosen, is in README.md beside this file.

Nouns:
- a `Row` is one object of the firm (a matter, a document) as it was at one moment; rows never change, a change
  puts a new row in the place of the old one;
- the `Store` holds the rows and every `Change` with its sequence number, so that the state at any moment can
  be asked for: that is the truth a restore is compared with;
- the `Ledger` keeps the money by double entry beside the rows, and both must say the same;
- the `World` is one firm: store, ledger, files, clock, users and settings;
- the `Api` answers requests about a world; the `Server` puts it on sockets, with the storage host and the
  control interface beside it.
"""
