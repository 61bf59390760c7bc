"""A share of a file server keeps the contract of sources."""

from __future__ import annotations

import os
import time

import pytest

from muniment.sources.smb.marks import TICK_NS
from muniment.sources.smb.source import SmbSource
from tests.contracts.source_contract import SourceContract
from tests.support.smb_share import Share


class Folder:
    """The share as people see it."""

    def __init__(self, share: Share) -> None:
        self.share = share

    def source(self) -> SmbSource:
        return self.share.source()

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        self.share.write(f"2024-0113 Estate/{name}", content)
        return "file", f"2024-0113 Estate/{name}".encode()

    def change(self, native_id: bytes, content: bytes) -> None:
        (self.share.root / os.fsdecode(native_id)).write_bytes(content)

    def remove(self, native_id: bytes) -> None:
        (self.share.root / os.fsdecode(native_id)).unlink()

    def settle(self) -> None:
        time.sleep(1.2 * TICK_NS / 1e9)

    def take_away(self) -> None:
        self.share.root.rename(self.share.root.with_name(f"{self.share.name} moved away"))


class TestSmbSource(SourceContract):
    @pytest.fixture
    def world(self, share: Share) -> Folder:
        return Folder(share)
