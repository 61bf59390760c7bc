"""Tree: a folder tree - a local disk, or a share mounted from a server - that is listed and read in place.

What the sources share that read one: file shares, other products' backup sets, e-mail archives. It knows none of
them.

Nouns
- Root: the folder that is read. Path: raw bytes below it; it is the native id.
- Kinds: `dir`, `file`, `symlink`. The root is the `dir` of path `.`. Sockets, pipes, devices and what
  lies on other file systems are listed as skipped, with a cause, never left out in silence.
- Identity: what tells this tree from another one that is mounted in its place (`place`).

Invariants
- Nothing is written, and no trace is left in access times where the system permits that.
- No symbolic link below the root is followed (`folders`).
- A tree that is absent, unmounted or exchanged raises SourceMissing; it never looks empty.
- Errors carry no path.
"""
