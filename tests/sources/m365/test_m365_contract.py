"""The source's contract, held by a file in OneDrive, and the expectations of what is restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.assurance.m365_contract import M365Contract
from muniment.errors import ItemUnreadable, SourceRefused
from muniment.model.item import Fidelity, Row
from muniment.sources.m365 import naming
from muniment.sources.m365.source import Choice, M365Source
from tests.contracts.api_source_contract import ApiSourceContract
from tests.contracts.expectation_contract import SECRET, ExpectationContractSuite, digest
from tests.contracts.source_contract import LARGE, content_of, observed
from tests.simulators.graph.running import Running, running
from tests.support.m365_firm import client


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=3, users=1, messages=3, events=2, files=2) as made:
        made.control("limits", off=True)
        made.control("settings", stable_mime=True)
        # The contract is of what can be read: the site that is archived is opened.
        made.control("change", collection="sites", number=104, values={"_archived": False})
        _without_notebooks(made)
        yield made


def _without_notebooks(sim: Running) -> None:
    """They are what Graph does not give."""
    owners = [f"users/{user}" for user in sim.users.values()]
    owners += [f"sites/{one['id']}" for one in sim.rows("sites", search="*")]
    for owner in owners:
        if sim.get(f"{owner}/drives").status_code != 200:
            continue
        for drive in [one["id"] for one in sim.rows(f"{owner}/drives")]:
            for one in sim.rows(f"drives/{drive}/root/delta"):
                if "package" in one:
                    path = f"drives/{drive}/items/{one['id']}"
                    assert sim.request("DELETE", path, app="restore").status_code == 204


class M365World:
    """One person's files, beside everything else that a tenant has."""

    def __init__(self, sim: Running, folder: Path) -> None:
        self._sim = sim
        self._folder = folder
        self._client = client(sim, folder, page=10)
        for app, one in sim.told["applications"].items():
            # Those of the test before may be revoked.
            sim.tokens[app] = sim.control("tokens", give=one["client_id"])["access_token"]
        user = sim.users["member"]
        self.drive = sim.get(f"users/{user}/drive").json()["id"]

    def source(self) -> M365Source:
        return M365Source("m365", self._client, choice=Choice())

    def add(self, name: str, content: bytes) -> tuple[str, bytes]:
        answer = self._put(f"drives/{self.drive}/items/root:/{name}.bin:/content", content)
        return naming.FILE, naming.native(naming.FILE, self.drive, answer["id"])

    def change(self, native_id: bytes, content: bytes) -> None:
        self._put(f"drives/{self.drive}/items/{_item(native_id)}/content", content)

    def _put(self, path: str, content: bytes) -> dict[str, str]:
        answer = self._sim.request("PUT", path, app="restore", data=content)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, str] = answer.json()
        return found

    def remove(self, native_id: bytes) -> None:
        path = f"drives/{self.drive}/items/{_item(native_id)}"
        assert self._sim.request("DELETE", path, app="restore").status_code == 204

    def settle(self) -> None:
        """Every change has a tag of its own."""

    def take_away(self) -> None:
        """The application is let in no more."""
        self._sim.control("faults", add={"name": "expired", "pattern": "^GET /v1.0/"})


def _item(native_id: bytes) -> str:
    return native_id.decode().rpartition("/")[2]


def test_an_archived_site_that_is_opened_is_said_to_be_locked(sim: Running, tmp_path: Path) -> None:
    [closed] = [one["id"] for one in sim.rows("sites", search="*") if one["name"] == "closed"]
    source = M365Source("m365", client(sim, tmp_path), choice=Choice())
    sim.control("change", collection="sites", number=104, values={"_archived": True})
    try:
        with (
            pytest.raises(ItemUnreadable, match="locked by another program"),
            source.open(naming.SITE, naming.native(naming.SITE, closed)),
        ):
            pass
    finally:
        sim.control("change", collection="sites", number=104, values={"_archived": False})


class TestM365(ApiSourceContract):
    missing = SourceRefused

    @pytest.fixture
    def world(self, sim: Running, tmp_path: Path) -> Iterator[M365World]:
        yield M365World(sim, tmp_path)
        sim.control("faults", clear=True)

    def test_a_change_while_it_is_read_is_noticed(self, world: M365World) -> None:  # type: ignore[override]
        """What was begun is one version whole, never a mixture; the next listing shows the change."""
        kind, native = world.add("letter", b"a" * LARGE)
        source = world.source()
        before = observed(source)[kind, native].fingerprint
        with source.open(kind, native) as reader:
            reader.describe()
            begun = reader.read(1000)
            world.change(native, b"b" * LARGE)
            assert begun + content_of(reader) == b"a" * LARGE
        assert observed(source)[kind, native].fingerprint != before


class TestExpectations(ExpectationContractSuite):
    contract = M365Contract()

    def restored(self, folder: Path) -> list[Row]:
        held = {
            (naming.MESSAGE, "messages/u/m"): b'{"id":"m","subject":"%s"}' % SECRET.encode(),
            (naming.MIME, "mime/u/m"): b"Subject: %s\r\n\r\nText.\r\n" % SECRET.encode(),
            (naming.EVENT_ICS, "events_ics/u/e"): b"BEGIN:VCALENDAR\r\nX-NAME:%s\r\nEND:VCALENDAR\r\n" % SECRET.encode(),
            (naming.CONTACT_VCF, "contacts_vcf/u/c"): b"BEGIN:VCARD\r\nFN:%s\r\nEND:VCARD\r\n" % SECRET.encode(),
            (naming.PERMISSIONS, "drive_permissions/d/i"): b'[{"id":"%s"}]' % SECRET.encode(),
            (naming.FILE, "drive_files/d/i"): SECRET.encode(),
        }  # fmt: skip
        rows = []
        for (kind, native), content in held.items():
            path = folder / native
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            metadata = {"file": f"{SECRET}.txt"} if kind in (naming.MIME, naming.FILE) else {}
            rows.append(
                Row(
                    b"\1" * 16, kind, native.encode(), "M-1", len(content), 0, digest(content),
                    Fidelity.FILE, (), metadata,
                )
            )  # fmt: skip
        return rows

    @pytest.mark.parametrize("content", [b"", b"<html>", b"{}", b'{"id":"other"}', b"[]", b"BEGIN:VCARD\r\n"])  # fmt: skip
    def test_what_is_something_else_differs(self, content: bytes, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            if row.kind == naming.FILE or (row.kind == naming.PERMISSIONS and content == b"[]"):
                continue
            path = tmp_path / row.native_id.decode()
            path.write_bytes(content)
            facts = self.contract.describe(row, path)
            # A field is what a message begins with, and so does half a card.
            if row.kind == naming.MIME and content.startswith(b"BEGIN:"):
                continue
            assert facts["row"] != facts["expected_row"], row.kind
