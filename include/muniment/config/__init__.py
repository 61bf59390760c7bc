"""Configuration: the two documents of a firm, read strictly and explained when they are wrong.

Nouns: a `FirmConfig` is what `load_firm` reads from a firm's folder: the `Firm` (firm.yaml: how) and
the `InventoryRow`s (inventory.csv: what). A `ConfigIssue` is one thing that is wrong in one place of
one document; a `RowError` is a source that cannot run because of such issues.

Invariants: a mistake stops the sources that it touches and no other; every issue names document,
line or row, key or column, what is wrong and what would be right, and never repeats what a person
typed; no secret stands in either document; loading touches no network and imports nothing heavy.
"""
