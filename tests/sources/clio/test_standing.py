"""Whose account it is, and whether the backup user sees all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.errors import SourceRestricted
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.source import ClioSource
from muniment.sources.clio.standing import examine, identify
from muniment.sources.clio.table import table
from muniment.sources.roster import ThingKind
from muniment.sources.web.exact import parse
from muniment.sources.web.tokens import Held
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client, fault, tokens

BACKUP = 108


def test_who_is_asked_in_one_request(clio: Client) -> None:
    clio.sim.control("counters", reset=True)
    who = identify(clio.reader)
    assert (who.user, who.region, who.api_version) == (str(BACKUP), "us", "4.0.13")
    assert who.key == f"clio:us:{who.account}"
    assert sum(clio.sim.control("counters")["endpoints"].values()) == 1


def test_who_may_sign_in_is_listed_for_the_inventory(clio: Client) -> None:
    roster = ClioSource("clio", clio).roster()
    assert roster.tenant == identify(clio.reader).key
    assert {thing.kind for thing in roster.things} == {ThingKind.ACCOUNT}
    assert all("@" in thing.addresses[0] and thing.taken for thing in roster.things)
    assert {thing.enabled for thing in roster.things} <= {True, False}
    assert str(BACKUP) in {thing.native_id for thing in roster.things}


def test_who_sees_everything_passes(clio: Client) -> None:
    clio.sim.control("counters", reset=True)
    standing = examine(clio.reader, table())
    standing.require_all("clio")
    assert (standing.less, standing.not_compared) == ((), ())
    assert set(standing.compared) == {
        "hours", "contacts", "calendars", "bank transactions", "matters",
    }  # fmt: skip
    assert sum(clio.sim.control("counters")["endpoints"].values()) <= 20


def test_a_user_without_the_roles_is_told_which(sim: Running, tmp_path: Path) -> None:
    less = client(sim, tmp_path)
    less.store.held = Held(1, tokens(sim, less.clock, str(sim.told["restricted_access_token"])))
    with pytest.raises(SourceRestricted, match="roles admin, accounts, billing, reports") as caught:
        examine(less.reader, table()).require_all("clio")
    assert "muniment consent clio" in caught.value.todo


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ({"hours": True}, "hours"),
        ({"contacts": True}, "contacts are hidden"),
        ({"matters": "some"}, "matters are hidden"),
        ({"matters": "trust"}, "bank transactions are hidden"),
        ({"calendars": [101]}, "calendars are hidden"),
    ],
)
def test_what_is_hidden_from_the_backup_user_is_found(
    clio: Client, hidden: dict[str, object], said: str
) -> None:
    given = dict(hidden)
    if given.get("matters") == "some":
        given["matters"] = [row["id"] for row in clio.truth("matters", fields="id")[-2:]]
    elif given.get("matters") == "trust":
        rows = clio.truth("bank_transactions", fields="id,matter{id}")
        given["matters"] = [next(row["matter"]["id"] for row in rows if row["matter"])]
    clio.sim.control("restrict", user=BACKUP, **given)
    standing = examine(clio.reader, table())
    clio.sim.control("restrict", user=BACKUP)
    assert any(said in less for less in standing.less), standing
    with pytest.raises(SourceRestricted):
        standing.require_all("clio")


def test_an_application_that_may_only_read_is_compared_without_the_report(clio: Client) -> None:
    clio.sim.control("settings", read_only=True)
    standing = examine(clio.reader, table())
    clio.sim.control("settings", read_only=False)
    assert standing.less == ()
    assert standing.not_compared == ("matters (M213)",)


def test_nothing_is_written_where_no_report_is_wanted(clio: Client) -> None:
    clio.sim.control("counters", reset=True)
    examine(clio.reader, table(), with_report=False)
    assert not any(name.startswith("POST") for name in clio.sim.control("counters")["endpoints"])


def test_a_report_is_waited_for_and_fetched(clio: Client) -> None:
    fault(clio.sim, "torn_body", "^GET /files/", times=1)
    held = parse(Reports(clio.transport).make("trust_listing", "json"))
    assert held["data"] and all(line["balance"] is not None for line in held["data"])
    assert clio.clock.waits
