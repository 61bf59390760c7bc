"""Compose: from the records of one source to the files that people open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.matter_file import calendar, cards, html, mail, tables
from muniment.recovery.matter_file.papers import (
    CORRESPONDENCE_PAGE,
    DOCUMENTS_PAGE,
    Letter,
    Paper,
    Where,
    correspondence_page,
    documents_page,
    letters,
    papers,
)
from muniment.recovery.matter_file.placing import RAW, VERSIONS
from muniment.recovery.matter_file.records import Records
from muniment.recovery.matter_file.summary import Summary
from muniment.recovery.matter_file.text import day, money, one_line, shown
from muniment.recovery.matter_file.writings import (
    COMMUNICATIONS_PAGE,
    NOTES_PAGE,
    PEOPLE_PAGE,
    communications_page,
    notes_page,
    people_page,
)
from muniment.sources.clio.naming import BILL_PREVIEW

MAILS = "communications"
LATEST = 10
"""So many of the newest letters stand on the index itself."""

GENERATED = (
    DOCUMENTS_PAGE, CORRESPONDENCE_PAGE, NOTES_PAGE, COMMUNICATIONS_PAGE, PEOPLE_PAGE, calendar.FILE, cards.FILE,
    tables.LEDGER[0], *(file for file, _, _ in tables.TABLES.values()),
)  # fmt: skip
"""Files that may be made beside the items."""

_SHOWN = frozenset({
    "bank_transactions", "calendar_entries", "communications", "contacts", "documents", "documents/versions",
    "folders", "matters", "notes", "relationships", *tables.TABLES,
})  # fmt: skip
"""Collections whose rows are shown by a page or file; of the others there is JSON alone."""


@dataclass(slots=True)
class Composed:
    """`files`: path -> content, in the order in which they are to be written."""

    summary: Summary
    files: dict[str, bytes] = field(default_factory=dict)

    def page(self, path: str, text: str, title: str, count: int, about: str = "") -> None:
        self.file(path, text.encode("utf-8", "replace"), title, count, about)

    def file(self, path: str, body: bytes, title: str, count: int, about: str = "") -> None:
        self.files[path] = body
        self.summary.sections.append((html.href(path), title, count, about))


def compose(records: Records, rows: Sequence[Row], where: Where) -> Composed:
    """Everything that is made of one source's part. `rows` are those of the snapshot."""
    made = Composed(Summary(title=_title(records), heading=list(_heading(records))))
    found = papers(records, rows, where)
    told = letters(records, found, COMMUNICATIONS_PAGE)
    _correspondence(made, records, found, told)
    _tables(made, records)
    _others(made, records, rows, where)
    made.summary.latest = [
        (one.at[:10], one.there, one.name, one.kind, one.who) for one in told[:LATEST]
    ]
    return made


def _title(records: Records) -> str:
    matter = records.matter
    number = one_line(matter.get("display_number") or matter.get("number"))
    return " \u2013 ".join(filter(None, [number, one_line(matter.get("description"))]))


def _heading(records: Records) -> Iterator[tuple[str, str]]:
    matter = records.matter
    yield "Client", records.name("contacts", matter.get("client"))
    roles = records.roles()
    for row in records.of("contacts"):
        role = roles.get(shown(row.get("id")), "")
        if role and role != "Client":
            yield role, one_line(row.get("name"))
    yield "Responsible attorney", records.name("users", matter.get("responsible_attorney"))
    yield "Practice area", records.name("practice_areas", matter.get("practice_area"))
    yield "Status", one_line(matter.get("status"))
    yield "Opened", day(matter.get("open_date"))
    yield "Closed", day(matter.get("close_date"))
    yield "Client's reference", one_line(matter.get("client_reference"))


def _correspondence(
    made: Composed, records: Records, found: Sequence[Paper], told: Sequence[Letter]
) -> None:
    if told:
        made.page(
            CORRESPONDENCE_PAGE,
            correspondence_page(told),
            "Correspondence by date",
            len(told),
            "letters, e-mails and calls, newest first",
        )
    if found:
        made.page(
            DOCUMENTS_PAGE,
            documents_page(found),
            "Documents by date",
            len(found),
            f"all documents; earlier versions in {VERSIONS}/ beside them",
        )
    communications = records.of("communications")
    mails: dict[str, bytes] = {}
    for row in communications:
        if row.get("type") == mail.KIND:
            path = f"{MAILS}/{html.anchor('', row.get('id'))}.eml"
            mails[shown(row.get("id"))] = path.encode()
            made.files[path] = mail.message(records, row)
    if communications:
        page = communications_page(records, mails, found)
        about = f"of these {len(mails):,} also as .eml" if mails else ""
        made.page(COMMUNICATIONS_PAGE, page, "Communications", len(communications), about)
    notes = records.of("notes")
    if notes:
        made.page(NOTES_PAGE, notes_page(records), "Notes", len(notes), "newest first")


def _tables(made: Composed, records: Records) -> None:
    entries = records.of("calendar_entries")
    if entries:
        told = calendar.calendar(records)
        made.file(
            calendar.FILE,
            told.body,
            "Calendar",
            len(entries),
            "for any calendar program (iCalendar)",
        )
        if told.without_time:
            made.summary.notes.append(
                f"Calendar entries without a time that a calendar can show: {told.without_time:,}. They are in "
                f"{RAW}/calendar_entries"
            )
        if told.shown_once:
            made.summary.notes.append(
                f"Calendar entries that repeat by a rule that cannot be read: {told.shown_once:,}. They stand once in "
                f"the calendar; the rule is in {RAW}/calendar_entries"
            )
    people = records.of("contacts")
    if people:
        made.page(
            PEOPLE_PAGE, people_page(records), "People", len(people), "and their part in the matter"
        )
        body = cards.cards(records)
        made.file(cards.FILE, body, "Address cards", len(people), "for any address book (vCard)")
    for kind, (file, title, _) in tables.TABLES.items():
        count = len(records.of(kind))
        if count:
            made.file(file, tables.table(records, kind), title, count, "spreadsheet (CSV)")
    transactions = records.of("bank_transactions")
    if transactions:
        file, title = tables.LEDGER
        made.file(
            file,
            tables.ledger(records),
            title,
            len(transactions),
            "trust and operating, with balances",
        )
    for one in tables.accounts(records):
        said = "" if one.told is None else money(one.told)
        agrees = "yes" if one.agrees else "no"
        made.summary.accounts.append((one.name, one.type, money(one.added_up), said, agrees))


def _others(made: Composed, records: Records, rows: Sequence[Row], where: Where) -> None:
    previews = [path for row in rows if row.kind == BILL_PREVIEW and (path := where(row))]
    if previews:
        folder = previews[0].partition(b"/")[0]
        about = "one page each, as the vendor shows them"
        made.summary.sections.append(
            (f"{html.href(folder)}/", "Bills as they look", len(previews), about)
        )
    silent = sum(len(held) for kind, held in records.by_kind.items() if kind not in _SHOWN)
    every = sum(map(len, records.by_kind.values()))
    about = f"the vendor's own rows as JSON, all of them; {silent:,} are shown nowhere else"
    made.summary.sections.append((f"./{RAW}/", "Raw data", every, about))
    if records.unread:
        made.summary.notes.append(
            f"Rows that are no JSON and are not shown on a page: {records.unread:,}"
        )


def called(row: Row) -> str:
    """What an item is called, for the list of what could not be given."""
    name = row.metadata.get("file") or row.metadata.get("name")
    return one_line(name) if name else text_of(row.native_id)
