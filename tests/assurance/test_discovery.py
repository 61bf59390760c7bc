"""What vendors list, held against the inventory; accounts that ended; whose computers nobody can show to be backed up."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from muniment.alerts.evaluate import evaluate
from muniment.alerts.facts import Discovered, Facts
from muniment.alerts.model import Alert, Cause, Happened, Severity
from muniment.alerts.reconcile import reconcile
from muniment.alerts.words import text_of
from muniment.assurance.discovery import (
    NO_MAILBOX,
    WITHOUT_CERTIFICATE,
    Judged,
    Memory,
    accepted_things,
    judge,
)
from muniment.assurance.workstations import (
    Backed,
    Person,
    parse_rmm,
    persons,
    read_rmm,
    risks,
)
from muniment.clock import to_text
from muniment.config.policy import AcceptedException
from muniment.config.workstations import RmmColumns, Workstations
from muniment.errors import ConfigError
from muniment.evidence.discovery import DiscoveryEnded, Risk, WorkstationsSeen
from muniment.sources.roster import (
    LEFT_OUT,
    NO_SERVICE,
    NOT_CHOSEN,
    Answers,
    Device,
    Roster,
    Thing,
    ThingKind,
    Usage,
)
from tests.support.airflow_firm import write_firm

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = b"k" * 32
ANN, BEN = "ann@firm.example", "ben@firm.example"


def user(address: str, **given: object) -> Thing:
    values = {"enabled": True, "purpose": "user", **given}
    return Thing(ThingKind.USER, f"id-{address}", address, (address,), **values)  # type: ignore[arg-type]


def of(kind: ThingKind, address: str, why: str = "") -> Thing:
    return Thing(kind, f"id-{address}", address, (address,), not why, why)


def tenant(*things: Thing, **given: object) -> Roster:
    return Roster("m365:t", things, **given)  # type: ignore[arg-type]


def accepting(cause: str, pattern: str, source: str = "m365") -> list[AcceptedException]:
    given = {
        "source": source, "pattern": pattern, "cause": cause, "accepted_by": "managing-partner",
        "accepted_on": "2026-03-01", "until": "2026-03-31",
    }  # fmt: skip
    return [AcceptedException.model_validate(given)]


def judged(
    *rosters: tuple[str, Roster], memory: Memory | None = None, now: datetime = NOW,
    certified: dict[str, datetime] | None = None, accepted: list[AcceptedException] | None = None,
) -> Judged:  # fmt: skip
    accepts = accepted_things(accepted or [], date(2026, 3, 2))
    return judge(Answers(dict(rosters)), memory or Memory(), certified or {}, accepts, KEY, now)


def told(found: Judged) -> set[tuple[str, str, str, str]]:
    return {(f.word, f.source, f.kind, f.name) for f in found.findings}


# -- what no row covers ------------------------------------------------------------------------------


def test_a_thing_is_covered_when_any_source_over_its_tenant_takes_it() -> None:
    mailbox, drive = of(ThingKind.MAILBOX, ANN), of(ThingKind.DRIVE, ANN, NO_SERVICE)
    alone = judged(("mail", tenant(user(ANN), mailbox, drive)))
    assert told(alone) == {("uncovered", "mail", "drive", ANN)}
    other = tenant(user(ANN), of(ThingKind.MAILBOX, ANN, NO_SERVICE), of(ThingKind.DRIVE, ANN))
    assert told(judged(("mail", tenant(user(ANN), mailbox, drive)), ("files", other))) == set()
    # Another tenant's row covers nothing of this one.
    elsewhere = Roster("m365:other", other.things)
    both = judged(("mail", tenant(user(ANN), mailbox, drive)), ("other", elsewhere))
    assert ("uncovered", "mail", "drive", ANN) in told(both)


def test_ids_are_opaque_and_the_same_for_every_source_and_day() -> None:
    left_out = of(ThingKind.MAILBOX, ANN, LEFT_OUT)
    one, two = (judged((name, tenant(left_out))).findings[0].id for name in ("a", "b"))
    assert one == two and one.startswith("mailbox-") and len(one) == len("mailbox-") + 8
    assert ANN not in one


def test_what_somebody_accepted_is_no_finding_until_its_last_day() -> None:
    rosters = ("m365", tenant(of(ThingKind.MAILBOX, ANN, LEFT_OUT)))
    accepted = accepting("not covered", f"mailbox/{ANN}")
    assert not judged(rosters, accepted=accepted).findings
    assert judged(rosters, accepted=accepting("not covered", f"drive/{ANN}")).findings
    assert judged(rosters, accepted=accepting("not covered", f"mailbox/{ANN}", "other")).findings
    later = accepted_things(accepted, date(2026, 4, 1))
    assert not later("m365", rosters[1].things[0], "not covered")


def test_a_cabinet_that_nobody_chose_and_a_person_without_a_mailbox_are_found() -> None:
    cabinet = Thing(ThingKind.CABINET, "NG-2", "Finance", (), False, NOT_CHOSEN)
    people = [
        Thing(ThingKind.ACCOUNT, str(n), address, (address,), **given)  # type: ignore[arg-type]
        for n, (address, given) in enumerate(
            [(ANN, {}), ("of@counsel.example", {}), ("out@x.example", {"guest": True}), ("ex@y.example", {"enabled": False})]
        )
    ]  # fmt: skip
    netdocs = Roster("netdocuments:CA-1", (cabinet, *people))
    found = judged(("netdocs", netdocs), ("m365", tenant(user(ANN), of(ThingKind.MAILBOX, ANN))))
    assert told(found) == {
        ("uncovered", "netdocs", "cabinet", "Finance"),
        ("uncovered", "netdocs", "account", "of@counsel.example"),
    }
    assert {f.why for f in found.findings} == {NOT_CHOSEN, NO_MAILBOX}
    # Without a tenant nobody can tell who has a mailbox.
    assert told(judged(("netdocs", netdocs))) == {("uncovered", "netdocs", "cabinet", "Finance")}


# -- accounts that ended -----------------------------------------------------------------------------


def test_a_disabled_person_is_told_and_a_shared_mailbox_is_not_unless_it_was_somebody_s() -> None:
    shared = user("intake@firm.example", enabled=False, purpose="shared")
    before = judged(("m365", tenant(user(ANN), user(BEN), shared)))
    assert not before.findings
    after = judged(
        ("m365", tenant(user(ANN, enabled=False), user(BEN, enabled=False, purpose="shared"), shared)),
        memory=Memory.of(json.loads(json.dumps(before.memory.as_dict()))), now=NOW + DAY,
    )  # fmt: skip
    assert told(after) == {("disabled", "m365", "user", ANN), ("disabled", "m365", "user", BEN)}
    again = judged(("m365", tenant(user(BEN, enabled=False, purpose="shared"), shared)), memory=after.memory)  # fmt: skip
    # Ann's account is gone by now, and no less an alarm.
    assert told(again) == {("gone", "m365", "user", ANN), ("disabled", "m365", "user", BEN)}


def test_a_certificate_counts_for_an_account_that_was_not_in_use_long_after_it() -> None:
    memory = judged(("m365", tenant(user(ANN)))).memory
    ended = ("m365", tenant(user(ANN, enabled=False), user(BEN)))
    [finding] = judged(ended, memory=memory).findings
    fresh, old = {finding.id: NOW - 29 * DAY}, {finding.id: NOW - 31 * DAY}
    assert not judged(ended, memory=memory, certified=fresh).findings
    assert judged(ended, memory=memory, certified=old).findings
    # One that was never seen enabled was disabled before anybody looked.
    assert not judged(ended, certified=old).findings
    accepted = accepting(WITHOUT_CERTIFICATE, f"user/{ANN}")
    assert not judged(ended, memory=memory, accepted=accepted).findings


def test_nothing_is_concluded_of_a_tenant_that_did_not_answer_or_shows_nobody() -> None:
    memory = judged(("m365", tenant(user(ANN)))).memory
    for rosters in ((), (("m365", tenant()),)):
        found = judged(*rosters, memory=memory)
        assert not found.findings and found.memory == memory


def test_guests_and_whom_firm_yaml_leaves_out_are_not_looked_at() -> None:
    guest = user("g@client.example", enabled=False, purpose="", guest=True)
    out = user(BEN, enabled=False, taken=False, why=LEFT_OUT)
    found = judged(("m365", tenant(user(ANN), guest, out)))
    assert told(found) == {("uncovered", "m365", "user", BEN)}


# -- workstations ------------------------------------------------------------------------------------


def person(
    *, rmm: list[Backed] | None = None, rows: str = "", settings: Workstations | None = None,
    active: str = "2026-03-01", drive: str = "", devices: tuple[Device, ...] | None = None, folder: Path,
) -> Person:  # fmt: skip
    from muniment.config.load import load_firm

    stations = {"source_id": "desks", "system": "workstation", "location": rows or "-", "backup_method": "acronis"}  # fmt: skip
    config = load_firm(write_firm(folder / "practice", {}, stations))
    mine = (Device("d", "LAPTOP-1", ANN, "Windows"),) if devices is None else devices
    roster = tenant(
        user(ANN), of(ThingKind.DRIVE, ANN, drive), devices=mine, usage=(Usage(ANN, active, 3),)
    )
    found = persons({"m365": roster}, rmm, config.rows, settings or Workstations(), KEY, NOW)
    return next(p for p in found if p.address == ANN)


def test_a_computer_is_shown_by_the_rmm_tool_by_a_row_or_by_onedrive_and_by_nothing_else(
    tmp_path: Path,
) -> None:
    moved = Workstations(folders_in_onedrive=True)
    good = [Backed("laptop-1", "", NOW - DAY)]
    for given in ({"rmm": good}, {"rows": "LAPTOP-7, laptop-1"}, {"settings": moved}):
        assert person(folder=tmp_path, **given).codes == (), given  # type: ignore[arg-type]
    assert person(folder=tmp_path).codes == ("not_backed_up", "folders_elsewhere")
    old = person(folder=tmp_path, rmm=[Backed("LAPTOP-1", "", NOW - 8 * DAY)])
    assert old.codes == ("not_backed_up", "folders_elsewhere")
    unused = person(folder=tmp_path, settings=moved, active="2026-01-01")
    assert unused.codes == ("not_backed_up", "onedrive_unused")
    uncovered = person(folder=tmp_path, settings=moved, drive=NO_SERVICE)
    assert uncovered.codes == ("not_backed_up", "onedrive_not_backed_up")
    nothing = person(folder=tmp_path, devices=(Device("p", "PHONE", ANN, "iOS"),))
    assert nothing.codes == ("no_device", "folders_elsewhere")
    # A computer that the tool alone knows is somebody's too.
    more = person(folder=tmp_path, rmm=[*good, Backed("TOWER", ANN, None)])
    assert more.devices == (("LAPTOP-1", True), ("TOWER", False)) and more.codes


@pytest.mark.parametrize(
    "text",
    [
        b"Device,User,Last Backup\r\nPC1,Ann@Firm.example,2026-03-01T22:00:00Z\r\nPC2,,\r\n",
        "\ufeffdevice;user;last backup\nPC1;ann@firm.example;2026-03-01 22:00\nPC2;;never\n".encode(),
        "Device\tUser\tLast Backup\nPC1\tann@firm.example\t03/01/2026 10:00 PM\nPC2\t\t\n".encode("utf-16"),
    ],
)  # fmt: skip
def test_an_rmm_tool_s_file_is_read_as_spreadsheets_write_it(text: bytes) -> None:
    assert list(parse_rmm(text, RmmColumns())) == [
        Backed("PC1", ANN, datetime(2026, 3, 1, 22, tzinfo=UTC)),
        Backed("PC2", "", None),
    ]


def test_an_rmm_tool_s_file_that_is_none_is_refused_without_its_text(tmp_path: Path) -> None:
    for content in (b"Name,User\nPC1,ann\n", b"", b"\x81\x8d"):
        (tmp_path / "rmm.csv").write_bytes(content)
        with pytest.raises(ConfigError, match="of no use"):
            read_rmm(tmp_path / "rmm.csv", RmmColumns())
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rmm(tmp_path / "none.csv", RmmColumns())


def test_a_risk_keeps_its_day_until_it_is_mended_and_comes_back_from_its_words() -> None:
    lacking = [Person("user-A", ANN, (), ("no_device",)), Person("user-B", BEN, (), ())]
    accepts = accepted_things([], NOW.date())

    def look(now: datetime, before: dict[str, Risk]) -> tuple[Risk, ...]:
        return risks(lacking, before, accepts, "m365", "technician", 14 * DAY, now)

    [first] = look(NOW, {})
    [later] = look(NOW + 20 * DAY, {"user-A": first})
    assert later == first and first.due == NOW + 14 * DAY
    assert Risk.parse("user-A", first.text) == first
    accepted = accepted_things(accepting("workstation not backed up", f"user/{ANN}"), NOW.date())
    assert risks(lacking, {}, accepted, "m365", "technician", DAY, NOW) == ()


# -- what is told ------------------------------------------------------------------------------------


def conditions(ended: DiscoveryEnded, at: datetime = NOW, *found: Risk) -> dict[str, Alert]:
    seen = WorkstationsSeen("run", 1, 1, found)
    facts = Facts(NOW, discovered=Discovered(at, ended, "evidence/x", seen, "evidence/y"), owner="technician")  # fmt: skip
    return {e.key: e.alert for e in reconcile({}, evaluate(facts), NOW) if e.alert}


def test_each_finding_is_one_alert_and_one_that_joins_is_told_again() -> None:
    ended = DiscoveryEnded("run", 9, {"m365": ("mailbox-A",)}, {"m365": ("user-B",)}, {"m365": ("user-C",)}, {"clio": "M212"})  # fmt: skip
    due = Risk("user-A", NOW - 20 * DAY, NOW - 6 * DAY, "office-manager", ("no_device",))
    told = conditions(ended, NOW, due)
    assert {k: (a.cause, a.severity) for k, a in told.items()} == {
        "discovery:m365": (Cause.NOT_COVERED, Severity.WARNING),
        "departed:m365": (Cause.DISABLED_UNCERTIFIED, Severity.SERIOUS),
        "discovery": (Cause.DISCOVERY_FAILED, Severity.WARNING),
        "workstations": (Cause.WORKSTATIONS, Severity.SERIOUS),
    }
    assert told["departed:m365"].at_once and told["workstations"].owner == "office-manager"
    assert "2 accounts of m365 were disabled, or went, without a certificate: user-B, user-C" in text_of(told["departed:m365"]).what  # fmt: skip
    assert f"1 overdue, the next is due at {to_text(due.due)}" in text_of(told["workstations"]).what
    more = DiscoveryEnded("run", 9, {"m365": ("mailbox-A", "mailbox-Z")})
    facts = Facts(NOW + DAY / 2, discovered=Discovered(NOW + DAY / 2, more))
    events = {e.key: e for e in reconcile(told, evaluate(facts), NOW + DAY / 2)}
    assert events["discovery:m365"].happened is Happened.UPDATED and events["discovery:m365"].tell
    assert events["departed:m365"].happened is Happened.RESOLVED


def test_a_discovery_that_stays_away_is_told_and_a_firm_that_never_looked_is_not_blamed() -> None:
    good = DiscoveryEnded("run", 9)
    assert not conditions(good)
    assert conditions(good, NOW - timedelta(hours=17))["discovery"].severity is Severity.WARNING
    assert conditions(good, NOW - timedelta(hours=49))["discovery"].severity is Severity.SERIOUS
    assert not [c for c in evaluate(Facts(NOW)).conditions if "discover" in c.key]
