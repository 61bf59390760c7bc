"""Assurance: showing, again and again, that what was backed up can be given back.

Words for what was shown, used everywhere: *present* (there, of the right size, with the checksum that
the store recorded), *read back* (read and hashed, no key needed), *decrypted* (opened and every member
hashed), *restored* (delivered and compared).
"""
