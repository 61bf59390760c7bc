"""Backup: out of a source, into the vault, in four stages and a commit.

Nouns
- Run: one attempt to make one snapshot of one source. Plan: what changed since the last snapshot,
  cut into shards. Work: one item of a shard. Shard: what is extracted, encrypted, uploaded and
  validated by itself.
- Stages: `extract` puts a shard's work into reading order (and, for a source that is an API, fetches
  it), `encrypt` reads and writes packs into staging, `upload` puts them into the store, `validate`
  asks the store whether it has what was sent. `commit` then makes the snapshot true, atomically.

Invariants
- Nothing in the clear at rest between stages: plan, work and results are sealed to the worker.
- A stage run again gives the same outcome; a run that dies leaves nothing that a reader believes.
- An item that could not be taken is a problem row, never an absence; nothing is recorded as deleted
  while any part of the source was not seen.
"""
