from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.errors import FormatError
from muniment.vault import tar
from tests.support.needs import needs_program
from tests.support.packs import sha256, tar_of

CONTENTS = [b"", b"a", b"b" * 511, b"c" * 512, b"d" * 513, b"e" * 70_000]


def named(content: bytes, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(hashlib.sha256(content).hexdigest())
    info.size, info.mode = len(content), 0o600
    for field, value in changes.items():
        setattr(info, field, value)
    return info


def check_extracted(folder: Path) -> None:
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        sha256(c).hex(): c for c in CONTENTS
    }
    assert {p.stat().st_mtime for p in folder.iterdir()} == {0}
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_other_programs_extract_what_was_written(program: str, tmp_path: Path) -> None:
    needs_program(program)
    (tmp_path / "out").mkdir()
    archive = tmp_path / "members.tar"
    archive.write_bytes(tar_of(CONTENTS))
    done = subprocess.run(
        [program, "-xf", archive, "-C", tmp_path / "out"], capture_output=True, check=True
    )
    assert done.stderr == b""
    check_extracted(tmp_path / "out")


def test_tarfile_extracts_what_was_written(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(CONTENTS))) as archive:
        members = archive.getmembers()
        assert all(
            m.isreg() and m.mode == 0o600 and m.uid == m.gid == m.mtime == 0 for m in members
        )
        # Python before 3.11.4 has no filters.
        archive.extractall(
            tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    check_extracted(tmp_path)


@pytest.mark.parametrize(
    "program",
    [
        ["tar", "--format=ustar", "--owner=0", "--group=0"],
        ["bsdtar", "--format=ustar", "--uid=0", "--gid=0"],
    ],
)
def test_headers_that_other_programs_write_are_understood(
    program: list[str], tmp_path: Path
) -> None:
    needs_program(program[0])
    for content in CONTENTS:
        file = tmp_path / sha256(content).hex()
        file.write_bytes(content)
        file.chmod(0o600)
        os.utime(file, (0, 0))
    command = [
        *program,
        "-cf",
        "-",
        "-C",
        str(tmp_path),
        *sorted(p.name for p in tmp_path.iterdir()),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    position = 0
    for content in sorted(CONTENTS, key=lambda c: sha256(c).hex()):
        block = done.stdout[position : position + tar.BLOCK]
        assert tar.parse_header(block) == (sha256(content), len(content))
        position += tar.BLOCK + len(content) + tar.padding(len(content))


def test_headers_that_tarfile_writes_are_understood() -> None:
    block = named(b"abc").tobuf(tarfile.USTAR_FORMAT)
    assert tar.parse_header(block) == (sha256(b"abc"), 3)


@given(st.binary(min_size=32, max_size=32), st.integers(0, tar.MAX_CONTENT))
def test_a_header_is_read_as_it_was_written(digest: bytes, size: int) -> None:
    block = tar.header(digest, size)
    assert len(block) == tar.BLOCK
    assert tar.parse_header(block) == (digest, size)
    found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    assert (found.name, found.size, found.type) == (digest.hex(), size, tarfile.REGTYPE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "../../etc/passwd"}, "not named by a SHA-256"),
        ({"name": "a" * 63}, "not named by a SHA-256"),
        ({"name": "A" * 64}, "not named by a SHA-256"),
        ({"name": "a" * 64 + "/b"}, "not named by a SHA-256"),
        ({"name": "a" * 65}, "not named by a SHA-256"),
        ({"name": "./" + "a" * 64}, "not named by a SHA-256"),
        ({"type": tarfile.DIRTYPE}, "not named by a SHA-256"),
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "not a regular file"),
        ({"type": tarfile.LNKTYPE, "linkname": "b" * 64}, "not a regular file"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1}, "not a regular file"),
        ({"type": tarfile.FIFOTYPE}, "not a regular file"),
        ({"type": tarfile.CONTTYPE}, "not a regular file"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "not a regular file"),
        ({"type": b"x"}, "not a regular file"),
        ({"type": b"L"}, "not a regular file"),
        ({"mode": 0o4755}, "rights"),
        ({"uid": 1000}, "rights"),
        ({"gid": 1000}, "rights"),
        ({"mtime": 1}, "rights"),
    ],
)
def test_a_member_that_is_not_a_plain_file_under_its_digest_is_refused(
    changes: dict[str, object], why: str
) -> None:
    block = named(b"abc", **changes).tobuf(tarfile.USTAR_FORMAT)[-tar.BLOCK :]
    with pytest.raises(FormatError, match=why):
        tar.parse_header(block)


def test_a_name_that_continues_in_the_prefix_is_refused() -> None:
    long = named(b"abc", name="folder-" * 8 + "/" + "a" * 64).tobuf(tarfile.USTAR_FORMAT)
    assert long[:64] == b"a" * 64
    with pytest.raises(FormatError, match="another form"):
        tar.parse_header(long)


def test_an_old_gnu_header_is_read_too() -> None:
    """Its magic is `ustar` and two spaces; what it says of a member is the same."""
    block = named(b"abc").tobuf(tarfile.GNU_FORMAT)
    assert tar.parse_header(block) == (sha256(b"abc"), 3)


@pytest.mark.parametrize("at", range(0, tar.BLOCK, 7))
def test_a_changed_byte_in_a_header_never_passes_unseen(at: int) -> None:
    block = bytearray(tar.header(sha256(b"abc"), 3))
    block[at] ^= 1
    try:
        digest, size = tar.parse_header(bytes(block))
    except FormatError:
        return
    pytest.fail(f"byte {at} passed: {digest.hex()} {size}")


@pytest.mark.parametrize("block", [b"", bytes(512), b"x" * 512, tar.header(bytes(32), 0)[:511]])
def test_what_is_no_header_is_refused(block: bytes) -> None:
    with pytest.raises(FormatError):
        tar.parse_header(block)


def test_a_size_in_base_256_is_refused() -> None:
    block = bytearray(tar.header(bytes(32), 0))
    block[124:136] = b"\x80" + bytes(10) + b"\x05"
    with pytest.raises(FormatError, match="octal"):
        tar.parse_header(bytes(block))


def test_a_size_below_nothing_is_refused() -> None:
    """With a checksum that fits: a reader that goes by the number would go backwards."""
    with pytest.raises(FormatError, match="octal"):
        tar.parse_header(tar.header(sha256(b"abc"), -1))
