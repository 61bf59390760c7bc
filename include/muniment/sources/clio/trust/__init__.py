"""Trust: a firm's trust books out of Clio's rows, as plain tables that are readable without Clio.

Nouns
- Books: the rows they are made from, as the vendor gave them, numbers exact.
- Table: named columns of fixed kinds and rows of values; CSV and Parquet are two forms of it.
- Ledger: the transactions of one owner in one account. The owner is a matter, else a client, else nobody.

Invariants: money is Decimal and never a float, and no sum rounds; every row of the vendor is in the table
whole (`raw`); the same books give the same bytes; a negative balance is copied as it is, because a true copy
of a bad book is a good backup.
"""

from muniment.sources.clio.trust.books import Books, read_books
from muniment.sources.clio.trust.export import as_csv, as_parquet
from muniment.sources.clio.trust.ledger import canonical_tables
from muniment.sources.clio.trust.reconcile import Difference, reconcile
from muniment.sources.clio.trust.tables import Table

__all__ = [
    "Books", "Difference", "Table", "as_csv", "as_parquet", "canonical_tables", "read_books", "reconcile",
]  # fmt: skip
