from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from muniment.errors import ConfigError, StagingError
from muniment.vault.age import Identity
from muniment.vault.sealed_file import SealedFileWriter, StagedFile, open_compressed
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
