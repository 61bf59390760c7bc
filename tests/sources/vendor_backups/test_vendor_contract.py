"""A folder of another product's sets keeps the contract of sources."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from muniment.clock import SystemClock
from muniment.sources.tree.reader import TICK_NS
from muniment.sources.tree.tree import Tree
from muniment.sources.vendor_backups.products import Part, Rules
from muniment.sources.vendor_backups.source import VendorBackupSource
from tests.contracts.source_contract import SourceContract
from tests.support.vendor_firm import DEMANDS

# Not needed, so that also an empty file is taken.
RULES = Rules("other", ((Part("backup", re.compile(rb"(?P<job>[^/]+)/(?P<set>[^/]+)")),),))


class Impatient(SystemClock):
    def sleep(self, seconds: float) -> None:
        """Nothing is still being written here."""


class Folder:
    """The folder as the product sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def source(self) -> VendorBackupSource:
        tree = Tree("sets", self.root)
        return VendorBackupSource(tree, RULES, DEMANDS, Impatient(), timedelta(minutes=1))

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        folder = self.root / "a job"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return "file", f"a job/{name}".encode()

    def change(self, native_id: bytes, content: bytes) -> None:
        (self.root / os.fsdecode(native_id)).write_bytes(content)

    def remove(self, native_id: bytes) -> None:
        (self.root / os.fsdecode(native_id)).unlink()

    def settle(self) -> None:
        time.sleep(1.5 * TICK_NS / 1e9)

    def take_away(self) -> None:
        self.root.rename(self.root.with_name("moved away"))


class TestVendorBackupSource(SourceContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path / "sets")
