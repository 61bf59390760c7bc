"""Certificate: what a person needs who has to say under oath that a delivery is what was backed up.

Beside a delivery stands `_certificate/`: every delivered file with its SHA-256, how it came here step by step (the chain of custody), a
statement in the form that Federal Rules of Evidence 902(11) asks for under 902(13) and 902(14), signed by operations, and a
program of the standard library that checks all of it without this product. A person fills in and signs the declaration; Muniment
certifies nothing by itself, and gives no legal advice.

Invariants: nothing is certified that was not hashed where it stands, at the end, and found equal to the vault; on any
difference there is no certificate.

- `rules`: which of the two rules an item falls under. `statement`, `custody`, `page`: pure functions over plain data.
- `certify`: looks at the delivery, refuses or writes. `verify_delivery`: the program that goes with it; imports nothing of ours.
"""
