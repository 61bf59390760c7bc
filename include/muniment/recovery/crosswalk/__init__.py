"""Crosswalk: one matter over all sources and over time - what its number was, is, and who else bears it.

Nouns
- Naming source: a system that has an object of its own for each matter (Clio). All other sources only use a
  number: in a profile, in the name of a folder, in a rule for mail.
- Sighting: what a naming source said of one of its objects from one snapshot on.
- Bearer: such an object with all its sightings. It keeps its identity when its number changes.

Every source turns a matter's number into the same opaque id (`muniment.ids.matter_id`), so sources that say the same
number meet by themselves. What the crosswalk adds is time: a matter that was renumbered has several ids, which only its
naming source can tie together. The sightings are part of the vault: sealed details of the signed stream
`operations-matters`, so that an old number is still known when the snapshots that had it are forgotten.

Invariants: an id that two objects of one system bore, ever, ties nothing to anything; a merge or split is said with what
moved where, and joins nothing; an object that cannot be read is unknown, never absent.

- `sightings`, `joined`, `compare`, `walls`: pure functions over plain data.
- `naming`, `record`, `tally`, `asking`, `policy`: where they meet a vault.
"""
