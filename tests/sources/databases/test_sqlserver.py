"""SQL Server: databases that the server backs up onto a share, over the driver and a stand-in for the server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from muniment.errors import (
    BackupShareUnusable,
    ItemUnreadable,
    MunimentError,
    SourceRefused,
    SourceRestricted,
    SourceSuspect,
    SourceUnavailable,
)
from muniment.sources import causes
from muniment.sources.base import Skipped
from muniment.sources.databases.access import Tls, native_id
from muniment.sources.databases.engine import Dump
from muniment.sources.databases.sqlserver import Share
from muniment.vault.pack_writer import PackWriter
from tests.simulators.sqlserver import backup_file
from tests.simulators.sqlserver.instance import CREATE, SYSADMIN, Folder
from tests.simulators.sqlserver.running import running
from tests.support.databases import disk_full, dumped
from tests.support.sqlserver import PASSWORD, UNC, Bench, SqlServerFirm, sql_server


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with sql_server(tmp_path, "practice") as made:
        yield made


def folder_of(bench: Bench) -> Folder:
    return bench.instance.folders[UNC.lower()]


# -- a night -----------------------------------------------------------------------------------------


def test_a_night_comes_back_as_the_file_that_the_server_wrote_and_verified(
    bench: Bench, tmp_path: Path
) -> None:
    firm = SqlServerFirm(tmp_path, bench)
    assert firm.back_up().completeness == "complete"
    [row] = firm.snapshot_rows()
    told = row.metadata["backup"]
    assert told["verified"] and told["header"]["HasBackupChecksums"] and told["header"]["IsCopyOnly"]  # fmt: skip
    assert [each["Type"] for each in told["files"]] == ["D", "L"]
    assert row.metadata["server"] == "SQL Server 16.0.4185.3"
    firm.restore(tmp_path / "back")
    [path] = (tmp_path / "back").rglob("*.bak")
    [held] = backup_file.read(path.read_bytes(), prove=True)
    assert held.pages == bench.instance.databases["practice"].pages
    asked = [one for one in bench.instance.statements if "DISK" in one]
    assert [one.split(" FROM ")[0].split(" TO ")[0] for one in asked[:4]] == [
        "BACKUP DATABASE [practice]", "RESTORE VERIFYONLY", "RESTORE HEADERONLY", "RESTORE FILELISTONLY",
    ]  # fmt: skip
    assert "WITH COPY_ONLY, INIT, CHECKSUM" in asked[0] and asked[1].endswith("WITH CHECKSUM")
    # No name of a database goes onto the share.
    assert "practice" not in asked[0].split("TO DISK")[1]


def test_the_backup_file_goes_when_a_snapshot_holds_it_and_not_before(
    bench: Bench, tmp_path: Path
) -> None:
    firm = SqlServerFirm(tmp_path, bench)
    dumped(bench.source(), "practice")
    [file] = bench.backups()
    # Nobody committed it: it stays, and the next backup takes its place.
    before = file.read_bytes()
    assert bench.engine().release("practice", "another moment")
    assert file.read_bytes() == before
    assert firm.back_up().completeness == "complete"
    assert bench.backups() == []


def test_a_file_that_could_not_be_removed_after_the_commit_is_removed_by_the_next_run(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = SqlServerFirm(tmp_path, bench)
    real = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".bak":
            raise PermissionError(13, "not today")
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert firm.back_up().completeness == "complete"
    assert len(bench.backups()) == 1
    monkeypatch.setattr(Path, "unlink", real)
    bench.instance.databases["practice"].state = "OFFLINE"
    with pytest.raises(SourceSuspect):
        firm.back_up()
    assert bench.backups() == []


def test_nothing_that_another_wrote_is_overwritten_or_removed(bench: Bench) -> None:
    dumped(bench.source(), "practice")
    [file] = bench.backups()
    file.write_bytes(b"minutes of the partners' meeting")
    with pytest.raises(BackupShareUnusable, match="did not write"):
        dumped(bench.source(), "practice")
    assert bench.engine().release("practice", "1")
    assert file.read_bytes() == b"minutes of the partners' meeting"
    # A backup that somebody else made under that very name.
    file.unlink()
    with bench.engine()._connected() as connection, connection.cursor() as cursor:
        cursor.execute(f"BACKUP DATABASE practice TO DISK = N'{UNC}\\{file.name}' WITH INIT, NAME = N'ours'")  # fmt: skip
    held = file.read_bytes()
    with pytest.raises(BackupShareUnusable, match="did not write"):
        dumped(bench.source(), "practice")
    assert file.read_bytes() == held


def test_all_databases_are_taken_but_those_that_every_server_has_anew(tmp_path: Path) -> None:
    with sql_server(tmp_path) as bench:
        bench.instance.add("Müller ]'; DROP").backup_rights.add("muniment")
        firm = SqlServerFirm(tmp_path, bench)
        assert firm.back_up().completeness == "complete"
        assert {row.native_id for row in firm.snapshot_rows()} == {
            native_id(name) for name in ("master", "msdb", "practice", "Müller ]'; DROP")
        }
        assert bench.backups() == []


# -- TLS ---------------------------------------------------------------------------------------------


def test_a_server_is_believed_by_its_certificate_alone(tmp_path: Path) -> None:
    own, other = trustme.CA(), trustme.CA()
    chain, key, ca, wrong = (tmp_path / name for name in ("chain", "key", "ca", "wrong"))
    issued = own.issue_cert("localhost")
    issued.private_key_pem.write_to_path(chain.with_name("key"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    own.cert_pem.write_to_path(ca)
    other.cert_pem.write_to_path(wrong)
    with sql_server(tmp_path, certificate=(chain, key)) as bench:
        assert bench.engine(tls=Tls.VERIFY, ca=ca, host="localhost").health().facts["edition"]
        assert bench.engine(tls=Tls.ENCRYPT).health().identity == "sql-server FIRM-SQL"
        for host, authority in (("localhost", wrong), ("127.0.0.1", ca)):
            with pytest.raises((SourceRefused, SourceUnavailable)):
                bench.engine(tls=Tls.VERIFY, ca=authority, host=host).health()
    with running({}) as plain:
        plain.instance.login("muniment", PASSWORD, SYSADMIN)
        bench.server = plain
        with pytest.raises((SourceRefused, SourceUnavailable)):
            bench.engine(tls=Tls.ENCRYPT).health()


# -- what goes wrong ---------------------------------------------------------------------------------


def share(**more: object) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        for name, value in more.items():
            setattr(folder_of(bench), name, value)

    return change


def failing(**more: object) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        for name, value in more.items():
            setattr(bench.instance.failing, name, value)

    return change


def database(**more: object) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        for name, value in more.items():
            setattr(bench.instance.databases["practice"], name, value)

    return change


WRONG: dict[str, tuple[Callable[[Bench], None], type[MunimentError] | type[OSError], str]] = {
    "no right to back up": (database(backup_rights=set()), ItemUnreadable, causes.PERMISSION_DENIED),
    "no right to verify": (lambda bench: bench.instance.logins["muniment"][1].clear(), ItemUnreadable, causes.PERMISSION_DENIED),
    "disk full": (share(room=4096), ItemUnreadable, causes.SHARE_FULL),
    "share not reached by the server": (share(reached=False), BackupShareUnusable, "does not reach it (system error 53)"),
    "share read-only for the server": (share(writable=False), BackupShareUnusable, "the account that the database server runs as"),
    "no checksums": (failing(without_checksums=True), ItemUnreadable, causes.NO_CHECKSUMS),
    "spoiled on its way": (failing(spoil=-3000), ItemUnreadable, causes.BACKUP_UNPROVEN),
    "lost on its way": (failing(lose=True), BackupShareUnusable, "does not reach it (system error 2)"),
    "a damaged page": (database(damaged=True), ItemUnreadable, causes.DATABASE_DAMAGED),
    "offline": (database(state="OFFLINE"), ItemUnreadable, causes.DATABASE_OFFLINE),
    "another backup runs": (failing(error=(3023, 16, "Backup, file manipulation operations must be serialized.")), ItemUnreadable, causes.LOCKED),
    "an error that nobody knows": (failing(error=(8645, 17, "A timeout occurred.")), SourceUnavailable, "it answers with error 8645"),
    "the server ends": (failing(end=True), SourceUnavailable, "no connection could be made"),
    "it is gone": (lambda bench: bench.instance.databases.pop("practice"), FileNotFoundError, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_is_told_as_what_it_is_and_leaves_nothing_behind(
    bench: Bench, name: str
) -> None:
    spoil, error, what = WRONG[name]
    spoil(bench)
    with pytest.raises(error) as told:
        dumped(bench.source(), "practice")
    if isinstance(told.value, MunimentError):
        assert what in told.value.what and "practice" not in str(told.value)
    assert bench.backups() == []


def test_what_is_wrong_with_one_database_is_told_before_any_is_dumped(bench: Bench) -> None:
    database(state="RECOVERY_PENDING")(bench)
    assert list(bench.source().scan()) == [
        Skipped("database", native_id("practice"), causes.DATABASE_OFFLINE)
    ]
    database(state="ONLINE", backup_rights=set())(bench)
    [skipped] = bench.source().scan()
    assert isinstance(skipped, Skipped) and skipped.cause == causes.PERMISSION_DENIED


def test_a_server_that_may_not_be_backed_up_so_is_told_at_once(bench: Bench) -> None:
    with pytest.raises(SourceRefused):
        bench.engine(password="wrong").health()
    bench.instance.logins["muniment"][1].discard(CREATE)
    with pytest.raises(SourceRestricted, match="CREATE ANY DATABASE"):
        bench.engine().health()
    bench.instance.engine = 8
    with pytest.raises(SourceRestricted, match="Managed Instance"):
        bench.engine().health()
    bench.instance.engine = 2
    bench.instance.logins["muniment"][1].add(CREATE)
    bench.mount.rename(bench.mount.with_name("elsewhere"))
    with pytest.raises(BackupShareUnusable, match="this machine does not read it"):
        bench.engine().health()


def test_a_worker_that_sees_another_folder_is_told(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    engine = bench.engine()
    engine._share = Share(UNC, tmp_path / "other")
    monkeypatch.setattr("muniment.sources.databases.sqlserver._SEEN_SECONDS", 0.2)
    with pytest.raises(BackupShareUnusable, match="this machine does not see it"), engine.dump("practice"):  # fmt: skip
        pass


def read_to_end(dump: Dump) -> None:
    while dump.read(1000):
        pass


def test_a_file_that_changes_while_it_is_read_is_not_taken(bench: Bench) -> None:
    with bench.engine().dump("practice") as dump:
        dump.read(1000)
        [file] = bench.backups()
        os.truncate(file, 2000)
        with pytest.raises(ItemUnreadable, match=causes.CHANGED_WHILE_READ):
            read_to_end(dump)


def test_a_failed_backup_makes_the_run_incomplete_and_the_earlier_one_stands(
    bench: Bench, tmp_path: Path
) -> None:
    firm = SqlServerFirm(tmp_path, bench)
    firm.back_up()
    failing(without_checksums=True)(bench)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete"
    assert [each["cause"] for each in outcome.causes] == [causes.NO_CHECKSUMS]
    assert len(firm.snapshot_rows()) == 1


def test_a_full_staging_disk_leaves_the_earlier_backup_and_the_next_run_clears_the_share(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = SqlServerFirm(tmp_path, bench)
    firm.back_up()
    bench.instance.databases["practice"].change(1, b"worked on")
    with monkeypatch.context() as spoiled:
        spoiled.setattr(PackWriter, "add", disk_full)
        assert firm.back_up().completeness == "incomplete"
    assert len(firm.snapshot_rows()) == 1
    assert firm.back_up().completeness == "complete"
    assert bench.backups() == []
