"""Vendor backups: a folder that another product writes its backups into, watched and taken off-site byte for byte.

Nouns
- Product: what makes the sets, and by which names their files are known (`products`).
- Job: what is backed up again and again (a server, a company file). Set: what one backup left, or, where a product
  adds to what is there (a chain of Veeam), all of a job.
- Part: files of a set that have one use in it: the full copy, an increment, a list of what belongs to it.
- Whole: a set that has all its needed parts, none of them empty, and that nobody is writing.

Invariants
- A set is taken when it is whole, else not at all: what the vault has of it from before stays.
- A folder in which no set stands is not believed; a job whose sets are gone is told by every run until a person accepts it.
- What is too old, too small, half there or missing is a problem of the run: it is incomplete, and that is an alert.
- Nothing is opened but to be copied, and lists of parts. Whether a set can be restored its own product alone can say.
"""
