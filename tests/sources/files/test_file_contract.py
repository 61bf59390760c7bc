"""The file source keeps the contract of sources."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from muniment.sources.files import FileSource
from muniment.sources.tree.reader import TICK_NS
from tests.contracts.source_contract import SourceContract


class Share:
    """A folder as those who work in it see it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def source(self) -> FileSource:
        return FileSource("files", self.root)

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        folder = self.root / "a folder"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return "file", f"a folder/{name}".encode()

    def change(self, native_id: bytes, content: bytes) -> None:
        (self.root / os.fsdecode(native_id)).write_bytes(content)

    def remove(self, native_id: bytes) -> None:
        (self.root / os.fsdecode(native_id)).unlink()

    def settle(self) -> None:
        # Nothing else moves the clock of a file system.
        time.sleep(1.5 * TICK_NS / 1e9)

    def take_away(self) -> None:
        self.root.rename(self.root.with_name("moved away"))


class TestFileSourceContract(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Share:
        return Share(tmp_path / "share")
