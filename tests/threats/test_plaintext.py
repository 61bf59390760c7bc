"""Planted markers - in names, and in contents as text, as UTF-16, as base64, and raw in what does not
compress - are looked for wherever plaintext could come to lie, while a backup and a restore run."""

from __future__ import annotations

import base64
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from muniment.backup import pipeline
from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.errors import MunimentError, SourceSuspect
from muniment.recovery.certificate.witness import Witness, keep
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.sealed.delivery import SealedDelivery
from muniment.recovery.sealed.key import begin
from muniment.recovery.sealed.opening import open_delivery
from muniment.recovery.sealed.part import Part
from muniment.recovery.sealed.target import SealedTarget
from muniment.recovery.selection import Scope, Selection
from muniment.vault.age import Identity, open_sealed
from tests.support.practice import Practice, tree
from tests.threats import places
from tests.threats.markers import Marker, in_bytes, in_file, in_tree
from tests.threats.places import Watch

STAGES = ("make_plan", "extract", "encrypt", "upload", "validate_checksums", "commit_snapshot")


class Planted:
    """A share with a fresh marker in every hiding place."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.markers: list[Marker] = []
        number = f"{secrets.randbelow(9000) + 1000}-{secrets.randbelow(9000) + 1000}"
        self.markers.append(Marker("matter number", number))
        folder = f"Matters/{number} {self.word('matter title')}"
        name = self.word("file name")
        practice.write(f"{folder}/{name}.txt", self.word("text") * 50)
        practice.write(f"{folder}/utf16.doc", self.word("UTF-16 text").encode("utf-16-le"))
        coded = base64.b64encode(b"x" + self.word("base64 text").encode())
        practice.write(f"{folder}/mail.eml", coded)
        raw = os.urandom(300_000) + self.word("stored bytes").encode() + os.urandom(300_000)
        practice.write(f"{folder}/scan.jpg", raw)
        long = os.urandom(2 << 20) + self.word("chunk of a large file").encode()
        practice.write(f"{folder}/{self.word('folder name')}/big.bin", long)
        (practice.share / folder / "link").symlink_to(self.word("target of a link"))
        practice.write(f"Office/{self.word('accented name')}-Müller.txt", "")
        # Something that cannot be taken, and is said so.
        # Its whole path may be longer than the address of a socket.
        office = os.open(practice.share / "Office", os.O_RDONLY)
        with socket.socket(socket.AF_UNIX) as special:
            special.bind(f"/proc/self/fd/{office}/{self.word('socket')[:12]}")
        os.close(office)

    def tree(self) -> dict[str, object]:
        """What a restore gives: all but the socket."""
        sockets = [p for p in self.practice.share.rglob("*") if p.is_socket()]
        for path in sockets:
            path.unlink()
        return dict(tree(self.practice.share))

    def word(self, what: str) -> str:
        marker = Marker(what, secrets.token_hex(12))
        self.markers.append(marker)
        return marker.word


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    # As everything above 32 MB is: searching so much, so often, would take a minute.
    monkeypatch.setattr("muniment.backup.encrypt.LARGE", 1 << 20)
    return Planted(Practice(tmp_path))


def test_a_marker_is_found_where_it_lies_in_the_open(tmp_path: Path) -> None:
    """The net holds: each form, at each alignment, is caught - or the tests below mean nothing."""
    marker = Marker("word", secrets.token_hex(12))
    raw = marker.word.encode()
    for shift in range(3):
        assert in_bytes([marker], base64.b64encode(b"abc"[:shift] + raw + b"tail"))
    assert in_bytes([marker], b"x" + marker.word.encode("utf-16-le"))
    assert in_bytes([marker], raw.hex().encode())
    (tmp_path / "compressed").write_bytes(zstandard.compress(b"head " + raw * 3))
    assert in_file([marker], tmp_path / "compressed")
    (tmp_path / marker.word).touch()
    assert {hit.split(": ")[0] for hit in in_tree([marker], tmp_path)} == {
        str(tmp_path / "compressed"), str(tmp_path / marker.word),
    }  # fmt: skip


def test_the_watch_sees_what_appears_and_what_changes_and_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = Marker("word", secrets.token_hex(12))
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder in (own, shared / "theirs", shared / "pytest-of-them"):
        folder.mkdir(parents=True)
    kept = own / "kept"
    kept.write_bytes(bytes(len(marker.word)))
    monkeypatch.setattr(places, "SHARED", [shared])
    watch = Watch([marker], [own], [])
    os.mkfifo(shared / "pipe")
    # Ten seconds later a file is as old as it must be to be passed over the next time.
    later = SimpleNamespace(time=lambda: time.time() + 10)
    monkeypatch.setattr(places, "time", later)
    watch.look("before")
    assert watch.found == []
    for path in (kept, shared / "theirs/file", shared / "pytest-of-them/file"):
        path.write_text(marker.word)
    (shared / "new").mkdir()
    (shared / "new/file").write_text(marker.word)
    (shared / marker.word).symlink_to("nowhere")
    watch.look("after")
    seen = (kept, shared / "new/file", shared / marker.word)
    assert {hit.rpartition(": ")[0] for hit in watch.found} == {f"after: {path}" for path in seen}


def scan_between_stages(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    for name in STAGES:
        real: Callable[..., Any] = getattr(pipeline, name)

        def staged(*args: Any, _real: Callable[..., Any] = real, _name: str = name) -> Any:
            done = _real(*args)
            watch.look(f"after {_name}")
            return done

        monkeypatch.setattr(pipeline, name, staged)


def test_no_marker_lies_anywhere_while_a_backup_runs_and_after_it(
    planted: Planted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    practice = planted.practice
    watch = Watch(planted.markers, [tmp_path], [practice.share])
    scan_between_stages(monkeypatch, watch)
    practice.let_settle()

    with watch.all_the_time(pause=0.3):
        outcome = back_up(practice.run(options=BackupOptions(threads=2)))

    assert outcome.counts["problems"] == 1
    assert watch.found == []
    assert watch.looks >= len(STAGES)
    assert watch.files > 10, "there was something to search"
    assert not practice.staging.exists() or not list(practice.staging.rglob("*"))
    said = "".join(capfd.readouterr()) + caplog.text + str(outcome.as_dict()) + repr(outcome)
    assert in_bytes(planted.markers, said.encode()) == []
    # They are all in there: whoever holds the key reads them.
    ring = practice.vault().keyring
    keys = [ring.identity(e.key_id) for e in practice.vault().trust.newest.epochs]
    assert any(
        in_bytes(planted.markers, open_sealed(practice.store.get(v.name), keys))
        for v in practice.store.list("packs/")
    )


def test_no_marker_lies_anywhere_but_in_the_delivery_while_a_restore_runs(
    planted: Planted,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    practice = planted.practice
    practice.back_up()
    watch = Watch(planted.markers, [tmp_path], [practice.share, tmp_path / "back"])

    with watch.all_the_time(pause=0.1):
        plan, report = practice.restore(tmp_path / "back")

    assert report.whole
    given, kept = tree(tmp_path / "back/files"), planted.tree()
    assert given == {
        name: what for name, what in kept.items() if what != ("file", b"") or name in given
    }
    assert watch.found == []
    said = "".join(capfd.readouterr()) + caplog.text + str(plan.as_dict()) + str(report.as_dict())
    assert in_bytes(planted.markers, said.encode()) == []


def test_no_marker_lies_anywhere_at_all_while_a_sealed_restore_runs(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed for its recipient, not even the folder of the delivery has plaintext, at any moment."""
    practice = planted.practice
    practice.back_up()
    vault, selection, person = practice.vault(), Selection(Scope.SOURCE), Identity.generate()
    plan = make_restore_plan(vault, selection)
    sealing = begin(tmp_path / "back", person.recipient, vault, plan.digest)
    witness = Witness()
    watch = Watch(planted.markers, [tmp_path], [practice.share, tmp_path / "opened"])

    add = Part.add

    def looked_at(self: Part, *member: Any) -> None:
        add(self, *member)
        watch.look("after a member")

    monkeypatch.setattr(Part, "add", looked_at)
    with watch.all_the_time(pause=0.1):
        # Many small parts, each opened again.
        report = perform(
            vault, plan, selection, lambda source: SealedTarget(sealing, source, part_bytes=200_000),
            witness=witness.saw,
        )  # fmt: skip
        keep(sealing.work, witness.seen, sealing.key)
        SealedDelivery(sealing, ["files"]).describe(plan.digest, whole=True)

    assert report.whole and watch.found == [] and watch.looks > plan.items
    open_delivery(tmp_path / "back", person, tmp_path / "opened")
    given, kept = tree(tmp_path / "opened/files"), planted.tree()
    assert {n: w for n, w in given.items() if w[0] != "dir"} == {
        name: what for name, what in kept.items() if what[0] != "dir"
    }


