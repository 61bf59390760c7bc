"""NetDocumentsSource at the simulator: the contract of every API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from muniment.errors import SourceRefused
from muniment.sources.netdocuments import naming
from muniment.sources.netdocuments.asking import Rhythm
from muniment.sources.netdocuments.source import NetDocumentsSource
from tests.contracts.api_source_contract import ApiSourceContract
from tests.contracts.source_contract import LARGE, content_of, observed
from tests.simulators.netdocuments.running import Running, running
from tests.support.netdocuments_firm import NetDocsFirm


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """A new repository: what the tests open one by one is little."""
    with running(seed=21, empty=True, rate=0) as made:
        yield made


class NetDocsWorld:
    """Documents come and go as from the web page, in the cabinet without required attributes."""

    def __init__(self, firm: NetDocsFirm) -> None:
        # What is gone shows in a sweep; the clock of the simulator stands still between two of them.
        firm.rhythm = Rhythm(sweep=timedelta(0))
        self.firm = firm
        self._sim: Running = firm.sim
        self._cabinet = str(self._sim.told["cabinets"]["Precedents"])
        self._token = str(self._sim.control("tokens", grant="SVC-RESTORE")["access_token"])

    def source(self) -> NetDocumentsSource:
        return self.firm.source()

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        made = self._asked(
            "POST", "/v1/Document", files={"file": (f"{name}.txt", content)},
            body={"action": "upload", "cabinet": self._cabinet, "name": name, "extension": "txt"},
        )  # fmt: skip
        return naming.DOCUMENT_FILE, naming.native_id(naming.DOCUMENT_FILE, made.json()["id"], "1")

    def change(self, native_id: bytes, content: bytes) -> None:
        self._asked("PUT", "/v1/Document/{}/{}", *_parts(native_id), body=content, base64="false")

    def new_version(self, native_id: bytes, content: bytes) -> None:
        document, _ = _parts(native_id)
        self._asked("PUT", "/v1/Document/{}/new", document, body=content, extension="txt")

    def remove(self, native_id: bytes) -> None:
        document, _ = _parts(native_id)
        self._sim.control("change", item=document, delete="purge")

    def settle(self) -> None:
        """A change has its second."""
        self._sim.control("clock", seconds=2)

    def take_away(self) -> None:
        self._sim.control("tokens", disable=self._sim.told["reading_client_id"])

    def bring_back(self) -> None:
        self._sim.control("tokens", enable=self._sim.told["reading_client_id"])

    def _asked(self, method: str, path: str, *parts: str, **more: object):  # type: ignore[no-untyped-def]
        answer = self._sim.request(method, path, *parts, token=self._token, **more)  # type: ignore[arg-type]
        assert answer.status_code in (200, 204), answer.text
        return answer


def _parts(native_id: bytes) -> tuple[str, str]:
    _, document, version = native_id.decode().split("/")
    return document, version


class TestNetDocuments(ApiSourceContract):
    missing = SourceRefused

    @pytest.fixture
    def world(self, firm: NetDocsFirm):  # type: ignore[no-untyped-def]
        world = NetDocsWorld(firm)
        yield world
        world.bring_back()

    def test_a_change_while_it_is_read_is_noticed(self, world: NetDocsWorld) -> None:  # type: ignore[override]
        """Who changes a document makes another version of it: what is being read stays what it is, and the
        next listing shows both."""
        kind, native = world.add("letter", b"a" * LARGE)
        source = world.source()
        with source.open(kind, native) as reader:
            reader.describe()
            begun = reader.read(1000)
            world.new_version(native, b"b" * LARGE)
            assert begun + content_of(reader) == b"a" * LARGE
            assert reader.settled()
        document = native.rpartition(b"/")[0]
        files = [one for k, one in observed(source) if k == kind and one.startswith(document)]
        assert native in files
        assert len(files) == 2
