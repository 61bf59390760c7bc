"""The vault: what lies in the store, written so that it can be recovered without this software.

Nouns: a *store* keeps objects; a *pack* holds items' bytes (tar members in zstd frames in one age
stream); *rows* say where every item's bytes are; a *commit* makes a snapshot true; the *vault
document*, signed by root, says who may sign and open what.

Invariants: objects are written once; a commit is written last and never names a missing object;
the writer can neither open nor delete what it wrote; readers resolve versions, not names.
docs/FORMAT.md is the exact specification.
"""