def test_no_error_carries_a_marker(
    planted: Planted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What goes wrong is said by ids: it ends in logs, alerts and Airflow's database."""
    caplog.set_level(logging.DEBUG)
    practice = planted.practice
    practice.back_up()
    said: list[str] = []
    for path in sorted(practice.share.rglob("*"), reverse=True):
        path.unlink() if not path.is_dir() or path.is_symlink() else path.rmdir()
    with pytest.raises(SourceSuspect) as suspect:
        practice.back_up()
    said.append(suspect.value.render())
    pack = max(practice.store.list("packs/"), key=lambda v: v.size).name
    file = practice.folder / "store" / pack
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-100])
    for look in (
        lambda: practice.restore(practice.folder / "back"),
        lambda: practice.restore(practice.folder / "back", role="worker"),
    ):
        try:
            plan, report = look()
            said += [str(plan.as_dict()), str(report.as_dict())]
        except MunimentError as error:
            said += [error.render(), repr(error), str(error.as_dict())]
    said += [caplog.text, *capfd.readouterr()]
    assert any("M220" in text for text in said)
    assert in_bytes(planted.markers, "".join(said).encode()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows what a process was started with")
def test_the_process_list_shows_no_marker_even_of_programs_started_for_it(
    planted: Planted,
) -> None:
    """The engine starts no program at all: nothing of an item can stand in an argument."""
    started: list[str] = []
    looking = [True]

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if looking and event in (
            "subprocess.Popen",
            "os.exec",
            "os.posix_spawn",
            "os.fork",
            "os.system",
        ):
            started.append(f"{event} {args!r}")

    sys.addaudithook(audit)
    planted.practice.back_up()
    looking.clear()  # a hook cannot be taken away again
    assert started == []
