"""What goes wrong at a file server is told, deletes nothing, and passes when its cause does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muniment.clock import SystemClock
from muniment.errors import (
    ItemUnreadable,
    SourceMissing,
    SourceRefused,
    SourceSuspect,
    SourceUnavailable,
)
from muniment.model.item import Observed
from muniment.sources.base import Skipped
from muniment.sources.smb import source as smb_source
from muniment.sources.smb.place import Account, Place
from muniment.sources.smb.source import Reading, SmbSource
from tests.contracts.source_contract import LARGE, content_of
from tests.support.smb_client import Windows
from tests.support.smb_firm import SmbFirm
from tests.support.smb_server import PASSWORD, USER, SmbServer, smb_server
from tests.support.smb_share import Share

LETTER = "Matters/2024-0113 Estate/Letter.docx"


class Waited(SystemClock):
    """Who waits by it is told, and something may happen meanwhile."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.meanwhile: Any = lambda: None

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.meanwhile()


@pytest.fixture
def windows(share: Share) -> Windows:
    return Windows(share, share.name)


@pytest.fixture
def firm(tmp_path: Path, share: Share) -> SmbFirm:
    return SmbFirm(tmp_path, share)


@pytest.fixture
def own_server() -> Iterator[SmbServer]:
    """For what would disturb the other tests."""
    with smb_server() as running:
        yield running


def source(share: Share, clock: Waited, **reading: Any) -> SmbSource:
    return SmbSource("shares", share.place, Account(USER, PASSWORD), Reading(**reading), clock)


# -- locked files ------------------------------------------------------------------------------------


def test_a_locked_file_is_tried_again_and_taken_when_its_program_lets_go(
    share: Share, windows: Windows
) -> None:
    windows.save(LETTER, b"Dear Sir")
    held = windows.open(LETTER, "r+b")
    clock = Waited()
    clock.meanwhile = held.close
    with source(share, clock).open("file", LETTER.encode()) as reader:
        reader.describe()
        assert content_of(reader) == b"Dear Sir"
    assert clock.waits == [smb_source.LOCK_WAITS[0]]


def test_a_file_that_stays_locked_is_told_its_last_version_stays_and_the_next_run_takes_it(
    firm: SmbFirm, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smb_source, "LOCK_WAITS", (0.01,))
    windows.save(LETTER, b"Dear Sir")
    windows.save("Other.docx", b"Other")
    firm.night()
    windows.save(LETTER, b"Dear Madam")
    with windows.open(LETTER, "r+b"):
        outcome = firm.night()
        assert outcome.completeness == "incomplete"
        assert firm.problems() == {LETTER: "locked by another program"}
        assert firm.rows()[LETTER].size == len(b"Dear Sir")
    assert firm.night().completeness == "complete"
    assert firm.rows()[LETTER].size == len(b"Dear Madam")


def test_all_locked_files_of_a_run_together_are_waited_for_a_minute_and_no_longer(
    share: Share, windows: Windows
) -> None:
    windows.save(LETTER, b"Dear Sir")
    clock = Waited()
    reading = source(share, clock)
    with windows.open(LETTER, "r+b"):
        for _ in range(30):
            with pytest.raises(ItemUnreadable) as caught:
                reading.open("file", LETTER.encode())
            assert caught.value.what == "locked by another program"
    assert sum(clock.waits) <= smb_source.LOCK_BUDGET


# -- a session that is dropped, a server that is gone ------------------------------------------------


def test_a_session_that_is_dropped_in_the_middle_of_a_file_is_made_anew(share: Share) -> None:
    content = os.urandom(8 * LARGE)
    share.write(LETTER, content)
    with source(share, Waited()).open("file", LETTER.encode()) as reader:
        reader.describe()
        first = reader.read(100_000)
        assert share.server.drop_sessions() >= 1
        assert first + content_of(reader) == content
        assert reader.settled()


def test_a_file_that_changed_while_the_session_was_gone_is_not_mixed(
    share: Share, windows: Windows
) -> None:
    windows.save(LETTER, b"a" * 8 * LARGE)
    with source(share, Waited()).open("file", LETTER.encode()) as reader:
        reader.describe()
        reader.read(100_000)
        share.server.drop_sessions()
        windows.save_again(LETTER, b"b" * 8 * LARGE)
        with pytest.raises(ItemUnreadable) as caught:
            content_of(reader)
    assert caught.value.what == "changed while read"


def test_sessions_that_are_dropped_during_a_listing_cost_nothing_of_it(share: Share) -> None:
    for number in range(200):
        share.write(f"Matters/{number}/Letter.docx", b"x")
    listing = source(share, Waited(), connections=2).scan()
    found = [next(listing)]
    share.server.drop_sessions()
    found += listing
    assert len(found) == len({(each.kind, each.native_id) for each in found}) == 402
    assert all(isinstance(each, Observed) for each in found)


