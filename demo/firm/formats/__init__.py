"""Writers of real file formats, standard library only.

Each module turns plain values into the bytes of one format and knows nothing of law firms, folders
or chance: what varies is handed in. Invariant: equal arguments give equal bytes (on one build of
zlib), and the result opens in the programs that people use for that format.
"""
