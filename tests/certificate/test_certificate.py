"""A certificate of a delivery: what it says, when it is refused, and that a stranger can check it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.clock import to_text
from muniment.errors import CertificateRefused
from muniment.recovery.certificate.certify import FOLDER, VERIFIER, Certificate, certify
from muniment.recovery.certificate.rules import Rule, rule_of
from muniment.recovery.certificate.statement import Handling
from muniment.recovery.certificate.witness import Witness, forget, keep, take
from muniment.recovery.perform import RestoreReport, perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.selection import Selection, select_matter
from muniment.sources.files import FileTarget
from tests.support.practice import Practice

NUMBER = "2024-0113"
CHAIN = f"Matters/{NUMBER} Alvarez/"


class Delivery:
    """A matter that was restored, ready to be certified."""

    def __init__(self, folder: Path) -> None:
        self.firm = Practice(folder / "firm")
        self.firm.write(CHAIN + "Complaint.pdf", b"%PDF-1.7 complaint")
        self.firm.write(CHAIN + "Briefe/Müller 100%.txt", "naïve")
        self.firm.write(CHAIN + "empty.txt", b"")
        self.firm.write("Office/Handbook.docx", "handbook")
        self.firm.back_up()
        self.into = folder / "back"
        self.into.mkdir()
        self.vault = self.firm.vault()
        self.selection: Selection = select_matter(self.vault, NUMBER)
        self.plan: RestorePlan = make_restore_plan(self.vault, self.selection)
        self.witness = Witness()
        self.report: RestoreReport = perform(
            self.vault, self.plan, self.selection, self._target, witness=self.witness.saw
        )

    def _target(self, source: str) -> FileTarget:
        return FileTarget(self.into / source, restore_id=self.plan.digest)

    @property
    def file(self) -> Path:
        return self.into / "files" / CHAIN / "Complaint.pdf"

    @property
    def own(self) -> Path:
        return self.into / FOLDER

    def certify(self, plan: RestorePlan | None = None, *, signed: bool = True) -> Certificate:
        now = to_text(self.firm.clock.now())
        handling = Handling(
            "restore", "restore-1", now, now, now, "technician", (("managing-partner", now),),
            "associate", "court_or_discovery",
        )  # fmt: skip
        return certify(
            self.vault, plan or self.plan, self.selection, self.into, self.witness.seen, handling,
            differences=self.report.differences, systems={"files": "files"},
            signer=self.vault.signer if signed else None,
        )  # fmt: skip

    def check(self, *arguments: str) -> tuple[int, str]:
        """What a stranger gets from the program, which may see nothing of the product."""
        run = subprocess.run(
            [sys.executable, "-I", str(self.own / VERIFIER), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin:/bin"},
        )
        return run.returncode, run.stdout + run.stderr

    def said(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.own / "certificate.json").read_text())
        return found


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path)


def test_a_stranger_checks_every_file_and_every_signature(delivery: Delivery) -> None:
    made = delivery.certify()
    code, told = delivery.check("--root-key", delivery.firm.pin.root_public.hex())

    assert (code, made.files) == (0, 3), told
    assert "Everything was checked." in told
    code, told = delivery.check()
    assert code == 3 and "key card" in told
    sums = subprocess.run(
        ["sha256sum", "-c", f"{FOLDER}/SHA256SUMS"],
        cwd=delivery.into, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sums.stdout.count(": OK") == 2


def test_the_statement_has_what_the_rules_ask_for_and_no_name(delivery: Delivery) -> None:
    delivery.certify()
    said = delivery.said()
    text = (delivery.own / "certificate.json").read_text()
    page = (delivery.own / "certificate.html").read_text()

    assert said["files_by_rule"] == {"902(14)": 3}
    assert said["approved"] == [
        {"by": "managing-partner", "at": to_text(delivery.firm.clock.now())}
    ]
    assert said["snapshots"][0]["commit"] == delivery.plan.choices[0].commit  # type: ignore[index]
    assert "Alvarez" not in text + page and NUMBER not in text + page
    for words in ("902(14)", "not legal advice", "28 U.S.C. § 1746", "technician", "associate"):
        assert words in page
    assert "902(13)" not in page.split("Declaration")[1]
    lines = (delivery.own / "custody.jsonl").read_text().splitlines()
    actions = [json.loads(line)["action"] for line in lines]
    assert actions[:2] == ["collection began", "collected, encrypted, stored, signed"]
    assert actions[2:4] == ["requested", "approved"]
    assert actions[-1] == "hashed where it stands, equal"


@pytest.mark.parametrize("damage", ["byte", "missing", "longer", "link"])
def test_it_is_refused_when_a_file_is_not_what_was_verified(
    delivery: Delivery, damage: str
) -> None:
    content = bytearray(delivery.file.read_bytes())
    if damage == "byte":
        content[3] ^= 1
        delivery.file.write_bytes(content)
    elif damage == "longer":
        delivery.file.write_bytes(content + b" ")
    else:
        delivery.file.unlink()
        if damage == "link":
            delivery.file.symlink_to("/etc/passwd")

    with pytest.raises(CertificateRefused) as refused:
        delivery.certify()
    [item] = [s.item_id for s in delivery.witness.seen["files"] if s.size == len(content)]
    assert item in refused.value.to
    assert "Alvarez" not in str(refused.value)
    assert not delivery.own.exists()


def test_it_is_refused_when_something_was_not_read_back_or_the_plan_is_another(
    delivery: Delivery,
) -> None:
    other = replace(delivery.plan.choices[0], items_digest="0" * 64)
    with pytest.raises(CertificateRefused):
        delivery.certify(replace(delivery.plan, choices=(other,)))
    delivery.witness.seen["files"].pop()
    with pytest.raises(CertificateRefused):
        delivery.certify()
    assert not delivery.own.exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SHA256SUMS", "SHA256SUMS is not the one"),
        ("items.jsonl", "items.jsonl is not the one"),
        ("custody.jsonl", "custody.jsonl is not the one"),
        ("certificate.signed.json", "the certificate"),
        ("vault_document.json", "the vault document"),
        ("commit-files-00000001.json", "is not the commit that was certified"),
        ("certificate.json", "certificate.json is not what was signed"),
    ],
)
def test_whatever_is_changed_afterwards_is_named(delivery: Delivery, name: str, told: str) -> None:
    delivery.certify()
    there = delivery.own / name
    data = there.read_bytes()
    if name == "certificate.json":
        changed = data.replace(b"technician", b"somebody11")
    elif name.endswith("signed.json") or name == "vault_document.json":
        at = data.index(b'"sig":"') + 20
        changed = data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]
    else:
        changed = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    assert changed != data
    there.write_bytes(changed)

    code, found = delivery.check("--root-key", delivery.firm.pin.root_public.hex())
    assert code == 1, found
    assert told in found


def test_a_file_that_is_changed_after_the_certificate_is_named(delivery: Delivery) -> None:
    delivery.certify()
    delivery.file.write_bytes(b"another")
    code, told = delivery.check()
    assert code == 1
    assert "changed: files/Matters" in told and "Complaint.pdf" in told


def test_a_stranger_with_another_root_key_is_told(delivery: Delivery) -> None:
    delivery.certify()
    code, told = delivery.check("--root-key", "ab" * 32)
    assert code == 1
    assert "the root key is not the one" in told


def test_without_a_signing_key_it_says_that_nobody_signed(delivery: Delivery) -> None:
    made = delivery.certify(signed=False)
    code, told = delivery.check()
    assert (made.signer, code) == ("", 3)
    assert "nobody signed" in told
    assert "nobody: no signing key" in (delivery.own / "certificate.html").read_text()


def test_a_second_certificate_takes_the_place_of_the_first(delivery: Delivery) -> None:
    delivery.certify(signed=False)
    delivery.certify()
    assert delivery.check("--root-key", delivery.firm.pin.root_public.hex())[0] == 0
    assert not [p for p in delivery.own.iterdir() if p.name.endswith(".new")]


def test_what_was_seen_goes_from_one_task_to_another(delivery: Delivery) -> None:
    keep(delivery.own, delivery.witness.seen)
    assert take(delivery.own, ["files"]) == delivery.witness.seen
    forget(delivery.own, ["files"])
    with pytest.raises(CertificateRefused):
        take(delivery.own, ["files"])


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("file", Rule.COPY),
        ("document_file", Rule.COPY),
        ("message", Rule.COPY),
        ("matters", Rule.SYSTEM),
        ("bank_transactions", Rule.SYSTEM),
        ("bill_preview", Rule.SYSTEM),
        ("something new", Rule.SYSTEM),
    ],
)
def test_bytes_are_copies_and_answers_are_records_of_a_system(kind: str, rule: Rule) -> None:
    assert rule_of(kind) is rule
