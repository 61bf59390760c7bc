"""What killed runs leave in staging goes with the next run; what is alive or resumable stays."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.backup.commit import commit_snapshot
from muniment.backup.encrypt import encrypt
from muniment.backup.extract import extract
from muniment.backup.plan import make_plan
from muniment.backup.staging import ABANDONED_SECONDS, RunStaging, clean_abandoned, working_folder
from muniment.backup.upload import upload
from muniment.clock import FixedClock
from muniment.errors import RunTooOld
from tests.support.practice import Practice


def staging(root: Path, run: str) -> RunStaging:
    return RunStaging(root, "files", run, [], [])


def test_a_run_of_one_process_that_is_dead_goes_at_once(tmp_path: Path) -> None:
    with staging(tmp_path, "dead").in_use(whole_run=True):
        (tmp_path / "files/dead/pack").write_bytes(b"sealed")
    assert clean_abandoned(tmp_path) == ["dead"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_one_process_that_lives_stays(tmp_path: Path) -> None:
    with staging(tmp_path, "alive").in_use(whole_run=True):
        assert clean_abandoned(tmp_path) == []
        assert (tmp_path / "files/alive/lock").exists()


def test_between_two_tasks_a_run_stays_until_it_is_old(tmp_path: Path) -> None:
    with staging(tmp_path, "tasks").in_use():
        (tmp_path / "files/tasks/plan").write_bytes(b"sealed")
    assert clean_abandoned(tmp_path) == []
    old = time.time() - ABANDONED_SECONDS - 60
    for path in (tmp_path / "files/tasks").iterdir():
        os.utime(path, (old, old))
    os.utime(tmp_path / "files/tasks", (old, old))
    assert clean_abandoned(tmp_path, keep="tasks") == []
    assert clean_abandoned(tmp_path) == ["tasks"]


def test_a_folder_in_which_nothing_was_begun_goes(tmp_path: Path) -> None:
    empty = "a" * 26
    (tmp_path / "files" / empty).mkdir(parents=True)
    with staging(tmp_path, "locked only").in_use():
        pass
    assert clean_abandoned(tmp_path) == [empty, "locked only"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_run_is_not_touched_however_old(tmp_path: Path) -> None:
    """Staging may be set to a folder with somebody's files by mistake."""
    file = tmp_path / "matters/old/deep/deed.txt"
    file.parent.mkdir(parents=True)
    file.write_text("deed")
    (tmp_path / "matters/empty").mkdir()
    for path in (file, file.parent, file.parent.parent):
        os.utime(path, (0, 0))
    with staging(tmp_path, "dead").in_use(whole_run=True):
        pass

    assert clean_abandoned(tmp_path) == ["dead"]
    assert file.read_text() == "deed"
    assert (tmp_path / "matters/empty").is_dir()


def test_a_working_folder_is_removed_afterwards_and_by_the_janitor(tmp_path: Path) -> None:
    with working_folder(tmp_path, "upkeep") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert clean_abandoned(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_resumed_after_four_days_is_refused(tmp_path: Path) -> None:
    practice = Practice(tmp_path)
    practice.write("Office/list.txt", "list")
    run = practice.run()
    make_plan(run)
    extract(run, "001")
    result = encrypt(run, "001")
    upload(run, result)
    assert isinstance(practice.clock, FixedClock)
    practice.clock.advance(timedelta(hours=71))
    too_late = practice.run(run_id=run.run_id)
    practice.clock.advance(timedelta(hours=2))

    with pytest.raises(RunTooOld, match="73 hours"):
        commit_snapshot(too_late, [result])

    assert practice.vault().history("files").records == ()
