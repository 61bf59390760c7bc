"""The story: all that is known at the end of the demonstration, and the words for its numbers.

Invariant: nothing here measures, guesses or judges: every figure is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# -- what is told --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Protected:
    """What the firm has. `formats` is (count, bytes) by name; `unassigned` are in no matter."""

    files: int
    folders: int
    links: int
    matters: int
    unassigned: int
    size: int
    formats: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    at_clio: Sequence[tuple[int, str]] = ()
    """Counts and words of what lies in the Clio account."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a backup: seconds from its first task's start to its last one's end."""

    name: str
    seconds: float
    shards: int


@dataclass(frozen=True, slots=True)
class Beside:
    """The run of another source in the same night."""

    source: str
    seconds: float
    new: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Backup:
    """One run: what it found, what it read of the source and what it put into the store (bytes)."""

    title: str
    seconds: float
    new: int
    changed: int
    removed: int
    unchanged: int
    read: int
    stored: int
    stages: Sequence[Stage] = ()
    beside: Sequence[Beside] = ()


@dataclass(frozen=True, slots=True)
class Clio:
    """What of a matter came back from Clio: rows and versions of documents, `size` in bytes; `wrong` counts
    what is not, byte for byte, what the vendor had at that moment."""

    rows: int
    files: int
    size: int
    wrong: int

    @property
    def words(self) -> str:
        found = f"{count_text(self.rows, 'row')} and {count_text(self.files, 'document version')}"
        return f"{found}, {size_text(self.size)}, byte for byte as they were"


@dataclass(frozen=True, slots=True)
class Trust:
    """A matter's money in trust, in cents: what the vendor's ledger says, and what the transactions that came
    back add up to."""

    told: int
    found: int
    transactions: int

    @property
    def reconciles(self) -> bool:
        return self.told == self.found and self.transactions > 0


@dataclass(frozen=True, slots=True)
class Held:
    """How many mails or documents of the matter a vendor had, and how many of them came back byte for byte."""

    what: str
    there: int
    found: int

    @property
    def whole(self) -> bool:
        return self.there == self.found > 0


@dataclass(frozen=True, slots=True)
class Restore:
    """One matter given back, from all its systems. `identical` counts files of the share whose SHA-256 is that
    of the truth."""

    matter: str
    as_of: str
    seconds: float
    files: int
    size: int
    identical: int
    folder: str
    clio: Clio
    trust: Trust
    others: Sequence[Held] = ()

    @property
    def whole(self) -> bool:
        others = all(one.whole for one in self.others)
        return (
            self.files == self.identical
            and not self.clio.wrong
            and self.trust.reconciles
            and others
        )


@dataclass(frozen=True, slots=True)
class Check:
    """What was spoiled on purpose, whether the check found it, and its own words."""

    planted: str
    found: bool
    keyless: bool
    seconds: float
    findings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """A weekly verification as its evidence tells it. `pages` is the address of its Data Docs."""

    seconds: float
    good: bool
    expectations: int
    failed: int
    packs: int
    packs_of: int
    decrypted: int
    """Bytes."""
    items: int
    documents: int
    opened: int
    pages: str
    trust_entries: int = 0
    """Transactions of the trust books that were added up out of the vault."""

    @property
    def held(self) -> int:
        return self.expectations - self.failed

    @property
    def share(self) -> float:
        """Of the packs, how many were decrypted and hashed: 0 to 1."""
        return self.packs / self.packs_of if self.packs_of else 0.0


@dataclass(frozen=True, slots=True)
class Drill:
    """A recovery drill as its evidence tells it. `seconds` from the request until it could be used,
    `allowed` what was promised; `phases` are seconds by name. `answer` is the lawyer's."""

    seconds: float
    allowed: float
    phases: Mapping[str, float]
    items: int
    equal: int
    size: int
    whole: bool
    answer: str
    by: str

    @property
    def passed(self) -> bool:
        return self.whole and self.seconds < self.allowed and self.answer == "yes"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A fault that nobody looked for: how long until a verification was red, and until the mail that
    tells it was taken by the mail server (seconds after the fault)."""

    planted: str
    red: Verification
    seconds_to_red: float
    subject: str
    to: Sequence[str]
    seconds: float
    lines: Sequence[str]
    file: str

    @property
    def told(self) -> bool:
        return not self.red.good and bool(self.to)


@dataclass(frozen=True, slots=True)
class Door:
    """Where to look now. `password` is the word itself or says where it stands."""

    url: str
    user: str
    password: str
    stop: str
    also: Sequence[tuple[str, str]] = ()
    """More to try: what it shows, and the command or address."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the closing page says."""

    firm: str
    seconds: float
    protected: Protected
    backups: Sequence[Backup]
    day: Sequence[tuple[str, int]]
    """What the day of work between the backups did: words and counts."""
    restore: Restore
    verification: Verification
    drill: Drill
    check: Check
    alarm: Alarm
    door: Door

    @property
    def good(self) -> bool:
        """Did everything end as it should?"""
        return (
            self.restore.whole
            and self.verification.good
            and self.drill.passed
            and self.check.found
            and self.alarm.told
        )


# -- words for numbers ---------------------------------------------------------------------------


def size_text(count: int) -> str:
    """Bytes in decimal units, three digits: `505 MB`, `1.72 GB`."""
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    if unit == "bytes":
        return f"{count} bytes" if count != 1 else "1 byte"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def money_text(cents: int) -> str:
    """`$3,288.03`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}.{rest:02d}"


def time_text(seconds: float) -> str:
    """A duration as one says it: `0.8 s`, `42 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count_text(count: int, one: str, many: str = "") -> str:
    """`1 file`, `3,002 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
