"""One tenant and two backed-up matters: a hard one, written back once for all who look, and a small one for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muniment.recovery.written_back.outcome import WriteReport
from tests.simulators.graph.conftest import SHARED
from tests.simulators.graph.running import Running, running
from tests.support.m365_back import (
    SMALL,
    Case,
    Office,
    Rooms,
    backed_up,
    case_of,
    really_signed,
    rich_matter,
    small_matter,
)
from tests.support.m365_firm import M365Firm

DESCRIPTION = SHARED / "api/microsoft-graph/graph-v1.0-subset.openapi.json"


@pytest.fixture(scope="session")
def tenant() -> Iterator[Running]:
    """Every request of ours is held against Microsoft's description, where that is there."""
    described = {"description": DESCRIPTION} if DESCRIPTION.exists() else {}
    with running(seed=31, users=1, messages=0, events=0, files=0, **described) as made:
        made.control("limits", off=True)
        yield made
        held = made.control("conformance")
        assert held["wrong"] == []


@pytest.fixture(scope="session")
def office(tenant: Running, tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = rich_matter(tenant)
    signed = really_signed(tmp_path_factory.mktemp("signing"))
    made.mail("really signed", made.ids["matter folder"], signed)
    made.ids |= small_matter(tenant).ids
    return made


@pytest.fixture(scope="session")
def firm(tenant: Running, office: Office, tmp_path_factory: pytest.TempPathFactory) -> M365Firm:
    return backed_up(tmp_path_factory.mktemp("firm"), tenant, ("member", "shared"))


@dataclass
class Given:
    """The hard matter, written back; what stood in the tenant before, and what went out of it meanwhile."""

    case: Case
    folder: Path
    report: WriteReport
    before: dict[str, Any]
    rooms: Rooms
    sent: list[dict[str, str]]
    asked: dict[str, int]


@pytest.fixture(scope="session")
def given(firm: M365Firm, tenant: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:  # fmt: skip
    case, folder = case_of(firm, tenant), tmp_path_factory.mktemp("given")
    before, sent = case.rooms().rest(), len(case.sent())
    tenant.control("counters", reset=True)
    report = case.back(folder)
    asked = tenant.control("counters")["endpoints"]
    yield Given(case, folder, report, before, case.rooms(), case.sent()[sent:], asked)
    case.empty()


@pytest.fixture
def small(firm: M365Firm, tenant: Running) -> Iterator[Case]:
    """As if nothing of it had ever been written back."""
    case = case_of(firm, tenant, SMALL)
    yield case
    tenant.control("faults", clear=True)
    tenant.control("settings", drive_quota=1 << 40, upload_seconds=86_400)
    tenant.control("scope", client_id=tenant.told["applications"]["restore"]["client_id"], users=None)  # fmt: skip
    tenant.control("mailbox", user=tenant.users["member"], full=False, state="here")
    # A fault may have ended every token, also those that tests ask with.
    for name, one in tenant.told["applications"].items():
        tenant.tokens[name] = tenant.control("tokens", give=one["client_id"])["access_token"]
    case.empty()
