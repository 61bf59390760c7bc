"""Sealed: a delivery that only the person it is for can open, with `age` and `tar` and nothing of ours.

Nouns
- Recipient: the age public half of the person for whom it is. Part: a tar archive inside one age file,
  `<source>-0001.tar.age`; unpacked into one folder the parts are what a plain delivery is.
- Working key: an age identity of one delivery, to which its parts are sealed too until it is certified. It lies
  in `.sealing/` below the delivery, sealed to operations and escrow, so that an interrupted restore can go on, and
  what was sealed can be opened again and looked at. It is erased with the certificate.

Invariants
- No content and no name is ever on a disk in the clear: what is read from the vault goes through memory into a part.
- A part stands under its name only when all of it was opened and hashed again from the disk.
- An item that cannot be proven leaves no trace in a part, and the others go on.
- Memory does not grow with the size of an item or of a delivery.
"""
