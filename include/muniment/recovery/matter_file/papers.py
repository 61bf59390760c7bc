"""Papers: documents and correspondence of a matter, as lists that lead to the files, newest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.recovery.matter_file import html
from muniment.recovery.matter_file.placing import RAW, VERSIONS, Version, versions
from muniment.recovery.matter_file.records import Data, Records
from muniment.recovery.matter_file.text import day, moment, one_line, shown

DOCUMENTS_PAGE, CORRESPONDENCE_PAGE = "documents.html", "correspondence.html"

_LETTER = re.compile(r"letter|correspond|e-?mails?\b|\bfax", re.IGNORECASE)
_MAIL = (".eml", ".msg")

Where = Callable[[Row], bytes | None]
"""Path of an item below the source's folder; None where it was not delivered."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document. `versions` are newest first, each with its path, or None where it was not delivered."""

    data: Data
    versions: tuple[tuple[Version, bytes | None], ...]
    folder: str
    at: str
    category: str
    by: str

    @property
    def name(self) -> str:
        return one_line(self.versions[0][0].name)

    @property
    def path(self) -> bytes | None:
        return self.versions[0][1]

    @property
    def in_trash(self) -> str:
        return day(self.data.get("deleted_at"))

    @property
    def is_correspondence(self) -> bool:
        words = f"{self.folder} {self.category} {self.name}"
        return bool(_LETTER.search(words)) or self.name.lower().endswith(_MAIL)


def papers(records: Records, rows: Sequence[Row], where: Where) -> list[Paper]:
    """All documents of which a version is among the rows, newest first."""
    found = []
    for of, each in versions(rows).items():
        data = records.by_kind.get(of.partition("/")[0], {}).get(of.rpartition("/")[2], {})
        at = moment(data.get("received_at") or data.get("created_at"))
        changed = moment(_newest(records, each[0]).get("created_at"))
        paper = Paper(
            data,
            tuple((version, where(version.row)) for version in each),
            _folder(where(each[0].row)),
            max(at, changed) if len(each) > 1 else at or changed,
            records.name("document_categories", data.get("document_category")),
            records.name("users", data.get("creator")),
        )
        found.append(paper)
    return sorted(found, key=lambda paper: (paper.at, paper.name), reverse=True)


def _newest(records: Records, version: Version) -> Data:
    id_ = text_of(version.row.native_id).rpartition("/")[2]
    return records.by_kind.get("documents/versions", {}).get(id_, {})


def _folder(path: bytes | None) -> str:
    if path is None:
        return ""
    above = path.rpartition(b"/")[0].decode("utf-8", "replace")
    first, _, rest = above.partition("/")
    return "" if first == RAW else rest.removesuffix(f"/{VERSIONS}")


def documents_page(found: Iterable[Paper]) -> str:
    head = ("@Date", "Document", "Folder", "Category", "By", ">Size", "Earlier versions")
    body = html.table(head, (
        (paper.at[:10], _linked(paper), html.line(paper.folder), html.line(paper.category), html.line(paper.by),
         html.size(paper.versions[0][0].row.size), _earlier(paper))
        for paper in found
    ))  # fmt: skip
    note = "Newest first. The date is when a document was received or its newest version came."
    return html.page(
        "Documents by date", [f'<p class="quiet">{note}</p>', body], back="../index.html"
    )


def _linked(paper: Paper) -> str:
    there = opened(paper.name, html.href(paper.path) if paper.path else "")
    if not paper.in_trash:
        return there
    return f'{there} <span class="quiet">(in the trash since {paper.in_trash})</span>'


def _earlier(paper: Paper) -> str:
    told = [
        html.link(path, f"version {version.number}")
        if path
        else f"version {version.number} (not given)"
        for version, path in paper.versions[1:]
    ]
    return ", ".join(told)


# -- correspondence ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """Something written to or by somebody. `there` is where it opens (see `html.href`), empty where it was
    not delivered; the rest is text."""

    at: str
    there: str
    name: str
    kind: str
    who: str
    folder: str = ""


_KINDS = {"EmailCommunication": "E-mail", "PhoneCommunication": "Telephone"}


def kind_of(row: Data) -> str:
    told = one_line(row.get("type"))
    return _KINDS.get(told) or told.removesuffix("Communication") or "Message"


def from_and_to(records: Records, row: Data) -> str:
    """`Jane Doe (Opposing counsel) to Counsel Fir`."""
    roles = records.roles()

    def names(key: str) -> str:
        said = []
        for who in row.get(key) or [] if isinstance(row.get(key), list) else []:
            if isinstance(who, dict):
                role = "" if who.get("type") == "User" else roles.get(shown(who.get("id")), "")
                said.append(records.called(who) + (f" ({role})" if role else ""))
        return ", ".join(said)

    return " to ".join(filter(None, [names("senders"), names("receivers")]))


def when(row: Data) -> str:
    return (
        moment(row.get("received_at")) or moment(row.get("date")) or moment(row.get("created_at"))
    )


def letters(records: Records, found: Iterable[Paper], page: str) -> list[Letter]:
    """Letters among the documents and everything that was logged as a communication, newest first.
    `page` is where communications are read."""
    told = [
        Letter(
            paper.at,
            html.href(paper.path) if paper.path else "",
            paper.name,
            "Document",
            paper.by,
            paper.folder or paper.category,
        )
        for paper in found
        if paper.is_correspondence and not paper.in_trash
    ]
    for row in records.of("communications"):
        subject = one_line(row.get("subject")) or "(no subject)"
        there = f"{html.href(page)}#{html.anchor('c', row.get('id'))}"
        told.append(Letter(when(row), there, subject, kind_of(row), from_and_to(records, row)))
    return sorted(told, key=lambda letter: letter.at, reverse=True)


def opened(name: str, there: str) -> str:
    """A name that leads to what bears it."""
    if there:
        return html.linked(there, name)
    return f'{html.line(name)} <span class="quiet">(not given: see the index)</span>'


def correspondence_page(told: Sequence[Letter]) -> str:
    head = ("@Date", "What", "Kind", "From and to, or by", "Folder")
    rows = (
        (
            html.escaped(one.at[:10]),
            opened(one.name, one.there),
            html.line(one.kind),
            html.line(one.who),
            html.line(one.folder),
        )
        for one in told
    )
    note = (
        "Newest first: what was logged as a communication, and documents whose folder, category, name or "
        "kind says that they are letters or mail. Any other document is under Documents by date."
    )
    body = [f'<p class="quiet">{note}</p>', html.table(head, rows)]
    return html.page("Correspondence by date", body, back="../index.html")
