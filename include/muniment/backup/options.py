"""BackupOptions: what a firm decides about the backup of one source, with safe defaults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import field

from muniment.backup.guard.limits import Limits
from muniment.model.value import Value

MIB = 1 << 20
GIB = 1 << 30

SHARD_BYTES = 2 * GIB
"""A shard is the unit of retry: minutes of work, not hours."""

SHARD_ITEMS = 50_000

SHARD_ROWS = 8_000
"""The same, of rows that a listing brought: each is some 2.4 kB in memory while its shard is encrypted, and has nothing to read."""

MAX_SHARDS = 500
"""Airflow maps 1,024 indexes at most by default; a shard grows before their number does."""

RUN_LIMIT_BYTES = 3_600_000_000_000
"""What 20 hours give at 50 MB/s. The remainder is the next run's, which is triggered at once."""

SHARD_FETCHES = 1_000
"""Items that must be fetched one by one: at a vendor's 50 requests a minute a third of an hour."""

RUN_LIMIT_FETCHES = 50_000
"""What 17 hours give at 50 requests a minute: with its listings a run stays below 20."""

FETCHERS = 4
"""Items that are fetched at a time: enough to use a vendor's limit while bytes come slowly."""

HELD_WORK = 50_000
"""Items of a plan that are held as objects, some 40 MB; what is beyond that waits in staging."""

HELD_ROWS = 8_000
"""The same, once a listing brought one of them. A file share is held whole where it can be: to seal and read back 40,000 files
takes a quarter of a second of some twenty; an API's rows cost more to list than that."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""More than this between our clock and the store's and no time in a commit is evidence."""


class MassDeletion(Value, frozen=True):
    """When a shrunken source is not believed: a listing that lost `share` of the items, and at
    least `items`; or that has lost everything."""

    share: float = 0.5
    items: int = 20


Acceptor = Callable[[str, bytes, str, str], bool]
"""(kind, native id, cause, matter id) -> is this problem an accepted exception?"""


Afresh = Callable[[str, bytes], bool]
"""(kind, native id) -> is it fetched again in this run, also where nothing says that it changed?"""


def nothing_accepted(kind: str, native_id: bytes, cause: str, matter: str) -> bool:
    return False


class BackupOptions(Value, frozen=True):
    """See docs/CONFIGURATION.md, `sources`. `threads` read and compress within one shard."""

    retention_class: str = "recovery_points"
    shard_bytes: int = SHARD_BYTES
    shard_items: int = SHARD_ITEMS
    shard_rows: int = SHARD_ROWS
    shard_fetches: int = SHARD_FETCHES
    run_limit_bytes: int = RUN_LIMIT_BYTES
    run_limit_fetches: int = RUN_LIMIT_FETCHES
    mass_deletion: MassDeletion = field(default_factory=MassDeletion)
    accept_mass_deletion: bool = False
    accepted: Acceptor = nothing_accepted
    afresh: Afresh | None = None
    """What somebody who leaves has (docs/DEPARTURES.md); None for an ordinary run."""
    threads: int = 2
    fetchers: int = FETCHERS
    held_work: int = HELD_WORK
    held_rows: int = HELD_ROWS
    attempts: int = 3
    """How often an item is read that changes while it is read."""
    clock_tolerance: timedelta = CLOCK_TOLERANCE
    next_due: datetime | None = None
    guard: Limits | None = field(default_factory=Limits)
    """When a run looks like an attack; None where a firm turned the question off."""