def test_a_server_that_comes_back_is_waited_for(own_server: SmbServer) -> None:
    share = Share(own_server, "share")
    share.write(LETTER, b"Dear Sir")
    clock = Waited()
    reading = source(share, clock)
    reading.probe()
    own_server.stop()
    clock.meanwhile = lambda: clock.waits[1:] == [] or own_server.sessions() or own_server.restart()
    with reading.open("file", LETTER.encode()) as reader:
        assert content_of(reader) == b"Dear Sir"
    assert len(clock.waits) >= 2


def test_a_server_that_is_gone_in_mid_run_ends_the_run_and_records_no_deletion(
    own_server: SmbServer, tmp_path: Path
) -> None:
    share = Share(own_server, "share")
    share.write(LETTER, b"Dear Sir")
    share.write("Other.docx", b"Other")
    firm = SmbFirm(tmp_path, share, patience=timedelta(0))
    firm.night()
    share.write(LETTER, b"Dear Madam")
    firm.let_settle()
    run = firm.run()
    from muniment.backup.extract import extract
    from muniment.backup.plan import make_plan

    plan = make_plan(run)
    own_server.stop()
    with pytest.raises(SourceUnavailable) as caught:
        extract(run, plan.shards[0].shard)
    assert "Letter" not in str(caught.value)
    assert {LETTER, "Other.docx"} <= set(firm.rows())
    with pytest.raises(SourceUnavailable):
        firm.night()
    own_server.start()
    assert firm.night().completeness == "complete"
    assert firm.rows()[LETTER].size == len(b"Dear Madam")


def test_a_server_that_stops_answering_during_a_listing_is_no_empty_share(
    own_server: SmbServer,
) -> None:
    share = Share(own_server, "share")
    for number in range(200):
        share.write(f"Matters/{number}/Letter.docx", b"x")
    listing = share.source(patience=timedelta(0), connections=1).scan()
    next(listing)
    own_server.stop()
    with pytest.raises(SourceUnavailable):
        list(listing)


# -- rights ------------------------------------------------------------------------------------------


def test_a_folder_whose_permission_was_revoked_hides_its_tree_and_nothing_below_is_called_deleted(
    firm: SmbFirm, share: Share, windows: Windows
) -> None:
    windows.save(LETTER, b"Dear Sir")
    windows.save(LETTER + ":Zone.Identifier", b"3")
    windows.save("Other.docx", b"Other")
    firm.night()
    before = set(firm.rows())
    folder = share.root / "Matters/2024-0113 Estate"
    os.chown(folder, 0, 0)
    folder.chmod(0o700)
    os.removexattr(folder, "security.NTACL")
    outcome = firm.night()
    assert outcome.completeness == "incomplete"
    assert firm.problems() == {"Matters/2024-0113 Estate": "permission denied"}
    assert set(firm.rows()) == before


def test_a_file_whose_permission_was_revoked_is_told_and_its_last_version_stays(
    firm: SmbFirm, share: Share
) -> None:
    file = share.write(LETTER, b"Dear Sir")
    share.write("Other.docx", b"Other")
    firm.night()
    file.write_bytes(b"Dear Madam")
    file.chmod(0o600)
    assert firm.night().completeness == "incomplete"
    assert firm.problems() == {LETTER: "permission denied"}
    assert firm.rows()[LETTER].size == len(b"Dear Sir")


def test_a_wrong_password_is_refused_and_says_what_to_do_without_it(share: Share) -> None:
    with pytest.raises(SourceRefused) as caught:
        share.source(password="not-it").probe()
    assert "does not let this account in" in str(caught.value)
    assert "not-it" not in str(caught.value)


def test_a_share_that_the_account_may_not_read_is_refused(share: Share) -> None:
    share.write(LETTER, b"Dear Sir")
    os.chown(share.root, 0, 0)
    share.root.chmod(0o700)
    with pytest.raises(SourceRefused):
        list(share.source().scan())


# -- what is not there -------------------------------------------------------------------------------


def test_a_share_that_is_not_there_is_missing(share: Share) -> None:
    place = Place("127.0.0.1", "Nowhere", "", share.server.port)
    with pytest.raises(SourceMissing, match="no such share"):
        SmbSource("shares", place, Account(USER, PASSWORD), Reading(), Waited()).probe()


def test_a_share_that_is_empty_all_at_once_is_not_believed(firm: SmbFirm, share: Share) -> None:
    for number in range(30):
        share.write(f"Matters/{number}.docx", b"x")
    firm.night()
    (share.root / "Matters").rename(share.root.with_name(f"{share.name} elsewhere"))
    with pytest.raises(SourceSuspect):
        firm.night()


def test_another_folder_in_its_place_is_another_source(firm: SmbFirm, share: Share) -> None:
    share.write(LETTER, b"Dear Sir")
    firm.night()
    share.root.rename(share.root.with_name(f"{share.name} moved"))
    share.root.mkdir()
    share.write(LETTER, b"Dear Sir")
    with pytest.raises(SourceMissing, match="another file system or system"):
        firm.night()


