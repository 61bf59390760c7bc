"""What a tenant lists for the inventory, and what one account has: by the rights that the application has, and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muniment.backup.options import BackupOptions
from muniment.backup.pipeline import back_up
from muniment.errors import ConfigError
from muniment.ids import ItemIds
from muniment.sources.m365.account import Account, find, inventory, listed
from muniment.sources.m365.afresh import AfreshSource, Owners
from muniment.sources.m365.source import Choice, M365Source
from muniment.sources.roster import LEFT_OUT, NO_SERVICE, NOT_SHOWN, Roster, ThingKind
from tests.simulators.graph.running import Running
from tests.support.m365_firm import M365Firm, client


def look(sim: Running, folder: Path, choice: Choice | None = None, name: str = "backup") -> Roster:
    return M365Source("m365", client(sim, folder, name=name), choice=choice).roster()


def test_everything_is_listed_with_what_is_taken_and_why_not(sim: Running, tmp_path: Path) -> None:
    truth = sim.control("truth", parts=["users"])["users"]
    kinds = sim.control("users")
    shared = truth[kinds["kinds"]["shared"]]["userPrincipalName"]
    found = look(sim, tmp_path, Choice(services=("mail",), left_out=(shared,)))
    assert Roster.of(json.loads(json.dumps(found.as_dict()))) == found
    by_kind = {kind: {t.native_id: t for t in found.things if t.kind is kind} for kind in ThingKind}
    assert by_kind[ThingKind.USER].keys() == truth.keys()
    assert by_kind[ThingKind.MAILBOX].keys() == set(kinds["mailboxes"])
    out = by_kind[ThingKind.MAILBOX][kinds["kinds"]["shared"]]
    assert (out.taken, out.why) == (False, LEFT_OUT)
    users = by_kind[ThingKind.USER]
    assert users[kinds["kinds"]["room"]].purpose == "room"
    assert users[kinds["kinds"]["disabled"]].enabled is False
    assert users[kinds["kinds"]["guest"]].guest
    assert {t.why for t in by_kind[ThingKind.DRIVE].values()} == {NO_SERVICE}
    assert len(by_kind[ThingKind.SITE]) == 4
    assert found.unasked == ("use of OneDrive",) and found.usage is None
    assert found.devices and "@" in found.devices[0].owner


def test_what_the_application_may_not_ask_is_said_and_not_guessed(
    sim: Running, tmp_path: Path
) -> None:
    found = look(sim, tmp_path, Choice(services=("mail",)), name="bare")
    assert found.unasked == ("sites", "purpose of mailboxes", "drives", "devices", "use of OneDrive")  # fmt: skip
    kinds = sim.control("users")["kinds"]
    purposes = {t.native_id: t.purpose for t in found.things if t.kind is ThingKind.USER}
    # A licence tells people from shared mailboxes where nobody may ask.
    assert (purposes[kinds["disabled"]], purposes[kinds["shared"]]) == ("user", "")
    told = sim.told["applications"]["backup"]["client_id"]
    one, *_ = sim.control("users")["mailboxes"]
    sim.control("scope", client_id=told, users=[one])
    closed = look(sim, tmp_path, Choice(services=("mail",)))
    sim.control("scope", client_id=told, users=None)
    mailboxes = [t for t in closed.things if t.kind is ThingKind.MAILBOX]
    assert [t.native_id for t in mailboxes if t.taken] == [one]
    assert {t.why for t in mailboxes if not t.taken} == {NOT_SHOWN}


def test_the_vendor_s_report_says_who_uses_onedrive_unless_it_conceals_names(
    sim: Running, tmp_path: Path
) -> None:
    usage = look(sim, tmp_path, name="export").usage
    assert usage and all("@" in one.owner and one.last_active for one in usage)
    sim.control("settings", concealed_names=True)
    assert look(sim, tmp_path, name="export").usage is None
    sim.control("settings", concealed_names=False)


def test_one_account_is_read_afresh_while_the_others_are_not(sim: Running, tmp_path: Path) -> None:
    firm = M365Firm(tmp_path, sim)
    before = firm.back_up()
    roles = firm.source().rights().roles
    who = sim.control("users")["kinds"]["member"]
    account = inventory(firm.client, roles, find(firm.client, who.upper()))
    assert Account.of(json.loads(json.dumps(account.as_dict()))) == account
    assert account.counts["message"] == 16 and account.drives and account.rules
    owners = Owners(account.id, account.drives)
    run = firm.run(options=BackupOptions(accepted=lambda k, n, cause, m: cause in firm.accepting, afresh=owners.have))  # fmt: skip
    run.source = AfreshSource(run.source, owners)
    sim.control("counters", reset=True)
    after = back_up(run)
    asked = sim.control("counters")["endpoints"]
    assert asked["GET /users/{user}/messages/{message}/$value"] == 16
    mine = sum(owners.have(r.kind, r.native_id) for r in snapshot_rows(firm, after.seq))
    assert after.counts["changed"] == mine > 40 and after.counts["added"] == 0
    assert after.counts["items"] == before.counts["items"]
    # And the next day is a day like any other.
    firm.tomorrow()
    assert firm.back_up().counts["changed"] == 0
    ids = ItemIds(firm.vault().keyring.id_key("id-m365"), "m365")
    state = firm.vault("worker").state(firm.vault("worker").history("m365"))
    entries = list(listed(firm.client, account.id, account.drives))
    assert all(state.row(ids.of(e.kind, e.native_id)) >= 0 for e in entries)
    assert {e.kind for e in entries} == {"message", "message_mime", "event", "contact", "drive_item", "drive_file"}  # fmt: skip


def snapshot_rows(firm: M365Firm, seq: int) -> list:  # type: ignore[type-arg]
    vault = firm.vault()
    history = vault.history("m365")
    return list(vault.snapshot(history, history.at(seq)).items.values())


def test_nobody_of_that_name_is_said_without_the_name(sim: Running, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        find(client(sim, tmp_path), "nobody@firm.example")
    assert "nobody@firm.example" not in str(refused.value)
