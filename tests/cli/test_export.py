"""Exported bags: RFC 8493, checked by a strict reader of our own and by the Library of Congress's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from muniment.cli.bag import manifest_line, payload_name
from muniment.model.text import bytes_of, text_of
from tests.cli.conftest import Office, Terminal

_LINE = re.compile(rb"([0-9a-f]{64})  ([^\r\n]+)\Z")
_ENCODED = re.compile(rb"%(0A|0D|25)")


def strict_bag(bag: Path) -> dict[bytes, bytes]:
    """Checks every MUST of RFC 8493 that concerns us; payload path -> SHA-256."""
    assert (bag / "bagit.txt").read_bytes() == (
        b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    )
    tags = _manifest(bag, "tagmanifest-sha256.txt")
    here = {p.name.encode() for p in bag.iterdir() if p.is_file()}
    assert here == set(tags) | {b"tagmanifest-sha256.txt"}
    payload = _manifest(bag, "manifest-sha256.txt")
    root = str(bag).encode()
    found = {bytes(p)[len(root) + 1 :] for p in (bag / "data").rglob("*") if p.is_file()}
    assert found == set(payload)
    assert not any(p.is_symlink() for p in bag.rglob("*"))
    total = sum(_size(bag, path) for path in payload)
    info = dict(line.split(": ", 1) for line in (bag / "bag-info.txt").read_text().splitlines())
    assert info["Payload-Oxum"] == f"{total}.{len(payload)}"
    return payload


def _manifest(bag: Path, name: str) -> dict[bytes, bytes]:
    content = (bag / name).read_bytes()
    assert content.endswith(b"\n")
    entries: dict[bytes, bytes] = {}
    for line in content[:-1].split(b"\n"):
        found = _LINE.match(line)
        assert found, line
        path = found[2]
        path.decode("utf-8")
        assert path.count(b"%") == len(_ENCODED.findall(path))
        real = unquote_to_bytes(path)
        assert real not in entries
        digest = hashlib.sha256(_open(bag, real)).digest()
        assert digest.hex().encode() == found[1], real
        entries[real] = digest
    return entries


def _open(bag: Path, path: bytes) -> bytes:
    with open(str(bag).encode() + b"/" + path, "rb") as file:
        return file.read()


def _size(bag: Path, path: bytes) -> int:
    return len(_open(bag, path))


@pytest.fixture
def bag(office: Office, terminal: Terminal, tmp_path: Path) -> Path:
    report = terminal.json("export", "files", "--to", tmp_path / "bag", "--yes")
    assert report["failures"] == [] and report["seq"] == 2
    return tmp_path / "bag"


def test_an_export_is_a_bag_with_every_file_of_the_source(office: Office, bag: Path) -> None:
    payload = strict_bag(bag)

    truth = office.truths[1]
    digests = sorted(entry.sha256 for _, entry in truth.files())
    assert sorted(digest.hex() for digest in payload.values()) == digests
    for path, entry in truth.files():
        if path == text_of(path).encode() or b"\n" in path:
            assert payload[b"data/" + path].hex() == entry.sha256


def test_what_a_file_cannot_say_stands_in_the_list_beside_it(office: Office, bag: Path) -> None:
    lines = [json.loads(x) for x in (bag / "muniment-items.jsonl").read_text().splitlines()]

    listed = {bytes_of(line["path"]): line for line in lines}
    truth = office.truths[1]
    assert listed.keys() - {b"."} == truth.entries.keys()
    for path, entry in truth.entries.items():
        line = listed[path]
        if entry.kind == "symlink":
            assert line["payload"] is None
            assert bytes_of(line["metadata"]["target"]) == entry.target
        elif entry.kind == "file":
            assert _size(bag, bytes_of(line["payload"])) == entry.size
            assert line["mtime_ns"] == entry.mtime_ns
            assert line["metadata"]["mode"] == entry.mode


def test_names_are_encoded_as_the_standard_says() -> None:
    digest = bytes(32)
    assert manifest_line(digest, b"data/two\nlines\r 100%") == (
        "00" * 32 + "  data/two%0Alines%0D 100%25\n"
    )
    taken: set[bytes] = set()
    assert payload_name("ä b.txt".encode(), taken) == "ä b.txt".encode()
    assert payload_name(b"M\xfcller", taken) == b"M%FCller"
    assert payload_name(b"M%FCller", taken) == b"M%FCller~2"


def test_the_reference_implementation_accepts_the_bag(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    bagit = pytest.importorskip("bagit", reason="`pip install bagit` gives the reference validator")
    # It knows %0A and %0D, and not the %25 that RFC 8493 came to demand after it was written; and
    # it cuts off spaces at the end of a name.
    for path in list(office.share.rglob("*")):
        if not path.is_dir() and ("%" in text_of(bytes(path)) or path.name.endswith(" ")):
            path.unlink()
    # Of two names that are one in another form of Unicode it finds the one that the folder lists first.
    for path in list(office.share.rglob("*")):
        composed = path.with_name(unicodedata.normalize("NFC", path.name))
        if composed != path and os.path.lexists(composed):
            path.unlink()
    terminal("backup", "files", "--accept-mass-deletion")
    terminal("export", "files", "--to", tmp_path / "bag", "--yes")

    bagit.Bag(str(tmp_path / "bag")).validate()
    victim = next(p for p in (tmp_path / "bag" / "data").rglob("*.pdf"))
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes() + b"!")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(tmp_path / "bag")).validate()


def test_an_interrupted_export_is_no_bag_and_goes_on(
    office: Office, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.sources.files import FileTarget

    given = 0
    real = FileTarget.give
    alive = set()

    def interrupted(self: FileTarget, *args: object, **named: object) -> object:
        nonlocal given
        given += 1
        # The lock on the folder must not live as long as the target happens to.
        alive.add(self)
        if given > 150:
            raise KeyboardInterrupt
        return real(self, *args, **named)  # type: ignore[arg-type]

    asked = ["export", "files", "--to", tmp_path / "bag", "--yes"]
    with monkeypatch.context() as patch:
        patch.setattr(FileTarget, "give", interrupted)
        terminal(*asked, code=130)
    assert not (tmp_path / "bag" / "bagit.txt").exists()

    terminal(*asked)
    strict_bag(tmp_path / "bag")


def test_a_folder_with_anything_else_in_it_is_refused(
    office: Office, terminal: Terminal, tmp_path: Path, bag: Path
) -> None:
    assert terminal.json("export", "files", "--to", bag, "--yes", code=9)["error"]["code"] == "M520"
    (tmp_path / "other" / "data").mkdir(parents=True)
    (tmp_path / "other" / "data" / "HR").write_text("mine")
    asked = ["export", "files", "--to", tmp_path / "other", "--yes"]
    assert terminal.json(*asked, code=9)["error"]["code"] == "M520"
    assert (tmp_path / "other" / "data" / "HR").read_text() == "mine"


def test_the_first_day_can_be_exported_too(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    asked = ["export", "files", "--as-of", "2026-03-02", "--to", tmp_path / "bag", "--yes"]
    assert terminal.json(*asked)["seq"] == 1
    assert len(strict_bag(tmp_path / "bag")) == sum(1 for _ in office.truths[0].files())
