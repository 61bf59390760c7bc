"""Backups through their DAG, from the first plan to the last task, and back out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from muniment.airflow import backup_tasks
from muniment.airflow.stores import open_destination
from muniment.backup.options import BackupOptions
from muniment.config.firm import Destination
from muniment.errors import StagingError, StoreDenied
from muniment.vault.store.base import Store
from muniment.vault.store.s3_client import S3Credential
from muniment.wiring import Wiring
from tests.support.airflow_firm import AirflowFirm, Ran
from tests.support.fake_stores import FailingStore
from tests.support.practice import tree

SHARDS = "sources: {files: {shard_items: 100}}\n"


def write_matters(firm: AirflowFirm) -> None:
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    firm.write("Matters/2024-0113 Harbor/exhibit.bin", bytes(range(256)) * 400)
    firm.write("Matters/2024-0200 Mill/notes.txt", "notes")
    firm.write("Office/holiday.txt", "list")


def write_two_shards(firm: AirflowFirm) -> None:
    firm.document(more=SHARDS)
    for number in range(150):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")


def commits(firm: AirflowFirm) -> list[str]:
    records = firm.vault().history("files").trusted
    return [record.commit.completeness.value for record in records]


def mapped(ran: Ran, task_id: str) -> list[str]:
    states = ran.states()
    return [states[name] for name in sorted(states) if name.startswith(f"shard.{task_id}")]


def test_two_days_are_backed_up_and_each_comes_back_as_it_was(
    firm: AirflowFirm, said: Callable[[], str]
) -> None:
    write_matters(firm)
    first = firm.back_up_by_airflow()
    monday = tree(firm.share)
    between = datetime.now(UTC)
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel, once more")
    (firm.share / "Office/holiday.txt").unlink()
    second = firm.back_up_by_airflow()
    tuesday = tree(firm.share)

    assert (first.state, second.state) == ("success", "success")
    assert first.labels("shard.upload") == ["001: 9 items, 102 kB"]
    assert second.xcom("record")["counts"]["removed"] == 1
    newest = firm.restore_by_airflow(what="source", sources=["files"], deliver_to="newest")
    older = firm.restore_by_airflow(
        what="source", sources=["files"], as_of=between.isoformat(), deliver_to="older"
    )
    assert (newest.state, older.state) == ("success", "success")
    assert tree(firm.restores / "newest/files") == tuesday
    assert tree(firm.restores / "older/files") == monday
    assert "Snapshot 2 of files is committed: complete" in said()
    assert "Harbor" not in said()
    assert "letter" not in said()


def test_a_day_without_change_has_no_shard_and_is_committed_all_the_same(
    firm: AirflowFirm,
) -> None:
    write_matters(firm)
    firm.back_up()

    ran = firm.back_up_by_airflow()

    assert ran.state == "success"
    assert mapped(ran, "upload") == ["skipped"]
    assert ran.states()["commit_snapshot"] == ran.states()["record"] == "success"
    assert commits(firm) == ["complete", "complete"]


def test_staging_is_empty_after_a_run(firm: AirflowFirm) -> None:
    write_matters(firm)
    firm.back_up_by_airflow()
    assert not list(firm.staging.rglob("*"))


def refuse_packs(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Every new pack after the first so many is refused by the store."""
    seen: set[str] = set()

    def wrong(number: int, kind: str, name: str) -> bool:
        if kind != "put" or not name.startswith("packs/"):
            return False
        seen.add(name)
        return len(seen) > after

    def opener(destination: Destination, url: str, credential: S3Credential | None = None) -> Store:
        return FailingStore(
            open_destination(destination, url, credential),
            wrong,
            lambda name: StoreDenied("the store refused the credential", to=name),
        )

    monkeypatch.setattr(backup_tasks, "open_destination", opener)


