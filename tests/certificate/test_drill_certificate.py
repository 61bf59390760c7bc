"""The certificates of a drill of several plans: one each, checked where they stand, kept in the evidence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from muniment.assurance.drill import Seen, look, names_from_bytes, plan_drill, restore
from muniment.assurance.drill_certificate import (
    DrillFacts,
    DrillWitness,
    certificates_of,
    certify_drill,
)
from muniment.assurance.drill_draw import Drawn, Place
from muniment.assurance.files_contract import contract_of
from muniment.backup.pipeline import back_up
from muniment.clock import to_text
from muniment.errors import CertificateRefused, NothingToRestore
from muniment.evidence.drills import DrillFinished
from muniment.evidence.events import DRILLS
from muniment.model.drill import Scenario
from muniment.recovery.certificate.certify import Certificate
from muniment.recovery.certificate.place import OpenFolder
from muniment.recovery.selection import Scope, select_matter
from muniment.sources.files import FileTarget
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream
from tests.support.practice import Practice

CHAIN = "Matters/2024-0113 Alvarez/"


class Held:
    """A drill of a matter in one source, and of one item of another, as it stands in its sandbox."""

    def __init__(self, folder: Path) -> None:
        self.firm = Practice(folder / "firm", sources=("files", "second"))
        self.firm.write(CHAIN + "Complaint.pdf", b"%PDF-1.7 complaint")
        self.firm.write(CHAIN + "letter.txt", "Dear counsel")
        self.firm.back_up()
        self.firm.let_settle()
        back_up(self.firm.run(source_id="second"))
        self.vault = self.firm.vault()
        matter = select_matter(self.vault, "2024-0113", ("files",)).value
        history = self.vault.history("second")
        rows = self.vault.snapshot(history, history.live[-1]).items.values()
        [item] = [row.item_id.hex() for row in rows if row.native_id.endswith(b"letter.txt")]
        self.drawn = Drawn(
            Scenario.MATTER, "files", Scope.MATTER, matter, ("files",), self.firm.clock.now(),
            also=(("second", item),),
        )  # fmt: skip
        self.place = Place("main", self.vault, {"files": "files", "second": "files"})
        self.plans = plan_drill([self.place], self.drawn)
        self.restored, work = folder / "restored", folder / "work"
        self.restored.mkdir()
        work.mkdir()
        names: dict[str, dict[bytes, bytes]] = {}
        for key, plan in self.plans.items():
            _, told = restore(key, self.place, plan, self.drawn, self._target)
            names |= names_from_bytes(told)
        self.witness = DrillWitness()
        self.seen: Seen = look(
            {"main": self.place}, self.plans, self.drawn, self.restored, names, contract_of, work,
            self.witness.saw,
        )  # fmt: skip

    def _target(self, source: str, digest: str) -> FileTarget:
        return FileTarget(self.restored / source, restore_id=digest)

    def certify(self) -> list[Certificate]:
        now = to_text(self.firm.clock.now())
        finished = DrillFinished(
            "drill-1", "matter", ("files", "second"), True, 9.0, {"restore": 9.0}
        )
        return certify_drill(
            {"main": self.place}, self.plans, self.drawn, self.restored, self.witness.seen, finished,
            DrillFacts(now, now, "technician"), self.vault,
        )  # fmt: skip

    def entries(self) -> list[EvidenceEntry]:
        return list(load_stream(self.vault.store, self.vault.trust, DRILLS).events())

    def check(self, own: Path) -> int:
        root = self.firm.pin.root_public.hex()
        program = [sys.executable, "-I", str(own / "verify_delivery.py"), "--root-key", root]
        return subprocess.run(program, capture_output=True, check=False).returncode


@pytest.fixture
def held(tmp_path: Path) -> Held:
    made = Held(tmp_path)
    assert made.seen.whole and len(made.plans) == 2
    return made


def test_each_plan_has_one_where_it_stands_and_in_the_evidence(held: Held, tmp_path: Path) -> None:
    made = held.certify()
    assert [one.files for one in made] == [2, 1]
    assert [held.check(one.folder) for one in made] == [0, 0]
    assert [one.folder.name for one in made] == ["_certificate", "_certificate-2"]
    entries = held.entries()
    assert [e.facts["certificate"] for e in entries] == [one.digest for one in made]
    assert {e.subject for e in entries} == {"drill-1"}
    assert "Alvarez" not in str([e.facts for e in entries])

    for number, files in enumerate(certificates_of(entries, "drill-1", held.vault)):
        own = OpenFolder(tmp_path / "out", f"own-{number}")
        (tmp_path / "out").mkdir(exist_ok=True)
        # Nothing but what was restored is missing.
        assert held.check(own.leave(files)) == 3
        assert "SHA256SUMS" not in files and "items.jsonl" not in files
        assert b"Alvarez" not in b"".join(files.values())
    with pytest.raises(NothingToRestore):
        certificates_of(entries, "drill-2", held.vault)


def test_what_was_changed_after_it_was_looked_at_is_not_certified(held: Held) -> None:
    (held.restored / "files" / CHAIN / "letter.txt").write_text("Dear counsel!")
    with pytest.raises(CertificateRefused):
        held.certify()
    assert held.entries() == [] and not (held.restored / "_certificate").exists()
