"""MemoryApi: a vendor's system in memory, and a source over it that asks as an API is asked.

Two collections. `notes` are rows, which a listing brings; `papers` are bytes, which are fetched one by one, each
with an answer of its own that says what they are (as the versions of a document have). What is asked is
counted, so that a test can say what a run cost.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256

from muniment.errors import ItemUnreadable, SourceMissing
from muniment.model.item import NO_MATTER, Brought, Fidelity, Fingerprint, Named, Observed
from muniment.sources.base import FIRST_TIME, Description, Known, Listed, Same, SourceHealth
from muniment.sources.causes import NOT_AN_ID


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the vendor. `etag` moves with every change."""

    kind: str
    text: bytes
    etag: int
    matter: str = ""
    folder: int = 0


@dataclass
class MemoryApi:
    """The vendor. `before` is called with what is asked, before it is answered; what it raises is the answer."""

    entries: dict[int, Entry] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    away: bool = False
    before: Callable[[str, int], None] = lambda what, number: None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _ticks: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, kind: str, text: bytes, matter: str = "") -> int:
        number = next(self._numbers)
        self.entries[number] = Entry(kind, text, next(self._ticks), matter)
        return number

    def change(self, number: int, text: bytes | None = None, matter: str | None = None) -> None:
        entry = self.entries[number]
        self.entries[number] = replace(
            entry,
            etag=next(self._ticks),
            text=entry.text if text is None else text,
            matter=entry.matter if matter is None else matter,
        )

    # -- requests ----------------------------------------------------------------------------------

    def _ask(self, what: str, number: int = 0) -> None:
        if self.away:
            raise SourceMissing("the vendor is away")
        self.asked[what] += 1
        self.before(what, number)

    def list(self, kind: str) -> list[tuple[int, Entry]]:
        self._ask(f"list {kind}")
        return [(n, e) for n, e in sorted(self.entries.items()) if e.kind == kind]

    def about(self, number: int) -> str:
        self._ask("about", number)
        return f"Paper {number}.txt"

    def get(self, number: int) -> Entry | None:
        self._ask("get", number)
        return self.entries.get(number)


class MemoryApiSource:
    """A Source over a MemoryApi."""

    system = "memory-api"

    def __init__(self, source_id: str, api: MemoryApi) -> None:
        self.source_id = source_id
        self._api = api

    def probe(self) -> SourceHealth:
        if self._api.away:
            raise SourceMissing("the vendor is away", to=self.source_id)
        return SourceHealth("memory-api:1", by_kind=True)

    def scan(self, known: Known = FIRST_TIME) -> Iterator[Listed]:
        for number, entry in self._api.list("notes"):
            yield self._note(number, entry)
        papers = self._api.list("papers")
        for number, entry in papers:
            native_id = _id("papers", number)
            if not known.whole and known.find("papers", native_id, _named(entry)) == _print(entry):
                yield Same("papers", native_id)
                continue
            yield self._paper(number, entry, known)
        # Listed again: what came or went meanwhile makes the whole untrue.
        known.remember("papers", str(len(papers)))
        self.probe()

    def _note(self, number: int, entry: Entry) -> Observed:
        content = json.dumps({"id": number, "text": entry.text.decode("latin-1")}).encode()
        brought = Brought(Fidelity.FILE, {}, content)
        print_ = _print(entry, content)
        return Observed("notes", _id("notes", number), print_, _named(entry), brought)

    def _paper(self, number: int, entry: Entry, known: Known) -> Observed:
        native_id = _id("papers", number)
        tag = _print(entry).tag
        note = known.note("papers", native_id, tag)
        if note is None:
            note = self._api.about(number).encode()
            known.keep_note("papers", native_id, tag, note)
        brought = Brought(Fidelity.FILE, {"file": note.decode(), "mark": str(number)}, None)
        return Observed("papers", native_id, _print(entry), _named(entry), brought)

    @contextmanager
    def open(
        self, kind: str, native_id: bytes, listed: Fingerprint | None = None
    ) -> Iterator[_Reader]:
        collection, _, number = native_id.partition(b"/")
        if kind not in ("notes", "papers") or not number.isdigit() or collection != kind.encode():
            raise ItemUnreadable(NOT_AN_ID, to=self.source_id)
        entry = self._api.get(int(number))
        if entry is None or entry.kind != kind:
            raise FileNotFoundError("vanished")
        if kind == "notes":
            observed = self._note(int(number), entry)
            assert observed.brought is not None and observed.brought.content is not None
            yield _Reader(
                observed.fingerprint, observed.brought, observed.brought.content, lambda: True
            )
            return
        brought = Brought(
            Fidelity.FILE, {"file": f"Paper {int(number)}.txt", "mark": number.decode()}, None
        )
        now = self._api.entries
        yield _Reader(_print(entry), brought, entry.text, lambda: now.get(int(number)) == entry)


class _Reader:
    def __init__(
        self, print_: Fingerprint, brought: Brought, content: bytes, settled: Callable[[], bool]
    ) -> None:
        self._print = print_
        self._brought = brought
        self._left = content
        self._settled = settled

    def describe(self) -> Description:
        return Description(self._print, self._brought.fidelity, self._brought.metadata, True)

    def read(self, size: int) -> bytes:
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def settled(self) -> bool:
        return self._settled()


def _id(kind: str, number: int) -> bytes:
    return f"{kind}/{number}".encode()


def _named(entry: Entry) -> Named:
    return Named(entry.matter.encode()) if entry.matter else NO_MATTER


def _print(entry: Entry, content: bytes | None = None) -> Fingerprint:
    mark = sha256(content).hexdigest()[:8] if content is not None else ""
    size = len(entry.text if content is None else content)
    return Fingerprint(size, entry.etag, tag=f"{entry.etag}{mark}")
