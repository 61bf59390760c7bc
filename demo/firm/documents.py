"""Documents: turns what a document is (a motion, an invoice, a photograph) into its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.headerregistry import Address
from enum import StrEnum
from random import Random

from . import people, words
from .chance import noise
from .formats import glyphs, message, pdf, picture, scan, sheet, word
from .matters import Matter
from .prose import Prose, Register, page_lines
from .size import Size


class Make(StrEnum):
    """How a document comes to be; which decides its format."""

    PRINTED = "printed"
    SCANNED = "scanned"
    TYPED = "typed"
    MAIL = "mail"
    NOTE = "note"
    LEDGER = "ledger"
    TIME_SHEET = "time sheet"
    PHOTOGRAPH = "photograph"
    SCREENSHOT = "screenshot"
    SNAPSHOT = "snapshot"
    PAGE_IMAGE = "page image"


FORMATS = {
    Make.PRINTED: "pdf",
    Make.SCANNED: "pdf",
    Make.TYPED: "docx",
    Make.MAIL: "eml",
    Make.NOTE: "txt",
    Make.LEDGER: "xlsx",
    Make.TIME_SHEET: "xlsx",
    Make.PHOTOGRAPH: "jpg",
    Make.SCREENSHOT: "png",
    Make.SNAPSHOT: "png",
    Make.PAGE_IMAGE: "tif",
}

LEDGER_HEAD = ("Date", "Kind", "Payee", "Amount (cents)", "Balance (cents)", "Reference")
_TIME_HEAD = ("Date", "Timekeeper", "Minutes", "Rate (cents)", "Amount (cents)", "Narrative")


@dataclass(frozen=True, slots=True)
class Brief:
    """What a document is about. `key` is unique in the share and seeds its noise."""

    make: Make
    register: Register
    title: str
    matter: Matter | None
    at: datetime
    key: str


def ledger_rows(
    rng: Random, first: date, last: date, count: int, balance: int
) -> list[tuple[sheet.Cell, ...]]:
    """Trust money in and out, in whole cents, never below zero, in order of date."""
    days = sorted(rng.randrange((last - first).days + 1) for _ in range(count))
    rows: list[tuple[sheet.Cell, ...]] = []
    for day in days:
        out = balance > 0 and rng.random() < 0.65
        amount = -rng.randrange(1, balance + 1) if out else rng.randrange(5_000, 4_000_000)
        balance += amount
        kind = "Disbursement" if out else "Deposit"
        payee = f"{rng.choice(words.GIVEN)} {rng.choice(words.SURNAMES)}"
        reference = f"T-{rng.randrange(10**6):06d}"
        rows.append((first + timedelta(days=day), kind, payee, amount, balance, reference))
    return rows


class Composer:
    """Writes documents for one firm; keeps each matter's prose."""

    def __init__(self, seed: int, size: Size, last_day: date) -> None:
        self._seed = seed
        self._size = size
        self._last_day = last_day
        self._prose: dict[str, Prose] = {}
        self._makers: dict[Make, Callable[[Brief, Random], bytes]] = {
            Make.PRINTED: self._printed,
            Make.SCANNED: self._scanned,
            Make.TYPED: self._typed,
            Make.MAIL: self._mail,
            Make.NOTE: self._note,
            Make.LEDGER: self._ledger,
            Make.TIME_SHEET: self._time_sheet,
            Make.PHOTOGRAPH: self._photograph,
            Make.SCREENSHOT: self._screenshot,
            Make.SNAPSHOT: self._snapshot,
            Make.PAGE_IMAGE: self._page_image,
        }

    def compose(self, brief: Brief, rng: Random) -> bytes:
        """The bytes of the document; every choice comes from `rng`."""
        return self._makers[brief.make](brief, rng)

    def prose(self, matter: Matter | None) -> Prose:
        name = matter.number if matter else ""
        if name not in self._prose:
            self._prose[name] = Prose(self._seed, matter, self._last_day)
        return self._prose[name]

    def paragraphs(self, brief: Brief, rng: Random, count: int) -> list[str]:
        return self.prose(brief.matter).paragraphs(brief.register, rng, count)

    def _printed(self, brief: Brief, rng: Random) -> bytes:
        pages = min(self._size.longest, 1 + int(rng.expovariate(0.28)))
        lines = page_lines(self.paragraphs(brief, rng, 6 * pages), 92)[: 46 * pages]
        reference = brief.matter.number if brief.matter else words.FIRM
        sheets = [
            pdf.PrintedPage(
                lines[at : at + 46],
                heading=brief.title.upper() if at == 0 else "",
                footer=f"{reference}    {at // 46 + 1}",
            )
            for at in range(0, len(lines), 46)
        ]
        author = " ".join(rng.choice(words.STAFF))
        return pdf.pdf(sheets, title=brief.title, author=author, at=brief.at)

    def _scanned(self, brief: Brief, rng: Random) -> bytes:
        return self.scanned_pages(brief, rng, 1 + min(4, int(rng.expovariate(1.1))))

    def scanned_pages(self, brief: Brief, rng: Random, pages: int) -> bytes:
        """A PDF from the scanner, with the text it recognised."""
        title = f"{brief.title} {brief.at:%Y-%m-%d}"
        columns, rows = self._size.page
        sheets = []
        for number in range(pages):
            text = page_lines(self.paragraphs(brief, rng, 3), columns - 10)
            text = [f"{title}  [{number + 1}]", "", *text][: (rows - 8) // 4]
            jpeg = self._scan(text, columns, rows, f"{brief.key}/{number}")
            sheets.append(pdf.ScannedPage(jpeg, columns * 8, rows * 8, text))
        return pdf.pdf(sheets, title=title, author="Scanner, second floor", at=brief.at)

    def _scan(self, text: list[str], columns: int, rows: int, key: str) -> bytes:
        lines: list[bytes | None] = [None] * rows
        for place, line in enumerate(text):
            if line:
                lines[4 + place * 4] = glyphs.printable(f"     {line}", columns)
        return scan.scan(lines, columns, noise(self._seed, scan.grain_needed(lines, columns), key))

    def _typed(self, brief: Brief, rng: Random) -> bytes:
        count = 4 + int(rng.expovariate(0.08 if self._size.longest > 4 else 0.3))
        image = self._colours(brief, rng, 240, 180) if rng.random() < 0.1 else b""
        return word.docx(
            brief.title,
            self.paragraphs(brief, rng, min(count, 80)),
            template=rng.randrange(word.TEMPLATES),
            firm=words.FIRM,
            author=" ".join(rng.choice(words.STAFF)),
            at=brief.at,
            picture=image,
        )

    def _mail(self, brief: Brief, rng: Random) -> bytes:
        staff = people.staff(rng)
        outside = people.outsider(rng, brief.matter)
        sender, to = (staff, outside) if rng.random() < 0.5 else (outside, staff)
        depth = int(rng.expovariate(0.7))
        thread = f"{brief.matter.number if brief.matter else 'firm'}/{rng.randrange(12)}"
        text = "\n\n".join(self.paragraphs(brief, rng, rng.randrange(1, 4)))
        for _ in range(depth):
            quoted = self.paragraphs(brief, rng, 1)[0]
            text += f"\n\n{sender.display_name} wrote:\n> {quoted}"
        mail = message.Mail(
            sender=sender,
            to=[to, people.staff(rng)] if rng.random() < 0.3 else [to],
            subject=("Re: " if depth else "") + brief.title,
            at=brief.at,
            text=f"{text}\n\n{sender.display_name}\n",
            mark=brief.key,
            html=people.html_mail(text) if rng.random() < 0.4 else "",
            answers=[f"<{thread}.{step}@{words.FIRM_DOMAIN}>" for step in range(depth)],
            attachments=self._attachments(brief, rng, sender),
        )
        return message.eml(mail)

    def _attachments(self, brief: Brief, rng: Random, sender: Address) -> list[message.Attachment]:
        if rng.random() < 0.7:
            return []
        if rng.random() < 0.5:
            name = f"{brief.title} – Entwurf für {sender.display_name}.pdf"
            return [message.Attachment(name, "application/pdf", self._printed(brief, rng))]
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        return [message.Attachment(f"{brief.title}.docx", kind, self._typed(brief, rng))]

    def _note(self, brief: Brief, rng: Random) -> bytes:
        count = 1 + int(rng.expovariate(0.15 if self._size.longest > 4 else 0.6))
        lines = page_lines(self.paragraphs(brief, rng, min(count, 60)), 76)
        ending = "\r\n" if rng.random() < 0.5 else "\n"
        head = [f"{brief.title} - {brief.at:%Y-%m-%d %H:%M}", ""]
        mark = "\ufeff" if rng.random() < 0.2 else ""
        return (mark + ending.join([*head, *lines])).encode()

    def _ledger(self, brief: Brief, rng: Random) -> bytes:
        first = brief.matter.opened if brief.matter else date(2018, 1, 2)
        first = min(first, brief.at.date())
        rows = ledger_rows(rng, first, brief.at.date(), 20 + int(rng.expovariate(0.02)), 0)
        author = " ".join(words.STAFF[7])
        return sheet.xlsx("Trust ledger", LEDGER_HEAD, rows, author=author, at=brief.at)

    def _time_sheet(self, brief: Brief, rng: Random) -> bytes:
        rows: list[tuple[sheet.Cell, ...]] = []
        for back in range(10 + int(rng.expovariate(0.03)), 0, -1):
            minutes, rate = rng.randrange(1, 60) * 6, rng.randrange(18, 60) * 1000
            text = self.prose(brief.matter).sentence(Register.MAIL, rng)
            who = " ".join(rng.choice(words.STAFF))
            day = brief.at.date() - timedelta(days=back)
            rows.append((day, who, minutes, rate, minutes * rate // 60, text))
        return sheet.xlsx("Time", _TIME_HEAD, rows, author=who, at=brief.at)

    def _photograph(self, brief: Brief, rng: Random) -> bytes:
        width = rng.choice((80, 96, 128)) if self._size.longest > 4 else 32
        rows: list[bytes | None] = [None] * (width * 3 // 4)
        stamp = glyphs.printable(f"  {brief.at:%Y-%m-%d %H:%M:%S}  {brief.title}", width)
        rows[-3] = stamp
        grain = noise(self._seed, scan.grain_needed(rows, width), brief.key)
        return scan.scan(rows, width, grain, shade=rng.randrange(10, 45))

    def _screenshot(self, brief: Brief, rng: Random) -> bytes:
        text = page_lines(self.paragraphs(brief, rng, 5), 96)[:40]
        lines = [glyphs.printable(f"  {line}", 100) for line in ("", brief.title, "", *text)]
        return picture.png_of_bitmap(glyphs.bitmap(lines, 100, 48), 800, 384, brief.title)

    def _snapshot(self, brief: Brief, rng: Random) -> bytes:
        return self._colours(brief, rng, *((400, 300) if self._size.longest > 4 else (64, 48)))

    def _colours(self, brief: Brief, rng: Random, width: int, height: int) -> bytes:
        sky = rng.randrange(100, 240), rng.randrange(100, 240), rng.randrange(100, 240)
        grain = noise(self._seed, width * height * 3, brief.key)
        return picture.png_of_colours(width, height, grain, sky, brief.title)

    def _page_image(self, brief: Brief, rng: Random) -> bytes:
        columns, rows = self._size.page
        text = page_lines(self.paragraphs(brief, rng, 4), columns - 10)
        blank = glyphs.printable("", columns)
        lines = []
        for line in ("", "", "", *text)[: rows // 2 - 4]:
            lines += [glyphs.printable(f"     {line}", columns), blank]
        lines += [blank] * (rows - 2 - len(lines))
        lines.append(glyphs.printable(brief.title.rjust(columns - 5), columns))
        bits = glyphs.bitmap(lines, columns, rows)
        packed = rng.random() < 0.7
        return picture.tiff_of_bitmap(bits, columns * 8, rows * 8, brief.title, packed)
