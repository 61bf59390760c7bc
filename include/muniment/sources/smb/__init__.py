"""Windows file servers over SMB 2 and 3: listed and read from the worker, nothing is mounted.

Nouns
- Place: server, share, and the folder where the source begins. Account: who signs in. Wire: one connection.
- Native id: the path below the place, `/`-separated, UTF-8 (a half of a surrogate pair as three bytes). An alternate data
  stream is an item of its own, kind `file`, under the name that Windows gives it: `Letter.docx:Zone.Identifier`.
- Mark: what tells that a file was not touched: attributes, time of change, and how many streams it has.

Invariants
- Nothing is written by the source. A server, share or folder that is gone raises; it never looks empty.
- No link is followed: a symbolic link or junction is listed as skipped.
- A name that leads out of its folder is refused, whatever the server calls it.
- Errors carry no path.
"""
