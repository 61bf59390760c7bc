"""The contract holds for an API in memory: so it can be fulfilled, and a vendor's source is judged by it."""

from __future__ import annotations

import pytest

from tests.contracts.api_source_contract import ApiSourceContract
from tests.support.memory_api import MemoryApi, MemoryApiSource


class ApiWorld:
    def __init__(self) -> None:
        self.api = MemoryApi()
        self.api.add("notes", b"a note", "2024-0113")

    def source(self) -> MemoryApiSource:
        return MemoryApiSource("api", self.api)

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        return "papers", b"papers/%d" % self.api.add("papers", content, "2024-0113")

    def change(self, native_id: bytes, content: bytes) -> None:
        self.api.change(_number(native_id), content)

    def remove(self, native_id: bytes) -> None:
        del self.api.entries[_number(native_id)]

    def settle(self) -> None:
        """Every change has an etag of its own."""

    def take_away(self) -> None:
        self.api.away = True


def _number(native_id: bytes) -> int:
    return int(native_id.rpartition(b"/")[2])


class TestMemoryApi(ApiSourceContract):
    @pytest.fixture
    def world(self) -> ApiWorld:
        return ApiWorld()
