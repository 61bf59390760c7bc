"""The firm of the tampering campaign: two sources over twelve days, and what was true on each day.

Every kind of object that a vault has occurs: several vault documents, epochs, a matter key, bases
(one with a rebuilt state), a retention log, a checkpoint a day. Built once, in a folder; each case gets
a copy of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from muniment.backup.pipeline import back_up
from muniment.config.matters import normal_number
from muniment.ids import matter_id
from muniment.recovery.selected import load_selected
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileSource
from muniment.vault import names
from muniment.vault.bases import rebase
from muniment.vault.checkpoints import Outside, mark_of, write_checkpoint
from muniment.vault.evidence import append, worker_stream
from muniment.vault.rebuild import rebuild_state
from muniment.vault.retention import RetentionOffice
from muniment.vault.setup import add_matter_key, roll_epoch
from muniment.vault.store.base import Store
from muniment.vault.store.local import LocalStore
from tests.support.practice import Practice

SOURCES = ("files", "scans")
DAYS = 12
LAST_WEEK = 5
"""The day after which the copy was taken that is presented as today's vault."""

NUMBERS = ("2024-0113", "2024-0200", "2024-0300")
WITHHELD = "2024-0300"
"""This matter has a key of its own."""

Truth = Mapping[str, bytes]
"""Path -> content of every file of one snapshot."""


class TwoShares(Practice):
    """Each source has a share of its own."""

    def source(self, source_id: str = "files") -> FileSource:
        return FileSource(source_id, self.share / source_id)


@dataclass(frozen=True)
class Pristine:
    """A vault as it truly is. `matters` are opaque ids by number; `pack_matters` says whose bytes
    lie in which pack (by object name)."""

    firm: Practice
    objects: Mapping[str, bytes]
    matter_keys: Mapping[str, bytes]
    last_week: Mapping[str, bytes]
    truth: Mapping[tuple[str, int], Truth]
    commits: Mapping[tuple[str, int], str]
    matters: Mapping[str, str]
    pack_matters: Mapping[str, frozenset[str]]
    outside: Outside

    def head(self, source: str) -> int:
        return max(seq for s, seq in self.commits if s == source)


def contents(store: Store) -> dict[str, bytes]:
    return {v.name: store.get(v.name) for v in store.list("") if not v.delete_marker}


def build(folder: Path, days: int = DAYS) -> Pristine:
    """A vault of `days` days. Takes a few seconds."""
    random = Random(days)
    firm = TwoShares(folder, matter_keys=LocalStore.create(folder / "matter-keys"), sources=SOURCES)
    matters = {number: _matter(firm, number) for number in NUMBERS}
    add_matter_key(firm.vault(), firm.keys.root, names.matter_key(matters[WITHHELD]))
    truth: dict[tuple[str, int], Truth] = {}
    commits: dict[tuple[str, int], str] = {}
    last_week: dict[str, bytes] = {}
    outside = Outside()
    for day in range(1, days + 1):
        for source in SOURCES:
            _work(firm, source, day, random)
        firm.let_settle()
        for source in SOURCES:
            outcome = back_up(firm.run(source_id=source))
            assert outcome.completeness == "complete"
            truth[source, outcome.seq] = files_in(firm.share / source)
            commits[source, outcome.seq] = outcome.digest
            append(firm.vault("worker"), worker_stream(source), "run.committed", facts={"day": day})
        _housekeeping(firm, day)
        checkpoint = write_checkpoint(firm.vault())
        outside = Outside(
            marks=(mark_of(checkpoint.digest),),
            checkpoints=(firm.store.get(checkpoint.name),),
            commits=tuple((s, day, commits[s, day]) for s in SOURCES),
        )
        if day == LAST_WEEK:
            last_week = contents(firm.store)
        firm.tomorrow()
    assert firm.matter_keys is not None
    return Pristine(
        firm,
        contents(firm.store),
        contents(firm.matter_keys),
        last_week,
        truth,
        commits,
        matters,
        _pack_matters(firm),
        outside,
    )


def files_in(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _matter(firm: Practice, number: str) -> str:
    key = firm.vault().keyring.id_key(names.MATTERS_ID_KEY)
    return matter_id(key, normal_number(number))


def _work(firm: Practice, source: str, day: int, random: Random) -> None:
    """A day at the office: some files are new, one changes, one goes."""
    for number in NUMBERS:
        folder = f"{source}/Matters/{number} Title {number[-3:]}"
        if day == 1 or random.random() < 0.6:
            size = random.randrange(200, 30_000)
            firm.write(f"{folder}/{day:02}.bin", random.randbytes(size))
        if day % 3 == 0:
            firm.write(f"{folder}/notes.txt", f"{number}, as of day {day}\n" * random.randrange(9))
    firm.write(f"{source}/Office/list.txt", f"{source} on day {day}\n")
    if day == 4:
        (firm.share / source / "Office/list.txt").rename(firm.share / source / "Office/old.txt")
        (firm.share / source / f"Matters/{NUMBERS[0]} Title 113/01.bin").unlink()


def _housekeeping(firm: Practice, day: int) -> None:
    operations = firm.vault()
    staging = firm.folder / "rebase"
    append(operations, "operations", "verification.finished", facts={"day": day})
    if day in (4, 8):
        for source in SOURCES:
            history = operations.history(source)
            rebase(operations, history, history.at(day), staging)
    if day == 6:
        history = operations.history("scans")
        rebuild_state(operations, history, history.at(day), staging)
    if day == 9:
        roll_epoch(operations, firm.keys.root, "recovery_points")
    if day in (9, 10, 11):
        source = SOURCES[day % 2]
        history = operations.history(source)
        RetentionOffice(firm.vault("retention")).forget([(history.at(day - 7), "thinned")])


def _pack_matters(firm: Practice) -> dict[str, frozenset[str]]:
    vault = firm.vault()
    found: dict[str, set[str]] = {}
    for source in SOURCES:
        history = vault.history(source)
        for record in history.trusted:
            selected, sealed = load_selected(vault, history, record, Selection(Scope.SOURCE))
            assert not sealed
            for row in selected.rows:
                for part in row.parts:
                    found.setdefault(names.pack(part.pack.hex()), set()).add(row.matter)
    return {name: frozenset(m for m in matters if m) for name, matters in found.items()}
