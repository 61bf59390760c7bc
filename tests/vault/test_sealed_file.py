from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from muniment.errors import ConfigError, FormatError, SealError, StagingError
from muniment.vault.age import Identity
from muniment.vault.sealed_file import (
    SealedFileWriter,
    StagedFile,
    open_compressed,
    open_pieces_slowly,
)
from tests.support.packs import noise

IDENTITY = Identity.generate()


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    content = noise(1, 3_000_000)
    with SealedFileWriter(tmp_path / "staging", [IDENTITY.recipient]) as out:
        for start in range(0, len(content), 70_001):
            out.write(content[start : start + 70_001])
        file = out.close()
    data = file.path.read_bytes()
    assert open_compressed(data, [IDENTITY]) == content
    assert file.path == tmp_path / "staging" / hashlib.sha256(data).hexdigest()
    assert (file.digest, file.size) == (file.path.name, len(data))
    assert out.finished == file
    assert list((tmp_path / "staging").iterdir()) == [file.path]


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_pieces_that_are_let_go_of_are_the_same(tmp_path: Path, size: int) -> None:
    content = noise(1, size)
    with SealedFileWriter(tmp_path, [IDENTITY.recipient]) as out:
        out.write(content)
        data = out.close().path.read_bytes()
    assert b"".join(open_pieces_slowly(data, [IDENTITY])) == content
    # What is shorter than it should be is told, wherever it ends.
    for end in (len(data) - 1, len(data) // 2, len(data) - min(len(data) - 1, 1 << 17)):
        with pytest.raises((SealError, FormatError)):
            list(open_pieces_slowly(data[:end], [IDENTITY]))


def test_leaving_without_closing_leaves_nothing(tmp_path: Path) -> None:
    with SealedFileWriter(tmp_path, [IDENTITY.recipient]) as out:
        out.write(b"x" * 5_000_000)
    assert out.finished is None
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_is_full_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = SealedFileWriter(tmp_path, [IDENTITY.recipient])
    out.write(b"x")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StagingError, match="No space left"):
        out.close()
    assert list(tmp_path.iterdir()) == []
    out.abort()


def test_a_file_for_nobody_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        StagedFile(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_short_write_of_the_system_is_hashed_as_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """write(2) may take less than it is given, as it does near a quota."""
    staged = StagedFile(tmp_path, [IDENTITY.recipient])
    raw = staged._hashed._raw

    class Stingy:
        def write(self, data: memoryview) -> int | None:
            return raw.write(data[: max(1, len(data) // 3)])

    monkeypatch.setattr(staged._hashed, "_raw", Stingy())
    staged.write(noise(2, 2_500_000))
    file = staged.close()
    data = file.path.read_bytes()
    assert file.digest == hashlib.sha256(data).hexdigest()
    assert file.size == len(data) > 2_500_000
