"""The weekly verification of a share: what is restored has what Windows kept of it, and the share is asked once more, by
another client than the one that made the backup."""

from __future__ import annotations

import base64
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from muniment.assurance.files_contract import SmbContract
from muniment.clock import FixedClock, SystemClock
from muniment.model.item import Fidelity, Row
from muniment.sources.base import Description
from muniment.sources.smb.reader import SmbReader
from muniment.vault.rows import Snapshot
from tests.assurance.expectations.bench import Bench
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.support.smb_client import Windows
from tests.support.smb_firm import SmbFirm
from tests.support.smb_share import Share

KILLS = frozenset({"items.descriptor", "items.stream"})
"""Expectations that are seen to fail here."""

LETTER = "Matters/2024-0113 Estate/Letter.txt"
OWNED = "AQAEgBQAAAAAAAAAAAAAAAAAAAABAQAAAAAAAQAAAAA="


class TestShares(ExpectationContractSuite):
    contract = SmbContract()

    def restored(self, folder: Path) -> list[Row]:
        contents = {
            f"{SECRET}.docx": (b"Dear Sir", {"descriptor": OWNED, "streams": [SECRET]}),
            f"{SECRET}.docx:{SECRET}": (b"3", {"stream": SECRET}),
        }
        for name, (content, _) in contents.items():
            (folder / name).write_bytes(content)
        return [
            Row(
                item_id=digest(name.encode())[:16],
                kind="file",
                native_id=name.encode(),
                matter="",
                size=len(content),
                mtime_ns=0,
                digest=digest(content),
                fidelity=Fidelity.FILE,
                parts=(),
                metadata=metadata,
            )
            for name, (content, metadata) in contents.items()
        ]


@pytest.fixture
def windows(share: Share) -> Windows:
    return Windows(share, share.name)


@pytest.fixture
def judged(tmp_path: Path, share: Share, windows: Windows) -> Bench:
    for number in range(12):
        windows.save(f"Matters/2024-0113 Estate/Brief {number}.dat", os.urandom(2000))
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"ZoneId=3")
    firm = SmbFirm(tmp_path, share)
    # A day ahead, so that everything was touched before the backup began.
    firm.clock = FixedClock(SystemClock().now() + timedelta(days=1))
    return Bench(firm, SmbContract())


def replaced(told: Description, **metadata: Any) -> Description:
    return Description(
        told.fingerprint, told.fidelity, {**told.metadata, **metadata}, told.has_content
    )


def failed(judged: Bench) -> set[str]:
    judgement = judged.judged()
    assert not any(result.error for result in judgement.results)
    return {result.name for result in judgement.failed}


def test_a_true_copy_of_a_share_kills_nothing_and_the_share_was_asked(
    judged: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    judged.back_up()
    assert failed(judged) == set()
    assert "Estate" not in caplog.text and "127.0.0.1" not in caplog.text
    facts = judged.facts()
    assert facts.totals["audited"] >= 14
    files = [row for row in facts.tables["audit"] if row["kind"] == "file"]
    assert {row["bytes"] for row in files} == {"same"}
    assert [row["row"] for row in facts.tables["audit"]].count("same") == 13 + 3, "and folders"
    assert {row["time"] for row in facts.tables["audit"]} == {True}


def test_what_people_did_since_is_no_failure(judged: Bench, windows: Windows, share: Share) -> None:
    judged.back_up()
    windows.save("Matters/2024-0113 Estate/Brief 1.dat", b"another brief")
    old = share.root / "Matters/2024-0113 Estate/Brief 2.dat"
    # An older version is copied over it, with its old time, as Explorer does: Samba shows no later time anywhere.
    before = old.stat()
    old.write_bytes(b"an older version")
    os.utime(old, ns=(0, before.st_mtime_ns - 10**15))
    windows.allow("Matters/2024-0113 Estate/Brief 3.dat", 4711)
    assert failed(judged) == set()


def test_a_connector_that_gives_other_bytes_is_found(judged: Bench) -> None:
    whole = SmbReader.read

    def spoiled(self: SmbReader, size: int) -> bytes:
        data = whole(self, size)
        return b"\0" * len(data) if len(data) == 2000 else data

    with mock.patch.object(SmbReader, "read", spoiled):
        judged.back_up()
    assert "audit.bytes" in failed(judged)


def test_a_connector_that_keeps_other_permissions_or_no_streams_is_found(
    judged: Bench, windows: Windows
) -> None:
    """On Samba, where no time tells whether somebody changed them since: the connector is asked once more."""
    whole = SmbReader.describe

    def spoiled(self: SmbReader) -> Description:
        told = whole(self)
        if self._native_id.endswith(b"Brief 7.dat"):
            other = bytearray(self._descriptor or b"")
            other[-1] ^= 1
            return replaced(told, descriptor=base64.b64encode(other).decode())
        if self._native_id.endswith(b"Letter.txt"):
            return replaced(told, streams=[])
        return told

    with mock.patch.object(SmbReader, "describe", spoiled):
        judged.back_up()
        windows.allow("Matters/2024-0113 Estate/Brief 3.dat", 4711)
        assert failed(judged) == {"audit.row", "items.live_same"}
        told = [cells["row"] for cells in judged.facts().tables["audit"]]
    assert (told.count("differs"), told.count("changed")) == (2, 1)


def test_permissions_that_got_into_another_row_are_found(judged: Bench) -> None:
    """After they were read: the connector, asked once more, says what the server says."""
    judged.back_up()

    def mixed_up(snapshot: Snapshot) -> None:
        letters = [row for row in snapshot.items.values() if row.native_id.endswith(b"7.dat")]
        letters[0].metadata["descriptor"] = OWNED  # type: ignore[index]

    judged.rows = mixed_up
    assert "audit.row" in failed(judged)


def test_a_connector_that_leaves_files_out_is_found(judged: Bench) -> None:
    from muniment.sources.smb import scan

    whole = scan._entry

    def spoiled(look: scan.Look, folder: bytes, entry: object, result: scan._Result) -> None:
        if getattr(entry, "name", "") not in ("Brief 7.dat", "Brief 8.dat"):
            whole(look, folder, entry, result)  # type: ignore[arg-type]

    with mock.patch.object(scan, "_entry", spoiled):
        judged.back_up()
    assert "audit.missing" in failed(judged)


def test_a_file_that_was_deleted_and_is_still_there_is_found(judged: Bench, share: Share) -> None:
    judged.back_up()
    hidden = share.root / "Matters/2024-0113 Estate/Brief 7.dat"
    aside = share.root.with_name(f"{share.name} aside")
    hidden.rename(aside)
    judged.back_up()
    aside.rename(hidden)
    assert "audit.denied" in failed(judged)


def test_rows_without_permissions_and_streams_under_another_name_are_found(judged: Bench) -> None:
    judged.back_up()

    def without(snapshot: Snapshot) -> None:
        for row in snapshot.items.values():
            row.metadata.pop("descriptor", None)  # type: ignore[attr-defined]
            if "stream" in row.metadata:
                row.metadata["stream"] = "Another"  # type: ignore[index]

    judged.rows = without
    assert {"items.descriptor", "items.stream"} <= failed(judged)


def test_a_server_that_is_gone_leaves_the_verification_without_it(judged: Bench) -> None:
    judged.back_up()
    judged.live = False
    assert failed(judged) == set()
