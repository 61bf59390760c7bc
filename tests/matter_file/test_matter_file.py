"""A matter file is what the firm's system says of the matter, to the byte and to the cent."""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest
import vobject

from muniment.errors import TargetNotEmpty
from muniment.recovery.matter_file import MATTER_FILE
from muniment.recovery.matter_file.index import Outcome, require_free, write_index
from muniment.recovery.matter_file.target import MatterFileTarget
from muniment.recovery.perform import perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.sealed.delivery import SealedDelivery
from muniment.recovery.sealed.key import begin
from muniment.recovery.sealed.opening import open_delivery
from muniment.recovery.sealed.target import SealedTarget
from muniment.sources.files import FileTarget
from muniment.sources.web.exact import parse
from muniment.vault.age import Identity
from tests.matter_file.conftest import LETTER, MATTER, Given, give_back, selection
from tests.matter_file.links import cells, links
from tests.support.practice import tree


def table(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_all_of_the_plan_is_given_and_read_back(given: Given) -> None:
    assert given.report.whole
    assert given.report.verified == given.plan.items
    # With --as matter-file a plan says so, and passes through JSON as any plan.
    assert given.plan.target == MATTER_FILE
    assert RestorePlan.of(json.loads(json.dumps(given.plan.as_dict()))).digest == given.plan.digest


def test_every_version_of_every_document_stands_in_its_folder(given: Given) -> None:
    digests = Counter(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (given.part / "documents").rglob("*")
        if path.is_file()
    )
    documents = given.truth("documents")
    versions = given.sim.control("files")["versions"].values()
    assert digests == Counter(v["sha256"] for v in versions if str(v["document"]) in documents)
    [newest] = list(given.part.rglob(LETTER))
    assert newest.parent.name == "Letters"
    assert newest.read_bytes() == b"%PDF-1.4 as sent"
    [earlier] = list((newest.parent / "versions").glob("Letter to opposing counsel*"))
    assert earlier.name == "Letter to opposing counsel [v1].pdf"
    assert earlier.read_bytes() == b"%PDF-1.4 draft"


@pytest.mark.parametrize(
    "kind", ["notes", "communications", "calendar_entries", "tasks", "bank_transactions"]
)
def test_the_vendors_own_rows_are_kept_beside(given: Given, kind: str) -> None:
    held = {p.stem: parse(p.read_bytes()) for p in (given.part / "raw" / kind).glob("*.json")}
    truth = given.truth(kind)
    assert held.keys() == truth.keys()
    assert [json.loads(json.dumps(held[i], default=float)) for i in sorted(held)] == [
        truth[i] for i in sorted(truth)
    ]


def test_whoever_the_matter_names_comes_along_and_nobody_else(given: Given) -> None:
    held = {int(p.stem) for p in (given.part / "raw/contacts").glob("*.json")}
    matter = given.sim.rows(
        "matters.json", fields="id,client{id},custom_field_values{id,contact}", **{"ids[]": MATTER}
    )[0]
    named = {matter["client"]["id"]}
    named |= {v["contact"]["id"] for v in matter["custom_field_values"] if v["contact"]}
    named |= {row["contact"]["id"] for row in given.truth("relationships").values()}
    assert named <= held
    assert len(held) < len(given.sim.rows("contacts.json"))
    matters = [p.stem for p in (given.part / "raw/matters").glob("*.json")]
    assert matters == [str(MATTER)]
    # A bank account's own row has the money of every client.
    assert not (given.part / "raw/bank_accounts").exists()


def test_counts_on_the_index_are_those_of_the_plan(given: Given) -> None:
    [choice] = given.plan.choices
    shown = {
        (row[0], row[1].replace(" ", "_"), row[3]): int(row[2].replace(",", ""))
        for row in cells(given.page("index.html"), "given")
        if row[0]
    }
    planned = {
        (choice.source, kind.replace(" ", "_"), fidelity): count
        for kind, by in choice.kinds.items()
        for fidelity, count in by.items()
    }
    assert shown == planned
    assert sum(shown.values()) == given.plan.items
    assert {fidelity for *_, fidelity in shown} == {"file", "evidence"}
    vault = given.firm.vault()
    history = vault.history("clio")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    of_matter = Counter(r.kind for r in rows if r.matter == given.plan.selection)
    counted = Counter({kind: sum(by.values()) for kind, by in choice.kinds.items()})
    assert of_matter <= counted


def test_the_ledger_is_exact_and_ends_where_the_firms_books_end(given: Given) -> None:
    rows = table(given.part / "ledger.csv")
    truth = given.truth("bank_transactions")
    assert {row["Id"] for row in rows} == truth.keys()
    for row in rows:
        true = truth[row["Id"]]
        assert Decimal(row["Funds in"]) == Decimal(str(true["funds_in"]))
        assert Decimal(row["Funds out"]) == Decimal(str(true["funds_out"]))
    ends = {row["Account id"]: Decimal(row["Balance of this matter"]) for row in rows}
    accounts = given.sim.control("trust")["accounts"]
    assert ends
    for id_, balance in ends.items():
        assert balance == Decimal(accounts[id_]["owed"].get(f"matter/{MATTER}", 0)) / 100
    assert "The two do not agree" not in given.page("index.html")


@pytest.mark.parametrize(
    ("file", "kind", "column", "key"),
    [
        ("bills.csv", "bills", "Total", "total"),
        ("bill_lines.csv", "line_items", "Total", "total"),
        ("activities.csv", "activities", "Total", "total"),
        ("allocations.csv", "allocations", "Amount", "amount"),
        ("trust_requests.csv", "trust_line_items", "Total", "total"),
    ],
)  # fmt: skip
def test_amounts_are_the_vendors_own(
    given: Given, file: str, kind: str, column: str, key: str
) -> None:
    truth = {p.stem: parse(p.read_bytes()) for p in (given.part / "raw" / kind).glob("*.json")}
    assert truth
    assert {r["Id"]: Decimal(r[column]) for r in table(given.part / file)} == {
        id_: Decimal(row[key]) for id_, row in truth.items()
    }


def test_the_calendar_is_read_by_another_program(given: Given) -> None:
    made = vobject.readOne((given.part / "calendar.ics").read_text(encoding="utf-8"))
    truth = given.truth("calendar_entries")
    events = {event.uid.value.split("@")[0]: event for event in made.vevent_list}
    assert events.keys() == truth.keys()
    for id_, event in events.items():
        true = truth[id_]
        assert event.summary.value == " ".join(true["summary"].split())
        assert event.description.value == true["description"]
        if true["all_day"]:
            assert event.dtstart.value.isoformat() == true["start_date"]
            assert (event.dtend.value - event.dtstart.value).days == 1
        else:
            assert event.dtstart.value.timestamp() == _stamp(true["start_at"])
            assert event.dtend.value.timestamp() == _stamp(true["end_at"])
    assert b"\nATTENDEE" not in (given.part / "calendar.ics").read_bytes()
    assert "repeat by a rule that cannot be read" in given.page("index.html")


def _stamp(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_the_cards_are_read_by_another_program(given: Given) -> None:
    text = (given.part / "contacts.vcf").read_bytes()
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    cards = {c.uid.value: c for c in vobject.readComponents(text.decode())}
    held = {p.stem: json.loads(p.read_text()) for p in (given.part / "raw/contacts").glob("*.json")}
    assert len(cards) == len(held) == text.count(b"BEGIN:VCARD\r\n")
    for id_, row in held.items():
        card = cards[f"urn:clio:contacts:{id_}"]
        assert card.fn.value == " ".join(row["name"].replace("\u202e", "\ufffd").split())
        wanted = [one["address"] for one in row["email_addresses"]]
        assert [one.value for one in card.contents.get("email", [])] == wanted
        told = [one["number"] for one in row["phone_numbers"]]
        assert [one.value for one in card.contents.get("tel", [])] == told
        cities = [one["city"] for one in row["addresses"]]
        assert [one.value.city for one in card.contents.get("adr", [])] == cities


def test_an_email_is_read_by_another_program(given: Given) -> None:
    mails = [
        row for row in given.truth("communications").values() if row["type"] == "EmailCommunication"
    ]
    assert mails
    for row in mails:
        raw = (given.part / f"communications/{row['id']}.eml").read_bytes()
        read = email.message_from_bytes(raw, policy=email.policy.default)
        assert read["Subject"] == " ".join(row["subject"].split())
        assert read["Bcc"] is None
        assert read.get_content().splitlines() == row["body"].splitlines()
        assert next(a.display_name for a in read["To"].addresses) == row["receivers"][0]["name"]
        assert read["From"].addresses[0].addr_spec == row["senders"][0]["secondary_identifier"]


def test_every_link_leads_to_something_in_the_folder(given: Given) -> None:
    pages = ["index.html", *(f"clio/{p.name}" for p in given.part.glob("*.html"))]
    seen = set()
    for page in pages:
        for there in links(given.page(page)):
            path, _, place = there.partition("#")
            target = (given.folder / page).parent / unquote(path) if path else given.folder / page
            assert target.resolve().is_relative_to(given.folder)
            assert target.exists(), there
            seen.add(target.resolve())
            if place:
                assert f'id="{place}"' in target.read_text()
    documents = {p for p in (given.part / "documents").rglob("*") if p.is_file()}
    assert documents <= seen


def test_an_interrupted_restore_goes_on_and_makes_the_same_pages(
    given: Given, tmp_path: Path
) -> None:
    vault, wanted = given.firm.vault(), selection(given.firm)
    plan = make_restore_plan(vault, wanted, target=MATTER_FILE)

    class Killed(Exception):
        pass

    class Dying(MatterFileTarget):
        def finish(self):  # type: ignore[no-untyped-def]
            self._compose()
            raise Killed

    into = FileTarget(tmp_path / "clio", restore_id=plan.digest)
    with pytest.raises(Killed):
        perform(vault, plan, wanted, lambda _: Dying(into))
    into.close()
    again = MatterFileTarget(FileTarget(tmp_path / "clio", restore_id=plan.digest))
    report = perform(vault, plan, wanted, lambda _: again)
    write_index(tmp_path, Outcome(plan, report.verified, report.failures))
    assert report.whole
    assert report.already == plan.items
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")}
    assert names == {str(p.relative_to(given.folder)) for p in given.folder.rglob("*")}
    for page in ("documents.html", "notes.html", "ledger.csv", "calendar.ics", "contacts.vcf"):
        assert (tmp_path / "clio" / page).read_bytes() == (given.part / page).read_bytes()


def test_sealed_it_is_the_same_folder_once_it_is_opened_also_after_a_kill(
    given: Given, tmp_path: Path
) -> None:
    vault, wanted, person = given.firm.vault(), selection(given.firm), Identity.generate()
    sealing = begin(tmp_path / "sealed", person.recipient, vault, given.plan.digest)

    class Killed(Exception):
        pass

    class Dying(MatterFileTarget):
        def finish(self):  # type: ignore[no-untyped-def]
            self._compose()
            raise Killed

    # All items stand when the pages are made, and of the pages most do.
    with pytest.raises(Killed):
        perform(
            vault, given.plan, wanted, lambda s: Dying(SealedTarget(sealing, s, part_bytes=20_000))
        )
    report = perform(
        vault, given.plan, wanted, lambda source: MatterFileTarget(SealedTarget(sealing, source))
    )
    assert report.whole and report.already == given.plan.items
    delivery = SealedDelivery(sealing, ["clio"])
    delivery.write_index(Outcome(given.plan, report.verified, report.failures))
    delivery.end()

    open_delivery(tmp_path / "sealed", person, tmp_path / "opened")
    assert tree(tmp_path / "opened") == tree(given.folder)
    sealed = b"".join(p.read_bytes() for p in (tmp_path / "sealed").rglob("*") if p.is_file())
    assert b"Advocate" not in sealed and LETTER.encode() not in sealed


def test_what_is_there_already_is_not_replaced(given: Given, tmp_path: Path) -> None:
    (tmp_path / "clio").mkdir()
    (tmp_path / "clio/notes.html").write_text("mine")
    with pytest.raises(TargetNotEmpty):
        give_back(given.firm, tmp_path)
    assert (tmp_path / "clio/notes.html").read_text() == "mine"
    (tmp_path / "index.html").write_text("mine too")
    with pytest.raises(TargetNotEmpty):
        require_free(tmp_path)
    with pytest.raises(TargetNotEmpty):
        write_index(tmp_path, Outcome(given.plan, 0))
    assert (tmp_path / "index.html").read_text() == "mine too"
    require_free(given.folder)


def test_no_link_is_followed_out_of_the_folder(given: Given, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "given"
    outside.mkdir()
    (outside / "matter-file.json").write_text('{"title": "stolen"}')
    (folder / "clio").mkdir(parents=True)
    (folder / "clio/raw").symlink_to(outside)
    (folder / "index.html").symlink_to(outside / "index.html")
    with pytest.raises(TargetNotEmpty):
        require_free(folder)
    with pytest.raises(TargetNotEmpty):
        give_back(given.firm, folder)
    write_index(folder, Outcome(given.plan, 0), overwrite=True)
    assert [p.name for p in outside.iterdir()] == ["matter-file.json"]
    assert "stolen" not in (folder / "index.html").read_text()
    assert not (folder / "index.html").is_symlink()


def test_what_could_not_be_given_is_said_with_its_cause(given: Given, tmp_path: Path) -> None:
    vault, wanted = given.firm.vault(), selection(given.firm)
    plan = make_restore_plan(vault, wanted, target=MATTER_FILE)
    document = given.documents[LETTER]

    class Refusing(FileTarget):
        def give(self, kind, native_id, *args, **options):  # type: ignore[no-untyped-def]
            from muniment.errors import ItemNotDelivered

            if native_id.endswith(LETTER.encode()) or native_id == b"raw/notes/101.json":
                raise ItemNotDelivered("the system refused it: too long")
            return super().give(kind, native_id, *args, **options)

    target = MatterFileTarget(Refusing(tmp_path / "clio", restore_id=plan.digest))
    report = perform(vault, plan, wanted, lambda _: target)
    write_index(tmp_path, Outcome(plan, report.verified, report.failures))
    page = (tmp_path / "index.html").read_text()
    said = {row[1]: row[2] for row in cells(page, "not-given")}
    assert "too long" in said[LETTER]
    assert "too long" in said["notes/101"]
    assert "Not whole" in page
    assert f"{report.verified:,} of {plan.items:,} items" in page
    listed = (tmp_path / "clio/documents.html").read_text()
    assert f"{LETTER} <span" in listed
    assert document
