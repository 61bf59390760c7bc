"""Reading back: everything that was written, asked for again and compared with what was sent; bytes too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from muniment.errors import ItemUnreadable
from muniment.recovery.clio_back.account import Account
from muniment.recovery.clio_back.body import MARKED, PROPERTY, WORK
from muniment.recovery.clio_back.compare import differences, equal
from muniment.recovery.clio_back.giving import Giving
from muniment.recovery.clio_back.old import Data, Old, Snapshot, id_of
from muniment.recovery.clio_back.papers import Papers
from muniment.recovery.written_back.journal import Journal
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.clio.naming import DOCUMENT_FILE, DOCUMENTS, FOLDERS, MATTERS, VERSIONS

_OF_MATTER = (*WORK, FOLDERS, DOCUMENTS)
_TOLD = ("name", "title", "email_addresses", "phone_numbers", "addresses", "date_of_birth")
"""Of a contact that is used as it is: what is said where it is another than in the backup."""
GONE = "it is not in the account"


class ReadingBack:
    """Judges the outcomes of a `Giving` in place."""

    def __init__(
        self, snapshot: Snapshot, giving: Giving, account: Account, papers: Papers, journal: Journal
    ) -> None:
        self._snapshot = snapshot
        self._giving = giving
        self._account = account
        self._papers = papers
        self._journal = journal
        self.verified = 0

    def run(self) -> None:
        there = {kind: self._account.of_matter(kind, self._giving.matter, anew=True) for kind in _OF_MATTER}  # fmt: skip
        there[MATTERS] = self._account.some(MATTERS, [self._giving.matter])
        there["contacts"] = self._account.some("contacts", self._journal.claimed("contacts"))
        for key, outcome in list(self._giving.outcomes.items()):
            if outcome.kind in there and outcome.status in (Status.WRITTEN, Status.REUSED):
                self._row(key, outcome, there[outcome.kind])
        for old in self._snapshot.of(DOCUMENTS):
            if self._giving.outcomes[old.key].status is not Status.BESIDE:
                self._versions(old)
        for kind in (DOCUMENT_FILE, VERSIONS):
            for old in self._snapshot.of(kind):
                if old.key not in self._giving.outcomes:
                    self._judge(old, Status.BESIDE, why="its document is not written")

    def strays(self) -> list[tuple[str, str]]:
        """Rows that stand for no old row and that this restore may have left: they bear a mark, or are equal to one
        that stands for an old row; where a request was sent again, any row of a matter that this restore made."""
        found = []
        for kind in _OF_MATTER:
            held = self._journal.claimed(kind)
            sent = [b.sent for (of, _), b in self._giving.bodies.items() if of == kind]
            doubtful = self._giving.new_matter and self._journal.sent_again(kind)
            for id_, row in self._account.of_matter(kind, self._giving.matter).items():
                if id_ not in held and (doubtful or self._is_ours(kind, row, sent)):
                    found.append((kind, id_))
        return found

    def _is_ours(self, kind: str, row: Data, sent: list[dict[str, object]]) -> bool:
        if kind in MARKED:
            mark = f"{self._giving.links.mark}/"
            return any(
                one.get("name") == PROPERTY and str(one.get("value")).startswith(mark)
                for one in row.get("external_properties") or ()
            )
        return any(not differences(one, row) for one in sent)

    def _row(self, key: tuple[str, str], outcome: Outcome, there: Mapping[str, Data]) -> None:
        row = there.get(outcome.new)
        if row is None:
            outcome.status, outcome.why = Status.FAILED, GONE
            return
        if outcome.status is Status.REUSED:
            outcome.differs = self._otherwise(key, row)
        else:
            body = self._giving.bodies.get(key)
            outcome.differs = [] if body is None else differences(self._expected(body.sent), row)
            if outcome.kind == "communications" and not self._has_papers(key, row):
                outcome.differs.append("documents")
            if outcome.differs:
                outcome.status = Status.DIFFERS
                return
        self.verified += 1

    def _has_papers(self, key: tuple[str, str], row: Data) -> bool:
        message = self._snapshot.one(*key)
        there = {id_of(one) for one in row.get("documents") or ()}
        return message is None or self._giving.papers_of(message) <= there

    def _expected(self, sent: Data) -> dict[str, object]:
        """A row in the matter itself lies in the matter's own folder."""
        parent = sent.get("parent")
        if isinstance(parent, Mapping) and parent.get("type") == "Matter":
            return {**sent, "parent": {"id": self._giving.root}}
        return dict(sent)

    def _otherwise(self, key: tuple[str, str], row: Data) -> list[str]:
        """In what a reused row is another than in the backup."""
        old = self._snapshot.one(*key)
        if key[0] == "contacts" and old is not None:
            return [name for name in _TOLD if not _alike(old.data.get(name), row.get(name))]
        body = self._giving.bodies.get(key)
        if body is None:
            return []
        told = {k: v for k, v in self._expected(body.sent).items() if k != "external_properties"}
        return differences(told, row)

    # -- versions ----------------------------------------------------------------------------------
    def _versions(self, document: Old) -> None:
        new = self._giving.outcomes[document.key].new
        wanted = [
            f for f in self._snapshot.versions(document.id) if f.key not in self._giving.outcomes
        ]
        if not wanted or not new:
            return
        there = self._papers.whole(new)
        for at, file in enumerate(wanted):
            version = there[at] if at < len(there) else None
            if version is None:
                self._both(file, Status.FAILED, "", GONE)
            elif not self._same_bytes(new, version, file):
                self._both(file, Status.DIFFERS, str(version["id"]), "", ["bytes"])
            elif version.get("filename") != self._snapshot.version(file).get("filename", version.get("filename")):  # fmt: skip
                self._both(file, Status.DIFFERS, str(version["id"]), "", ["filename"])
            else:
                self._both(file, Status.WRITTEN, str(version["id"]), "")
                self.verified += 1
        if len(there) > len(wanted):
            outcome = self._giving.outcomes[document.key]
            outcome.status, outcome.differs = Status.DIFFERS, [*outcome.differs, "versions"]

    def _same_bytes(self, document: str, version: Data, file: Old) -> bool:
        if version.get("size") != file.row.size:
            return False
        read = hashlib.sha256()
        try:
            for piece in self._account.download(document, str(version["id"]), file.row.size):
                read.update(piece)
        except (FileNotFoundError, ItemUnreadable):
            return False
        return read.digest() == file.row.digest

    def _both(
        self, file: Old, status: Status, new: str, why: str, differs: list[str] | None = None
    ) -> None:
        """Of the bytes, and of the row of the version that has them."""
        for kind in (DOCUMENT_FILE, VERSIONS):
            old = self._snapshot.one(kind, file.id)
            if old is not None:
                self._judge(old, status, new, why, differs)

    def _judge(
        self, old: Old, status: Status, new: str = "", why: str = "", differs: list[str] | None = None
    ) -> None:  # fmt: skip
        made = Outcome(old.kind, old.id, old.row.item_id.hex(), status, new, why)
        made.differs = list(differs or ())
        self._giving.outcomes[old.key] = made


def _alike(old: object, new: object) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return sorted(map(_told, old)) == sorted(map(_told, new))
    return equal(old, new)


def _told(part: Data) -> list[tuple[str, str]]:
    """What people know of an address or a number: not its id, nor when it was changed."""
    left_out = ("id", "etag", "created_at", "updated_at")
    return sorted((k, str(v)) for k, v in part.items() if k not in left_out and v is not None)