def test_a_failed_shard_fails_the_run_and_the_others_are_committed(
    firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    write_two_shards(firm)
    with monkeypatch.context() as broken:
        refuse_packs(broken, after=1)
        ran = firm.back_up_by_airflow()

    assert ran.state == "failed"
    assert sorted(mapped(ran, "upload")) == ["failed", "success"]
    assert ran.states()["commit_snapshot"] == "success"
    assert ran.states()["record"] == "failed"
    assert ran.states()["purge_staging"] == "success"
    assert not list(firm.staging.rglob("*"))
    assert commits(firm) == ["incomplete"]
    assert "[M410] the store refused the credential" in said()
    assert "[M250] snapshot 1 is committed and incomplete: 1 of 2 shards are unfinished" in said()
    assert "Traceback" not in said()

    again = firm.back_up_by_airflow()
    assert again.state == "success"
    assert commits(firm) == ["incomplete", "complete"]
    firm.restore_by_airflow(what="source", sources=["files"], deliver_to="all")
    assert tree(firm.restores / "all/files") == tree(firm.share)


def test_a_share_that_is_gone_fails_at_once_and_records_no_deletion(
    firm: AirflowFirm, said: Callable[[], str]
) -> None:
    write_matters(firm)
    firm.back_up()
    firm.share.rename(firm.folder / "elsewhere")

    ran = firm.back_up_by_airflow()

    assert ran.state == "failed"
    assert ran.tries("plan") == 1
    assert ran.states()["commit_snapshot"] == "skipped"
    assert ran.states()["record"] == "failed"
    assert commits(firm) == ["complete"]
    assert "[M210]" in said()
    assert "to do: Mount or repair the source" in said()


def test_a_mass_deletion_is_refused_until_the_form_accepts_it(firm: AirflowFirm) -> None:
    for number in range(40):
        firm.write(f"Matters/2024-0113 Harbor/{number:03}.txt", f"page {number}")
    firm.back_up()
    for file in (firm.share / "Matters/2024-0113 Harbor").iterdir():
        if file.name != "000.txt":
            file.unlink()

    assert firm.back_up_by_airflow().state == "failed"
    assert firm.back_up_by_airflow(accept_mass_deletion=True).state == "success"


def fail_once(
    monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, times: int = 1
) -> list[int]:
    """Makes an engine function fail the first so many times; the list holds how often it ran."""
    real = getattr(backup_tasks, name)
    calls = [0]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] <= times:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(backup_tasks, name, wrapped)
    return calls


def test_a_passing_fault_is_retried(firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch) -> None:
    write_matters(firm)
    calls = fail_once(monkeypatch, "encrypt", StagingError("staging is full"))

    ran = firm.back_up_by_airflow()

    assert ran.state == "success"
    assert (calls, ran.tries("shard.encrypt")) == ([2], 2)
    assert ran.labels("shard.encrypt") == ran.labels("shard.upload")


def test_an_error_nobody_foresaw_is_retried_and_its_text_stays_out_of_the_log(
    firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    write_matters(firm)
    fail_once(monkeypatch, "extract", OSError("/srv/Harbor holdings.doc"))

    assert firm.back_up_by_airflow().state == "success"

    assert "[M900] an error nobody foresaw: OSError" in said()
    assert "airflow/backup_tasks.py:" in said()
    assert "Harbor" not in said()


def test_what_is_too_much_for_a_run_is_a_run_of_its_own_at_once(
    firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_matters(firm)
    options = Wiring._options

    def short(self: Wiring, *args: Any) -> BackupOptions:
        return replace(options(self, *args), run_limit_bytes=100)

    monkeypatch.setattr(Wiring, "_options", short)
    ran = firm.back_up_by_airflow()

    assert ran.state == "failed"
    assert ran.states()["next_run"] == "success"
    assert ran.states()["record"] == "failed"
    assert [run for run in firm.runs("practice__files__backup") if "remainder" in run]


def test_a_run_that_finished_nothing_does_not_begin_again_by_itself(
    firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_matters(firm)
    options = Wiring._options

    def short(self: Wiring, *args: Any) -> BackupOptions:
        return replace(options(self, *args), run_limit_bytes=100)

    monkeypatch.setattr(Wiring, "_options", short)
    refuse_packs(monkeypatch, after=0)

    assert firm.back_up_by_airflow().states()["next_run"] == "skipped"


def test_clearing_an_old_run_makes_a_snapshot_of_now(firm: AirflowFirm) -> None:
    write_matters(firm)
    day = datetime(2026, 11, 1, 7, tzinfo=UTC)
    first = firm.run_dag("practice__files__backup", logical_date=day)
    firm.write("Office/new.txt", "new")

    again = firm.run_dag("practice__files__backup", logical_date=day)

    assert (first.state, again.state) == ("success", "success")
    assert commits(firm) == ["complete", "complete"]
    assert again.xcom("record")["counts"]["added"] == 1


OLD, NEW = {"mark": "old", "shards": 2}, {"mark": "new", "shards": 2}
DONE = {"plan": "old", "unfinished": [], "deferred_items": 3, "causes": [], "success": True}


def test_what_an_earlier_attempt_left_in_xcom_does_not_count(
    firm: AirflowFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.config.load import load_firm
    from muniment.errors import BackupIncomplete

    tasks = backup_tasks.BackupTasks(load_firm(firm.firms / firm.name), "files", "any")
    written: list[object] = []
    monkeypatch.setattr(tasks, "_write_down", written.append)
    done = {**DONE, "source": "files", "seq": 1, "digest": "d", "completeness": "c", "counts": {}}

    assert tasks.record(OLD, done)["seq"] == 1
    assert tasks.remainder(OLD, done) == 3
    assert tasks.remainder(NEW, done) == 0
    for plan, outcome in ((NEW, done), (None, done), (NEW, None)):
        with pytest.raises(BackupIncomplete, match="no snapshot was committed"):
            tasks.record(plan, outcome)
    assert written == [done]
