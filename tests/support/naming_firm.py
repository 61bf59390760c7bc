"""A firm with a system that names its matters (in memory) and a share whose folders use the numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from muniment.backup.commit import Outcome
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.backup.run import BackupRun
from muniment.config.matters import MatterRules
from muniment.errors import ItemUnreadable
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.base import FIRST_TIME, Known, Listed, SourceHealth
from tests.support.practice import RULE, Practice


@dataclass(frozen=True)
class Case:
    """A matter of the naming system. Its number may change; its place in the system does not."""

    number: str
    status: str = "Open"
    client: int = 7
    title: str = ""


@dataclass
class NamingSystem:
    """`cases` and `notes` by id; a note is (id of its case, text)."""

    cases: dict[int, Case] = field(default_factory=dict)
    notes: dict[int, tuple[int, str]] = field(default_factory=dict)
    clients: dict[int, str] = field(default_factory=lambda: {7: "Alvarez Family"})
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, number: str, notes: int = 2, **values: Any) -> int:
        case = next(self._ids)
        self.cases[case] = Case(number, **values)
        for _ in range(notes):
            self.note(case, f"note of {case}")
        return case

    def note(self, case: int, text: str) -> int:
        note = next(self._ids)
        self.notes[note] = (case, text)
        return note

    def change(self, case: int, **values: Any) -> None:
        self.cases[case] = replace(self.cases[case], **values)

    def move(self, case: int, to: int, count: int | None = None) -> None:
        """The first `count` notes of a case, or all, belong to another one now."""
        mine = [n for n, (of, _) in self.notes.items() if of == case]
        for note in mine[:count]:
            self.notes[note] = (to, self.notes[note][1])


class NamingSource:
    system = "clio"

    def __init__(self, source_id: str, there: NamingSystem) -> None:
        self.source_id = source_id
        self._there = there

    def probe(self) -> SourceHealth:
        return SourceHealth("naming:1", by_kind=True)

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        for id_, name in sorted(self._there.clients.items()):
            yield _row("contacts", id_, {"id": id_, "name": name}, NO_MATTER)
        for id_, case in sorted(self._there.cases.items()):
            data = {"id": id_, "display_number": case.number, "status": case.status}
            yield _row("matters", id_, data | {"client": {"id": case.client}}, _named(case))
        for id_, (of, text) in sorted(self._there.notes.items()):
            yield _row("notes", id_, {"id": id_, "text": text}, _named(self._there.cases[of]))

    @contextmanager
    def open(self, kind: str, native_id: bytes, listed: Fingerprint | None = None) -> Iterator[Any]:
        raise ItemUnreadable("every row came with the listing")
        yield


def _named(case: Case) -> Named:
    return Named(case.number.encode(), case.title)


def _row(kind: str, id_: int, data: dict[str, Any], named: Named) -> Observed:
    content = json.dumps(data).encode()
    print_ = Fingerprint(len(content), 1, tag=f"{hash(content)}")
    native = f"{kind}/{id_}".encode()
    return Observed(kind, native, print_, named, Brought(Fidelity.FILE, {}, content))


class NamingFirm(Practice):
    """Sources `clio` (the naming system) and `files` (the share)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, sources=("clio", "files"))
        self.system = NamingSystem()

    def source(self, source_id: str = "files") -> Any:
        if source_id == "clio":
            return NamingSource("clio", self.system)
        return super().source(source_id)

    def let_settle(self) -> None:
        """Files are written once here, and counted by number."""

    def back_up_both(self) -> tuple[Outcome, Outcome]:
        """The naming system an hour before the share; then it is tomorrow."""
        options = BackupOptions()
        outcomes = []
        for source_id in ("clio", "files"):
            rules = [RULE] if source_id == "files" else []
            run = BackupRun(
                self.vault("worker"),
                self.source(source_id),
                self.staging,
                f"run-{next(self._runs)}",
                assign=MatterRules.compile(rules, source_id).match,
                options=options,
            )
            outcomes.append(back_up(run))
        self.tomorrow()
        return outcomes[0], outcomes[1]

    def file(self, number: str, name: str = "Complaint.pdf") -> None:
        self.write(f"Matters/{number} Alvarez/{name}", f"{number} {name}")
