"""A simulator of Microsoft 365 as seen from outside: Entra's token endpoint and Microsoft Graph v1.0.

    python -m tests.simulators.graph --seed 7 --users 6

It is written from the description alone and imports nothing of the product. A comment such as
`microsoft365.md: Limits` names the section a behaviour comes from, `examples: message-delta` the published example
and `subset: message` the schema; what the description leaves open, and what was chosen, is in README.md beside this file.

Nouns:
- a row is one object of the tenant (a message, a folder, a file) as it was at one moment, in the `Store` that the
  simulator of Clio has too: every change has a number, and the state at any moment can be asked for;
- a `Letter` is what a message holds; its MIME is made when it is read, as the vendor does;
- the `World` is one tenant: store, letters, files, clock, ids, settings;
- a `Round` is one pass of a delta query, carried from page to page by its token alone;
- `Entra` gives tokens to applications, the `Api` answers requests with them, the `Content` host has the bytes and takes
  uploads without any token.
"""
