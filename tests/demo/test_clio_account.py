"""The firm's Clio account in the demonstration: consent in a browser, one matter of all systems held against the
truth, and nothing left running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from demo import clio_account, firm
from demo.clio_account import Account
from demo.clio_truth import VERSIONS, ClioTruth
from demo.firm_setup import give_consent, set_up
from demo.office import Kept
from demo.own_systems import CHANGED_ROWS
from demo.place import CLIO, DATABASE, NETDOCS, OLD_MAIL, SOURCES, TENANT, TRUST, Place
from demo.servers import Store, start_clio, start_office, start_own, stop_all
from demo.systems import Vendors
from muniment.assurance.expectations import judge
from muniment.assurance.files_contract import contract_of
from muniment.assurance.reconcile import RECONCILERS
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, restore_sample
from muniment.backup.pipeline import back_up
from muniment.clock import SystemClock, to_text
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import Scope, Selection, select_matter
from muniment.sources.web.exact import canonical, parse
from muniment.wiring import Wiring

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Restored:
    """The matter as it was on Monday, after a day of work; `as_on_tuesday` is the truth of the day after."""

    folder: Path
    truth: ClioTruth
    as_on_tuesday: ClioTruth
    matter: int
    wiring: Wiring
    others: dict[str, Kept]
    """What tenant, repository and archive had of it on Monday."""
    rows: Kept
    """Of the practice database."""


class Impatient(SystemClock):
    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, 0.1))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("demo") / "home", REPOSITORY)
    place.clear()
    place.store.mkdir()
    return place


@pytest.fixture(scope="module")
def monday(place: Place) -> firm.Truth:
    return firm.small(place.share)


@pytest.fixture(scope="module")
def vendors(place: Place, monday: firm.Truth) -> Iterator[Vendors]:
    try:
        yield Vendors(start_clio(place, monday), *start_office(place, monday), *start_own(place))
    finally:
        stop_all(place)


@pytest.fixture(scope="module")
def account(vendors: Vendors) -> Account:
    return vendors.account


@pytest.fixture(scope="module")
def restored(place: Place, vendors: Vendors) -> Restored:
    account = vendors.account
    wiring = Wiring(set_up(place, Store(f"file://{place.store}", None, None, {}), vendors))
    assert give_consent(place, account) == str(account.told["backup_user"])
    impatient = Wiring(wiring.config, clock=Impatient())
    for source in SOURCES:
        # Who waits a minute whether an archive still changes need not do so here.
        at_work = impatient if source == OLD_MAIL else wiring
        assert back_up(at_work.backup_run(source, f"monday-{source}")).success
    at, moment = account.sequence(), wiring.clock.now()
    holders = (vendors.tenant, vendors.netdocs, vendors.old_mail)
    kept = [one.of_matter(firm.STORY_MATTER) for one in holders]
    rows = vendors.ledger.rows()
    assert vendors.ledger.work_a_day() == CHANGED_ROWS and vendors.old_mail.work_a_day() == 1
    for one in (account, vendors.tenant, vendors.netdocs):
        one.control("day", number=1)
    matter = ClioTruth(account, at).matter(firm.STORY_MATTER)
    account.control("change", collection="matters", id=matter, values={"status": "Closed"})
    vault = wiring.vault("operations")
    selection = select_matter(vault, firm.STORY_MATTER)
    plan = make_restore_plan(vault, selection, moment)
    # The database belongs to no matter.
    assert [choice.source for choice in plan.choices] == sorted({*SOURCES} - {DATABASE})
    folder = place.restores / "monday"
    assert perform(vault, plan, selection, lambda one: wiring.target(one, folder)).whole
    return Restored(
        folder,
        ClioTruth(account, at),
        ClioTruth(account, account.sequence()),
        matter,
        wiring,
        dict(zip((TENANT, NETDOCS, OLD_MAIL), kept, strict=True)),
        rows,
    )


@pytest.mark.parametrize("source", [TENANT, NETDOCS, OLD_MAIL])
def test_its_mails_and_documents_come_back_byte_for_byte(restored: Restored, source: str) -> None:
    kept = restored.others[source]
    assert kept.found_in(restored.folder / source) == len(kept.digests) > 0
    # One that is not as it was is not counted.
    found = {
        sha256(path.read_bytes()).hexdigest(): path
        for path in (restored.folder / source).rglob("*")
        if path.is_file()
    }
    path = found[min(kept.digests)]
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    try:
        assert kept.found_in(restored.folder / source) < len(kept.digests)
    finally:
        path.write_bytes(content)


def test_the_matter_comes_back_byte_for_byte(restored: Restored, monday: firm.Truth) -> None:
    compared = restored.truth.compare(restored.matter, restored.folder / CLIO)
    assert compared.wrong == ()
    assert compared.rows > 20 and compared.files > 5 and compared.size > 0
    wanted = monday.of_matter(firm.STORY_MATTER)
    assert monday.compare(restored.folder / "file-server", wanted).identical
    assert restored.truth.counts["matters"] == 6 < restored.truth.counts[VERSIONS]


def test_another_day_is_not_taken_for_it(restored: Restored) -> None:
    found = restored.as_on_tuesday.compare(restored.matter, restored.folder / CLIO)
    assert f"matters/{restored.matter}.json" in found.wrong


def test_what_is_missing_changed_or_too_many_is_told(restored: Restored) -> None:
    folder = restored.folder / CLIO
    row = next((folder / "notes").glob("*.json"))
    file = max((folder / "files").rglob("*.*"), key=lambda path: path.stat().st_size)
    kept, content = row.read_bytes(), file.read_bytes()
    row.write_bytes(canonical({**parse(kept), "subject": "another"}))
    file.write_bytes(content[:-1])
    (folder / "notes" / "999999.json").write_bytes(kept)
    try:
        wrong = restored.truth.compare(restored.matter, folder).wrong
        row.unlink()
        assert f"notes/{row.name}" in restored.truth.compare(restored.matter, folder).wrong
    finally:
        row.write_bytes(kept)
        file.write_bytes(content)
        (folder / "notes" / "999999.json").unlink()
    assert {f"notes/{row.name}", "notes/999999.json"} <= set(wrong)
    assert len(wrong) == 3


def test_its_trust_money_adds_up_to_the_cent_and_not_with_one_less(restored: Restored) -> None:
    folder = restored.folder / TRUST
    balance = restored.truth.balance(restored.matter, folder)
    assert balance.told == balance.found > 0
    row = next((folder / "bank_transactions").glob("*.json"))
    kept = row.read_bytes()
    row.unlink()
    try:
        short = restored.truth.balance(restored.matter, folder)
    finally:
        row.write_bytes(kept)
    assert short.told == balance.told != short.found


def test_the_practice_database_comes_back_row_by_row(
    restored: Restored, vendors: Vendors, tmp_path: Path
) -> None:
    vault = restored.wiring.vault("operations")
    first = vault.history(DATABASE).live[0].commit.ended_at
    selection = Selection(Scope.SOURCE, "", (DATABASE,))
    plan = make_restore_plan(vault, selection, first)
    assert perform(vault, plan, selection, lambda one: restored.wiring.target(one, tmp_path)).whole
    [dump] = tmp_path.rglob("*.sql")
    assert vendors.ledger.loaded(dump).digests == restored.rows.digests
    assert len(restored.rows.digests - vendors.ledger.rows().digests) == 62


@pytest.mark.parametrize("source", [CLIO, TRUST, TENANT, NETDOCS])
def test_the_weekly_verification_finds_nothing_wrong_also_after_a_day_of_work(
    restored: Restored, source: str, tmp_path: Path
) -> None:
    wiring = restored.wiring
    assert back_up(wiring.backup_run(source, f"tuesday-{source}")).success
    vault = wiring.vault("operations")
    head = vault.history(source).live[-1]
    system = wiring.config.row(source).system
    at = to_text(wiring.clock.now())
    draw = Draw(source, system, head.seq, head.digest, at, 1, "", 25.0)
    if system in RECONCILERS:
        found = RECONCILERS[system](vault, draw, tmp_path)
        assert found.entries > 10 and found.differences == 0
    contract, scratch = contract_of(system), Scratch(tmp_path / "scratch", "run")
    facts = restore_sample(vault, draw, contract, scratch, live=wiring.source(source))
    assert facts.totals["restored_items"] > 50
    assert facts.totals["documents_not_opened"] == 0
    assert facts.totals["live_reached"]
    assert [one.name for one in judge(contract, facts.tables).failed] == []


def test_the_server_ends_with_the_demonstration(place: Place, account: Account) -> None:
    assert account.sequence() > 0
    # Another program with the same folder: `make demo-stop`.
    clio_account.server(place.clio, place.repository).stop()
    with pytest.raises(OSError, match="refused"):
        account.sequence()
    clio_account.server(place.clio, place.repository).stop()
