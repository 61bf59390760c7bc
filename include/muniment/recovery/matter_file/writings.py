"""Writings: notes, communications and people of a matter, as pages to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from muniment.recovery.matter_file import html
from muniment.recovery.matter_file.papers import Paper, from_and_to, kind_of, when
from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import day, members, number_of, one_line, plain, shown

NOTES_PAGE, COMMUNICATIONS_PAGE, PEOPLE_PAGE = "notes.html", "communications.html", "people.html"
BACK = "../index.html"


def notes_page(records: Records) -> str:
    body = []
    for row in sorted(records.of("notes"), key=lambda row: day(row.get("date")), reverse=True):
        author = records.name("users", row.get("author"))
        told = " \u00b7 ".join(filter(None, [day(row.get("date")), html.line(author)]))
        text = plain(row.get("detail"), row.get("detail_text_type"))
        body.append(_article("n", row, row.get("subject"), told, text))
    return html.page("Notes", body, back=BACK)


def communications_page(
    records: Records, mails: Mapping[str, bytes], found: Sequence[Paper]
) -> str:
    """`mails`: id of a communication -> path of its message."""
    documents = {number_of(paper.data): paper for paper in found}
    body = []
    for row in sorted(records.of("communications"), key=when, reverse=True):
        id_ = shown(row.get("id"))
        told = [
            html.escaped(when(row)),
            html.escaped(kind_of(row)),
            html.line(from_and_to(records, row)),
        ]
        if id_ in mails:
            told.append(html.link(mails[id_], "open as e-mail"))
        attached = [documents.get(number_of(one)) for one in members(row.get("documents"))]
        links = [html.link(one.path, one.name) for one in attached if one and one.path]
        if links:
            told.append(f"with {', '.join(links)}")
        body.append(
            _article(
                "c",
                row,
                row.get("subject"),
                " \u00b7 ".join(filter(None, told)),
                plain(row.get("body")),
            )
        )
    return html.page("Communications", body, back=BACK)


def _article(prefix: str, row: Data, heading: object, told: str, text: str) -> str:
    return (
        f'<article id="{html.anchor(prefix, row.get("id"))}"><h2>{html.line(heading) or "(no subject)"}</h2>'
        f'<p class="quiet">{told}</p><div class="body">{html.escaped(text)}</div></article>'
    )


def people_page(records: Records) -> str:
    roles = records.roles()
    head = ("Name", "In this matter", "Company", "E-mail", "Telephone")
    rows = sorted(
        (
            html.line(row.get("name")),
            html.line(roles.get(shown(row.get("id")), "")),
            html.line(records.one("contacts", row.get("company")).get("name")),
            html.line(", ".join(one_line(e.get("address")) for e in members(row.get("email_addresses")))),
            html.line(", ".join(one_line(p.get("number")) for p in members(row.get("phone_numbers")))),
        )
        for row in records.of("contacts")
    )  # fmt: skip
    # Whoever has a part in the matter comes first.
    rows.sort(key=lambda row: not row[1])
    return html.page("People", [html.table(head, rows)], back=BACK)
