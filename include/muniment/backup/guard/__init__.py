"""guard: does a run look like an attack on the source? Asked before the snapshot is signed.

Nouns
    Look        what the first bytes, a few blocks and the end of one content say: whole, or not.
    Signs       what a run shows: counts of names (at plan) and of contents (at encrypt).
    Habits      what earlier runs of this source showed, by which a sign is judged.
    Suspicion   the signs that are beyond every limit; it goes into the signed commit.

Invariants
- Nothing is read for it: contents are looked at while they are read for the backup.
- The data is always kept: a suspicion is a flag on a snapshot, never a refusal.
- What leaves the run in the clear is counts; names and extensions stay in sealed staging and state.

What it finds and what it cannot find: docs/ANOMALIES.md.
"""
