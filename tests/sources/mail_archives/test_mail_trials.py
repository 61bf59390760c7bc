"""Restored archives open, rows bear their ids, and messages are the ones that they stand for."""

from __future__ import annotations

import json
from pathlib import Path

from muniment.assurance.files_contract import MailArchiveContract
from muniment.model.item import Fidelity, Row
from tests.assurance.expectations.bench import Bench
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.support.mail_firm import MailFirm, letter

KILLS = frozenset({"items.archive", "items.row"})
"""Expectations that are seen to fail here."""


class TestMailArchives(ExpectationContractSuite):
    contract = MailArchiveContract()

    def restored(self, folder: Path) -> list[Row]:
        message = letter(SECRET).as_bytes()
        contents = {
            f"{SECRET}.eml": ("file", message, {"mode": 0o640}),
            "archived_messages/x/n1": ("archived_message", json.dumps({"id": "n1"}).encode(), {}),
            "archived_mime/x/n1": ("archived_mime", message, {"made": True}),
        }
        for name, (_, content, _) in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return [
            Row(
                item_id=digest(name.encode())[:16],
                kind=kind,
                native_id=name.encode(),
                matter="",
                size=len(content),
                mtime_ns=0,
                digest=digest(content),
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=metadata,
            )
            for name, (kind, content, metadata) in contents.items()
        ]


def failed(judged: Bench) -> set[str]:
    judgement = judged.judged()
    assert not any(result.error for result in judgement.results)
    return {result.name for result in judgement.failed}


def test_a_true_copy_kills_nothing_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    firm = MailFirm(tmp_path)
    firm.box("Inbox.mbox", letter("[2024-0113] Offer"), letter("Lunch"))
    assert firm.back_up().completeness == "complete"
    judged = Bench(firm, MailArchiveContract())
    assert failed(judged) == set()

    def spoil(folder: Path) -> None:
        (folder / "Inbox.mbox").write_bytes(b"no archive any more")
        for path in folder.glob("archived_messages/*/*.json"):
            path.write_text(json.dumps({"id": "another"}))

    judged.delivered = spoil
    assert failed(judged) >= KILLS

    def exchange(folder: Path) -> None:
        for path in folder.rglob("*.eml"):
            path.write_bytes(letter("somebody else's").as_bytes())

    judged.delivered = exchange
    assert "items.row" in failed(judged)