def test_without_the_file_that_shows_that_it_is_the_right_share_it_is_missing(share: Share) -> None:
    with pytest.raises(SourceMissing, match="right share"):
        share.source(sentinel=b"do-not-delete.muniment").probe()
    share.write("do-not-delete.muniment")
    share.source(sentinel=b"do-not-delete.muniment").probe()


def test_a_server_without_encryption_is_refused_unless_firm_yaml_says_otherwise() -> None:
    with smb_server(more="server smb encrypt = off") as server:
        share = Share(server, "share")
        share.write(LETTER, b"Dear Sir")
        with pytest.raises(SourceRefused, match="cannot encrypt"):
            share.source().probe()
        account = Account(USER, PASSWORD, "", encrypt=False)
        plain = SmbSource("shares", share.place, account, Reading(), Waited())
        assert plain.probe().facts["encrypted"] == "no"
        with plain.open("file", LETTER.encode()) as reader:
            assert content_of(reader) == b"Dear Sir"


# -- names that a server makes up --------------------------------------------------------------------


def test_a_name_that_leads_out_is_told_and_never_asked_for(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.smb import asking
    from muniment.sources.smb.packets import Entry, Stat

    share.write(LETTER, b"Dear Sir")
    evil = [
        Entry(name, Stat(0, 0, 0, 1, attributes, 7), 0)
        for name in ("..\\..\\x", "a/b", "a:b", "x\0y", "")
        for attributes in (0x10, 0x80)
    ]
    whole = asking.list_folders
    monkeypatch.setattr(
        asking,
        "list_folders",
        lambda *args, **more: [
            found._replace(entries=[*found.entries, *evil]) for found in whole(*args, **more)
        ],  # type: ignore[misc,union-attr]
    )
    found = list(share.source().scan())
    told = [each for each in found if isinstance(each, Skipped)]
    assert {each.cause for each in told} == {"not an id of this source"}
    assert LETTER.encode() in {each.native_id for each in found}


def test_links_are_told_and_not_followed(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samba shows none, so the answer of a Windows server is put in its place."""
    from muniment.sources.smb import asking
    from muniment.sources.smb.packets import Entry, Stat

    share.write(LETTER, b"Dear Sir")
    junction = Entry("Junction", Stat(0, 0, 0, 0, 0x410, 7), 0xA0000003)
    deduplicated = Entry("Big.docx", Stat(0, 0, 0, 9, 0x420, 8), 0x80000013)
    whole = asking.list_folders
    monkeypatch.setattr(
        asking, "list_folders",
        lambda *args, **more: [
            found._replace(entries=[*found.entries, junction, deduplicated]) if n == 0 else found  # type: ignore[union-attr]
            for n, found in enumerate(whole(*args, **more))
        ],
    )  # fmt: skip
    told = [
        each
        for each in share.source(streams=False, closely=False).scan()
        if isinstance(each, Skipped)
    ]
    assert {(each.kind, each.cause) for each in told} == {
        ("symlink", "not reachable by the interface")
    }


# -- shadow copies -----------------------------------------------------------------------------------


def test_a_shadow_copy_is_read_in_place_of_the_share_and_an_old_one_is_refused() -> None:
    options = "shadow:mountpoint = ROOT\n  shadow:snapdir = .snapshots\n  shadow:sort = desc"
    with smb_server(vfs="shadow_copy2", of_share=options) as server:
        share = Share(server, "share")
        share.write(LETTER, b"as it is")
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        name = at.strftime("@GMT-%Y.%m.%d-%H.%M.%S")
        with pytest.raises(SourceMissing, match="no shadow copy"):
            share.source(shadow_copy="latest").probe()
        server.write(f".snapshots/{name}/share/{LETTER}", b"as it was")
        for wanted in ("latest", name):
            source = share.source(shadow_copy=wanted)
            assert source.probe().facts["shadow_copy"] == at.isoformat()
            listed = {each.native_id for each in source.scan()}
            assert LETTER.encode() in listed
            with source.open("file", LETTER.encode()) as reader:
                assert content_of(reader) == b"as it was"
        with pytest.raises(SourceMissing, match="young enough"):
            share.source(shadow_copy="latest", shadow_age=timedelta(hours=1)).probe()


def test_many_threads_read_over_few_connections(share: Share) -> None:
    for number in range(40):
        share.write(f"{number}.docx", b"%d" % number * 1000)
    source = share.source(connections=2)
    source.probe()
    wrong: list[int] = []

    def read(number: int) -> None:
        with source.open("file", f"{number}.docx".encode()) as reader:
            if content_of(reader) != b"%d" % number * 1000:
                wrong.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(share.server.sessions()) <= 40
