"""Alerts: what is wrong, told to somebody who can mend it, and proven to have been told.

Nouns
- Facts: what the store and the inventory say now (`observe`). Condition: one thing that is wrong now
  (`evaluate`). Alert: a condition over time, open until it is gone (`reconcile`).
- Notice: a change of an alert that people are told of. Channel: a way to them. Receipt: a channel took it.
- Book: all open alerts and undelivered notices, folded from events; kept in the vault's evidence, or in
  a file by a watcher who may only read.

Invariants: what is wrong is decided by pure functions of facts and time; a notice stays in the book until
every channel has taken it; what could not be looked at is neither opened nor resolved; no alert carries
more than ids, codes, counts and times.
"""
