"""Processes are found by their session, and never mistaken for a later one of the same id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.embedded.processes import Child, Life, ProcessSet, is_alive, members, start_mark
from muniment.errors import EmbeddedError

NESTED = """
import os, pathlib, signal, subprocess, sys, time
grandchild = subprocess.Popen(
    [sys.executable, "-c",
     "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
     "print('deaf', flush=True); time.sleep(600)"],
    process_group=0, stdout=subprocess.PIPE)
grandchild.stdout.readline()
pathlib.Path(sys.argv[1]).write_text(str(grandchild.pid))
os.rename(sys.argv[1], sys.argv[1] + ".ready")
time.sleep(600)
"""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ProcessSet]:
    started = ProcessSet(tmp_path / "servers")
    yield started
    started.stop(grace=0.1)


def child(name: str, program: str, *arguments: str) -> Child:
    return Child(name, [sys.executable, "-c", program, *arguments], dict(os.environ), Path("/"))


def start_with_a_deaf_grandchild(servers: ProcessSet, folder: Path) -> Life:
    """A child whose own child is in another process group and ignores SIGTERM."""
    nested = child("nested", NESTED, str(folder / "grandchild"))
    servers.start(replace(nested, patience=0.3))
    ready = folder / "grandchild.ready"
    while not ready.exists():
        assert servers.running(), servers.tail("nested")
    pid = int(ready.read_text())
    return Life(pid, start_mark(pid))


def test_stop_leaves_no_grandchild_even_one_that_ignores_the_request(
    servers: ProcessSet, tmp_path: Path
) -> None:
    grandchild = start_with_a_deaf_grandchild(servers, tmp_path)
    servers.stop()
    assert not is_alive(grandchild)
    assert servers.records() == []


def test_orphans_of_a_killed_child_are_found_by_their_session(
    servers: ProcessSet, tmp_path: Path
) -> None:
    grandchild = start_with_a_deaf_grandchild(servers, tmp_path)
    record = servers.records()[0]
    os.kill(record.pid, signal.SIGKILL)
    os.waitpid(record.pid, 0)
    assert servers.fallen() == ["nested"]
    assert members(record) == {grandchild}
    servers.stop()
    assert not is_alive(grandchild)


def test_a_fallen_child_is_replaced_without_its_orphans(
    servers: ProcessSet, tmp_path: Path
) -> None:
    grandchild = start_with_a_deaf_grandchild(servers, tmp_path)
    record = servers.records()[0]
    os.kill(record.pid, signal.SIGKILL)
    os.waitpid(record.pid, 0)
    servers.start(replace(child("nested", "import time; time.sleep(600)"), patience=0.2))
    assert not is_alive(grandchild)
    assert list(servers.running()) == ["nested"]


def test_another_program_can_stop_what_this_one_started(
    servers: ProcessSet, tmp_path: Path
) -> None:
    grandchild = start_with_a_deaf_grandchild(servers, tmp_path)
    program = (
        "import pathlib, sys; from muniment.embedded.processes import ProcessSet\n"
        "ProcessSet(pathlib.Path(sys.argv[1])).stop()"
    )
    subprocess.run([sys.executable, "-c", program, str(servers.folder)], check=True)
    assert not is_alive(grandchild)
    assert servers.records() == []


def test_a_process_id_that_was_given_to_a_stranger_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        servers = ProcessSet(tmp_path)
        servers.start(child("short", ""))
        rows = json.loads((tmp_path / "processes.json").read_text())
        rows[0] |= {"pid": stranger.pid, "mark": rows[0]["mark"] + "0"}
        (tmp_path / "processes.json").write_text(json.dumps(rows))
        assert servers.running() == {}
        servers.stop(grace=0.1)
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_a_second_child_of_the_same_name_is_refused_while_the_first_runs(
    servers: ProcessSet,
) -> None:
    servers.start(child("only", "import time; time.sleep(600)"))
    with pytest.raises(EmbeddedError, match="runs already"):
        servers.start(child("only", ""))


def test_a_program_that_is_not_there_says_which(servers: ProcessSet) -> None:
    with pytest.raises(EmbeddedError, match="no-such-program"):
        servers.start(Child("absent", ["/no-such-program"], {}, Path("/")))


def test_output_of_a_child_is_kept_for_the_error_text(servers: ProcessSet) -> None:
    record = servers.start(child("talker", "print('first'); print('last')"))
    os.waitpid(record.pid, 0)
    assert servers.tail("talker", lines=1) == "last"
