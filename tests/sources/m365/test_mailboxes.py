"""Mail: what a run takes of every mailbox, and what it asks for the next time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from muniment.errors import SourceUnavailable
from muniment.sources.base import Skipped
from muniment.sources.m365.mailbox import Rules
from muniment.sources.m365.source import Choice
from tests.simulators.graph.running import Running
from tests.support.m365_firm import M365Firm, client

DELTA = "GET /users/{user}/mailFolders/{folder}/messages/delta"
VALUE = "GET /users/{user}/messages/{message}/$value"


def inbox(sim: Running, kind: str = "member") -> str:
    told = sim.get(f"users/{sim.users[kind]}/mailFolders/inbox").json()
    return str(told["id"])


def messages(sim: Running, folder: str, kind: str = "member") -> list[dict[str, Any]]:
    return sim.rows(
        f"users/{sim.users[kind]}/mailFolders/{folder}/messages", prefer='IdType="ImmutableId"'
    )


def test_every_folder_of_every_mailbox_is_taken_as_it_is(firm: M365Firm) -> None:
    """Hidden and purged ones too; of shared, disabled and localized mailboxes; with names that are there twice."""
    outcome = firm.back_up()
    assert outcome.completeness == "complete"
    assert firm.wrong() == []
    assert outcome.counts["unassigned"] == outcome.counts["items"]


def test_what_came_since_is_told_by_a_request_for_each_folder(firm: M365Firm) -> None:
    firm.back_up()
    firm.asked()
    firm.deliver(b"Subject: new\r\n\r\nNew.\r\n")
    assert firm.back_up().counts["added"] == 2
    told = firm.asked()
    assert firm.wrong() == []
    folders = [f for f in firm.sim.control("truth")["folders"].values() if "@odata.type" not in f]
    assert (told[DELTA], told[VALUE]) == (len(folders), 1)


def test_a_message_that_is_only_read_sorted_or_moved_is_not_fetched_again(firm: M365Firm) -> None:
    sim = firm.sim
    firm.back_up()
    (first, second, third, *_) = messages(sim, inbox(sim))
    user = sim.users["member"]
    for row, change in (
        (first, {"isRead": not first["isRead"]}),
        (second, {"categories": ["New"]}),
    ):
        sim.request("PATCH", f"users/{user}/messages/{row['id']}", app="restore", json=change, prefer='IdType="ImmutableId"')  # fmt: skip
    moved = sim.request("POST", f"users/{user}/messages/{third['id']}/move", app="restore", json={"destinationId": "archive"}, prefer='IdType="ImmutableId"')  # fmt: skip
    assert moved.status_code == 201
    firm.asked()
    outcome = firm.back_up()
    assert VALUE not in firm.asked()
    assert (outcome.counts["added"], outcome.counts["removed"], outcome.counts["changed"]) == (
        0,
        0,
        3,
    )
    assert firm.wrong() == []


def test_a_message_whose_change_nothing_explains_is_fetched_again(firm: M365Firm) -> None:
    """Somebody edited the text of a mail that was received long ago."""
    sim = firm.sim
    row = messages(sim, inbox(sim))[0]
    firm.back_up()
    history = sim.control("history", after=0, limit=100_000)["changes"]
    number = next(c[3] for c in history if c[2] == "messages" and _is(sim, row["id"], c[3]))
    sim.control("change", collection="messages", number=number, values={"lastModifiedDateTime": "2026-11-02T17:00:01Z"})  # fmt: skip
    firm.asked()
    firm.back_up()
    assert firm.asked()[VALUE] == 1


def _is(sim: Running, id_: str, number: int) -> bool:
    from tests.simulators.graph.ids import Ids

    found = Ids(11).read(id_)
    return found is not None and found.number == number


def test_bytes_that_differ_between_two_readings_are_no_change(firm: M365Firm) -> None:
    firm.sim.control("settings", stable_mime=False)
    firm.back_up()
    outcome = firm.back_up()
    firm.sim.control("settings", stable_mime=True)
    assert outcome.counts["changed"] == 0 and outcome.counts["read_bytes"] == 0


def test_what_is_purged_stays_until_it_is_gone_for_good_and_is_a_tombstone_then(
    firm: M365Firm,
) -> None:
    sim = firm.sim
    user = sim.users["member"]
    row = messages(sim, inbox(sim))[0]
    firm.back_up()
    before = firm.clock.now()
    for _ in range(2):
        sim.request("DELETE", f"users/{user}/messages/{row['id']}", app="restore", prefer='IdType="ImmutableId"')  # fmt: skip
        firm.back_up()
        assert firm.wrong(f"back-{_}") == []
    native = f"messages/{user}/{row['id']}"
    assert native not in firm.restored(firm.folder / "now")
    assert native in firm.restored(firm.folder / "then", before)


@pytest.mark.parametrize("code", ["syncStateNotFound", "SyncStateInvalid", "ResyncRequired", "ErrorSyncFolderNotFound"])  # fmt: skip
def test_a_token_that_ended_has_the_mailbox_compared_and_no_byte_fetched_again(
    firm: M365Firm, code: str
) -> None:
    firm.back_up()
    firm.sim.control("resync", kind="messages", code=code)
    firm.asked()
    outcome = firm.back_up()
    assert outcome.completeness == "complete"
    assert (outcome.counts["changed"], outcome.counts["removed"]) == (0, 0)
    assert VALUE not in firm.asked()
    assert firm.wrong() == []


def test_a_round_whose_pages_are_forgotten_begins_anew(firm: M365Firm) -> None:
    fault(firm, "resync", "skiptoken", times=2)
    assert firm.back_up().completeness == "complete"
    assert firm.wrong() == []


def test_a_full_mailbox_is_read_without_delta_each_time(firm: M365Firm) -> None:
    firm.sim.control("mailbox", user=firm.sim.users["member"], full=True)
    try:
        for number in range(2):
            assert firm.back_up().completeness == "complete"
            assert firm.wrong(f"back-{number}") == []
    finally:
        firm.sim.control("mailbox", user=firm.sim.users["member"], full=False)


def test_a_folder_that_is_deleted_while_it_is_read_costs_no_message(firm: M365Firm) -> None:
    firm.back_up()
    for number in range(2):
        firm.sim.control("day", number=20 + number)
        fault(firm, "folder_deleted", "messages/delta", chance=0.1)
        firm.back_up()
        firm.sim.control("faults", clear=True)
        firm.back_up()
        assert firm.wrong(f"back-{number}") == []


def test_a_run_that_dies_moves_no_link(firm: M365Firm) -> None:
    firm.back_up()
    firm.sim.control("day", number=30)
    firm.deliver(b"Subject: on the way\r\n\r\nText.\r\n")
    fault(firm, "server_error", r"\$value", times=1000)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete" and outcome.unfinished
    firm.sim.control("faults", clear=True)
    firm.back_up()
    assert firm.wrong() == []


def test_a_message_that_cannot_be_read_makes_the_run_incomplete_and_is_asked_for_again(
    firm: M365Firm,
) -> None:
    row = messages(firm.sim, inbox(firm.sim))[0]
    fault(firm, "corrupt", rf"{row['id'].replace('=', '.')}/.value", times=1000)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete"
    assert [(c["cause"], c["count"]) for c in outcome.causes] == [("damaged at the vendor", 1)]
    firm.sim.control("faults", clear=True)
    assert firm.back_up().completeness == "complete"
    assert firm.wrong() == []


def test_a_mailbox_that_is_closed_to_the_application_is_a_gap_and_keeps_its_rows(
    firm: M365Firm,
) -> None:
    firm.back_up()
    sim = firm.sim
    client_id = sim.told["applications"]["backup"]["client_id"]
    everybody = sim.control("truth", parts=["users"])["users"]
    seen = [user for user in everybody if user != sim.users["member"]]
    sim.control("scope", client_id=client_id, users=seen)
    try:
        outcome = firm.back_up()
        assert outcome.completeness == "incomplete"
        assert {c["cause"] for c in outcome.causes} == {"permission denied"}
        assert outcome.counts["removed"] == 0
        firm.choice = Choice(("mail",), (sim.users["member"],))
        assert firm.back_up(accept_mass_deletion=True).completeness == "complete"
    finally:
        sim.control("scope", client_id=client_id, users=None)


def test_a_mailbox_that_lost_its_licence_is_a_gap_and_no_deletion(firm: M365Firm) -> None:
    # Its cause is one that the firm of these tests accepts otherwise.
    firm.accepting = ()
    firm.back_up()
    user = firm.sim.users["shared"]
    firm.sim.control("mailbox", user=user, state="none")
    try:
        outcome = firm.back_up()
        assert outcome.completeness == "incomplete"
        assert {c["cause"] for c in outcome.causes} == {"not reachable by the interface"}
        assert outcome.counts["removed"] == 0
    finally:
        firm.sim.control("mailbox", user=user, state="here")
    firm.back_up()
    assert firm.wrong() == []


def test_who_has_an_archive_mailbox_is_a_gap_where_the_report_may_be_read(firm: M365Firm) -> None:
    firm.client = client(firm.sim, firm.folder, name="export", clock=firm.passing)
    # The simulator gives one to each fourth user who is a person.
    firm.sim.control("change", collection="users", number=104, values={"_purpose": "user"})
    try:
        for concealed in (False, True):
            firm.sim.control("settings", concealed_names=concealed)
            told = [one for one in firm.source().scan() if isinstance(one, Skipped)]
            assert {(one.kind, one.cause) for one in told} == {
                ("archive_mailbox", "not reachable by the interface")
            }
            assert (b"archive_mailboxes/unnamed" in {one.native_id for one in told}) is concealed
    finally:
        firm.sim.control("settings", concealed_names=False)
        firm.sim.control("change", collection="users", number=104, values={"_purpose": "shared"})


def test_a_mailbox_that_is_closed_while_it_is_read_keeps_its_rows(firm: M365Firm) -> None:
    firm.back_up()
    fault(firm, "denied", "messages/delta", after=3, times=1)
    outcome = firm.back_up()
    assert outcome.completeness == "incomplete" and outcome.counts["removed"] == 0


def test_a_link_to_another_host_is_not_followed(firm: M365Firm) -> None:
    fault(firm, "foreign_next", "messages/delta", times=1)
    with pytest.raises(SourceUnavailable, match="leads to another host"):
        firm.back_up()


def test_a_page_that_does_not_say_that_it_is_the_last_is_none(firm: M365Firm) -> None:
    fault(firm, "no_link", "messages/delta", times=1)
    with pytest.raises(SourceUnavailable, match="without saying"):
        firm.back_up()


def test_everyday_trouble_is_not_noticed(firm: M365Firm) -> None:
    firm.sim.control("faults", weather=True)
    assert firm.back_up().completeness == "complete"
    firm.sim.control("day", number=40)
    assert firm.back_up().completeness == "complete"
    firm.sim.control("faults", clear=True)
    assert firm.wrong() == []


def test_other_rules_have_all_assigned_anew_and_nothing_fetched(firm: M365Firm) -> None:
    from muniment.model.item import NO_MATTER, Named

    firm.back_up()
    firm.rules = Rules(lambda clues: Named(b"2026-1") if "Matters" in clues.folder else NO_MATTER, "2", True)  # fmt: skip
    firm.asked()
    outcome = firm.back_up()
    assert VALUE not in firm.asked()
    assert 0 < outcome.counts["unassigned"] < outcome.counts["items"]


def test_a_signed_message_is_verified_by_openssl_after_the_round_trip(
    firm: M365Firm, tmp_path: Path
) -> None:
    key, certificate, text, signed = (
        tmp_path / n for n in ("key.pem", "cert.pem", "text", "signed.eml")
    )
    text.write_bytes(
        b"Content-Type: text/plain\r\n\r\nWe hold the deed.\r\nFrom here on it is yours.\r\n"
    )
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=partner@firm.example", "-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=emailProtection"]  # fmt: skip
    sign = ["openssl", "cms", "-sign", "-crlfeol", "-in", str(text), "-signer", str(certificate), "-inkey", str(key), "-out", str(signed), "-subject", "The deed", "-from", "partner@firm.example", "-to", "client@clients.example"]  # fmt: skip
    for words in (made, sign):
        subprocess.run(words, check=True, capture_output=True)
    firm.deliver(signed.read_bytes())
    firm.back_up()
    firm.restored(tmp_path / "back")
    (given,) = (tmp_path / "back").rglob("The deed*.eml")
    verify = ["openssl", "cms", "-verify", "-in", str(given), "-CAfile", str(certificate), "-out", str(tmp_path / "out")]  # fmt: skip
    subprocess.run(verify, check=True, capture_output=True)
    assert (tmp_path / "out").read_bytes() == text.read_bytes()


def test_no_name_stands_in_what_a_run_leaves_on_the_disk(firm: M365Firm) -> None:
    firm.back_up()
    left = [p for p in firm.staging.rglob("*") if p.is_file()]
    assert left == []
    domain = firm.sim.told["domain"].encode()
    for path in [*firm.folder.rglob("*")]:
        assert domain not in str(path).encode()
        if path.is_file():
            assert domain not in path.read_bytes()


def fault(firm: M365Firm, name: str, pattern: str = "", **more: object) -> None:
    firm.sim.control("faults", add={"name": name, "pattern": pattern, **more})
