"""The weekly verification, run by Airflow: what it leaves, and what makes it red."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from muniment.airflow.names import engine_run_id
from muniment.airflow.verification_tasks import ENDED, STREAM
from muniment.assurance.reconcile import RECONCILERS, Reconciled, Reconciler
from muniment.assurance.trial import Draw
from muniment.errors import IntegrityError
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, open_detail
from muniment.vault.vault import Vault
from tests.support.airflow_firm import AirflowFirm, Ran

DAG = "practice__verification"
TASKS = ("restore_sample", "check_bytes", "expectations")


@pytest.fixture(autouse=True)
def areas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MUNIMENT_REPORTS", str(tmp_path / "reports"))


@pytest.fixture
def backed_up(firm: AirflowFirm) -> AirflowFirm:
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Matters/2024-0113 Harbor/message.eml", "From: a@firm.example\n\nHello\n")
    firm.write("Matters/2024-0200 Mill/notes.txt", "notes")
    firm.write("Office/holiday.txt", "list")
    (firm.share / "Office/link").symlink_to("holiday.txt")
    firm.let_settle()
    firm.back_up()
    return firm


def verify(firm: AirflowFirm, **conf: object) -> Ran:
    return firm.run_dag(DAG, dict(conf))


def evidence(firm: AirflowFirm) -> list[EvidenceEntry]:
    vault = firm.vault()
    return list(load_stream(vault.store, vault.trust, STREAM).events(ENDED))


def pages(firm: AirflowFirm, ran: Ran) -> Path:
    return firm.folder / "reports" / firm.name / engine_run_id(DAG, ran.run_id)


def text_of(folder: Path) -> str:
    return "\n".join(page.read_text() for page in sorted(folder.rglob("*.html")))


def test_a_good_vault_is_verified_and_evidence_and_pages_say_so(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    """Beside it: what a killed run left is removed, nothing of this one is left, and no name is told."""
    left = left_by_a_killed_run(backed_up)

    ran = verify(backed_up)

    assert ran.state == "success"
    states = ran.states()
    assert {states[f"source.{task}[0]"] for task in TASKS} == {"success"}
    assert states["reconcile_trust"] == "skipped"
    assert states["report"] == states["purge_scratch"] == "success"
    assert ran.labels("source.restore_sample") == ["files: snapshot 1"]
    [entry] = evidence(backed_up)
    assert entry.facts["good"] is True
    assert entry.facts["sources_good"] == entry.facts["sources"] == 1
    assert entry.facts["expectations_failed"] == 0
    assert entry.facts["packs"] == entry.facts["packs_of"] == 1
    assert int(str(entry.facts["live_looked_at"])) > 0
    text = text_of(pages(backed_up, ran))
    assert "passed" in text
    assert list(pages(backed_up, ran).glob("files/validations/items/*/*/*.html"))

    assert not left.exists()
    scratch = backed_up.folder / "scratch"
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
    told = said() + text + json.dumps(evidence_in_clear(backed_up))
    for name in ("Harbor", "letter", "Mill", "holiday", "Dear counsel", "2024-0113"):
        assert name not in told
    no_id_of_an_item_and_nothing_from_elsewhere(backed_up, text)


def left_by_a_killed_run(firm: AirflowFirm) -> Path:
    left = firm.folder / "scratch/practice/killed/files.trial/restored"
    left.mkdir(parents=True)
    (firm.folder / "scratch/practice").chmod(0o700)
    (left / "letter.txt").write_text("Dear counsel")
    return left


def evidence_in_clear(firm: AirflowFirm) -> list[object]:
    return [entry.to_payload() for entry in evidence(firm)]


def no_id_of_an_item_and_nothing_from_elsewhere(firm: AirflowFirm, text: str) -> None:
    """Of the Data Docs."""
    vault = firm.vault()
    history = vault.history("files")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    assert rows
    for row in rows:
        assert row.item_id.hex() not in text
        assert not row.digest or row.digest.hex() not in text
    assert "<script" not in text.lower()
    for place in ('src="http', 'href="http', "src='http", "href='http", 'src="//', "@import"):
        assert place not in text


def test_a_damaged_pack_fails_the_run_and_is_named_by_both_ways_of_looking(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    [pack] = [p for p in (backed_up.folder / "store/packs").rglob("*") if p.is_file()]
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    os.chmod(pack, 0o600)
    pack.write_bytes(data)

    ran = verify(backed_up)

    assert ran.state == "failed"
    states = ran.states()
    assert states["source.check_bytes[0]"] == states["source.expectations[0]"] == "failed"
    assert states["report"] == "failed"
    assert states["purge_scratch"] == "success"
    [entry] = evidence(backed_up)
    assert entry.facts["good"] is False
    assert int(str(entry.facts["expectations_failed"])) >= 1
    detail = open_detail(backed_up.vault(), entry)
    assert detail["files.findings"][0]["code"] == "D152"
    assert detail["files.offenders"]["items.there"]
    assert "FAILED: items.there" in said()
    assert "FAILED" in text_of(pages(backed_up, ran))
    assert "Traceback" not in said()


def test_a_document_that_does_not_open_fails_the_run_and_its_id_is_sealed(
    firm: AirflowFirm,
) -> None:
    firm.write("Matters/2024-0113 Harbor/scan.pdf", b"%PDF-1.7\nnothing more")
    firm.write("Office/holiday.txt", "list")
    firm.back_up()

    ran = verify(firm)

    assert ran.state == "failed"
    assert ran.states()["source.check_bytes[0]"] == "success"
    assert ran.states()["source.expectations[0]"] == "failed"
    [entry] = evidence(firm)
    offenders = open_detail(firm.vault(), entry)["files.offenders"]["items.opened"]
    vault = firm.vault()
    rows = vault.snapshot(vault.history("files"), vault.history("files").live[-1]).items
    assert [rows[bytes.fromhex(i)].native_id for i in offenders] == [
        b"Matters/2024-0113 Harbor/scan.pdf"
    ]
    assert offenders[0] not in json.dumps(evidence_in_clear(firm))


def test_a_source_that_was_never_backed_up_fails_the_run(firm: AirflowFirm) -> None:
    ran = verify(firm)
    assert ran.state == "failed"
    assert ran.states()["source.restore_sample[0]"] == "failed"
    assert ran.states()["source.expectations[0]"] == "skipped"
    [entry] = evidence(firm)
    assert (entry.facts["good"], entry.facts["sources_good"]) == (False, 0)


def test_a_new_base_is_written_when_it_is_due_and_only_then(backed_up: AirflowFirm) -> None:
    verify(backed_up, everything=True)
    [entry] = evidence(backed_up)
    assert (entry.facts["rotation_n"], entry.facts["rotation_t"]) == (1, 1), "as the form says"
    assert backed_up.vault().history("files").bases == ()
    for number in range(30):
        backed_up.write(f"Office/{number}.txt", f"page {number}")
    backed_up.back_up()

    ran = verify(backed_up)

    assert ran.state == "success"
    assert ran.xcom("rebase") == ["files"]
    [base] = backed_up.vault().history("files").bases
    assert base.base.covers.seq == 2
    assert [entry.facts["rebased"] for entry in evidence(backed_up)] == [0, 1]


def test_trust_data_that_no_reconciler_knows_is_said_and_not_passed_over_in_silence(
    backed_up: AirflowFirm,
) -> None:
    backed_up.document({"trust_data": "yes"})
    ran = verify(backed_up)
    assert ran.state == "success"
    assert ran.states()["reconcile_trust"] == "skipped"
    [entry] = evidence(backed_up)
    assert entry.facts["trust_not_reconciled"] == 1
    assert "trust data" in text_of(pages(backed_up, ran))


def unbalanced(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    return Reconciled(14, 9)


def unread(vault: Vault, drawn: Draw, scratch: Path) -> Reconciled:
    raise IntegrityError("an item of the trust books is not of its size")


@pytest.mark.parametrize(
    ("reconciler", "differences", "told"),
    [(unbalanced, 9, "do not balance in 9 places"), (unread, 0, "were not reconciled")],
)
def test_trust_books_that_do_not_balance_make_the_run_red_and_the_evidence_too(
    backed_up: AirflowFirm,
    monkeypatch: pytest.MonkeyPatch,
    reconciler: Reconciler,
    differences: int,
    told: str,
) -> None:
    monkeypatch.setitem(cast(dict[str, Reconciler], RECONCILERS), "files", reconciler)
    backed_up.document({"trust_data": "yes"})
    ran = verify(backed_up)
    assert ran.state == "failed"
    assert ran.states()["reconcile_trust"] == ran.states()["report"] == "failed"
    [entry] = evidence(backed_up)
    assert entry.facts["good"] is False
    assert entry.facts["restored.files"] is False
    assert entry.facts["trust_differences"] == differences
    assert entry.facts["expectations_failed"] == 0
    assert told in text_of(pages(backed_up, ran))


def test_a_live_source_out_of_reach_is_told_and_no_failure(backed_up: AirflowFirm) -> None:
    backed_up.share.rename(backed_up.folder / "elsewhere")
    ran = verify(backed_up)
    assert ran.state == "success"
    assert "not reached" in text_of(pages(backed_up, ran))


def test_a_scratch_folder_that_others_may_enter_is_refused(
    backed_up: AirflowFirm, said: Callable[[], str]
) -> None:
    place = backed_up.folder / "scratch/practice"
    place.mkdir(parents=True)
    place.chmod(0o755)
    ran = verify(backed_up)
    assert ran.state == "failed"
    assert "the scratch folder is not private" in said()
