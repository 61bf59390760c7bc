"""Giving: one matter written into an account, row by row, and gone on with where it was left.

In this order: the contacts that something names, as it names them; the matter; its parties; folders; messages,
which documents belong to; documents; notes, tasks and the calendar; damages; time and expenses, which stand for work
on those; and last, that the matter is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from muniment.errors import GivenBackBefore, MunimentError, RestoreError, WriteBackRefused
from muniment.recovery.clio_back import body as bodies
from muniment.recovery.clio_back.account import Account
from muniment.recovery.clio_back.body import PROPERTY, Body, mark_of, number
from muniment.recovery.clio_back.compare import differences
from muniment.recovery.clio_back.fate import why_not
from muniment.recovery.clio_back.links import LiveLinks
from muniment.recovery.clio_back.old import Data, Old, Snapshot, id_of
from muniment.recovery.clio_back.papers import UPLOAD, Papers, begun_in
from muniment.recovery.written_back.journal import Journal
from muniment.recovery.written_back.outcome import Outcome, Status
from muniment.sources.clio.naming import DOCUMENT_FILE, DOCUMENTS, FOLDERS, MATTERS, VERSIONS
from muniment.sources.clio.writing import Refusal, Writer
from muniment.sources.web.changes import Unanswered

TRIES = 5
"""How often a row is sent of which the account shows each time that it was not made."""

Progress = Callable[[int], None]
"""How many old rows have been dealt with."""


class Giving:
    """Writes what a snapshot has of one matter. `existing`: into the matter that is still there.

    `outcomes` by (kind, old id); `bodies` what the new row of an old one must be equal to.
    """

    def __init__(
        self, snapshot: Snapshot, account: Account, writer: Writer, papers: Papers, journal: Journal,
        mark: str, *, existing: bool = False, progress: Progress = lambda done: None,
    ) -> None:  # fmt: skip
        self._snapshot = snapshot
        self._account = account
        self._writer = writer
        self._papers = papers
        self._journal = journal
        self._existing = existing
        self._progress = progress
        self.links = LiveLinks(snapshot, account, journal, mark, self._once)
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.bodies: dict[tuple[str, str], Body] = {}
        self.root = ""
        """The matter's own folder."""
        self._claimed: dict[str, set[str]] = {}

    @property
    def new_matter(self) -> bool:
        return not self._existing

    @property
    def matter(self) -> str:
        return self.links.matter

    def run(self) -> None:
        """Raises GivenBackBefore, WriteBackRefused, SourceUnavailable, RestoreError, TargetUnusable. What one row
        alone cannot have is its outcome."""
        old = self._own_matter()
        self.links.old_matter = old.id
        self._give_matter(old)
        for kind in ("relationships", FOLDERS, "communications", DOCUMENTS, *bodies.WORK):
            for one in self._in_order(kind):
                if one.key not in self.outcomes:
                    self._give(one)
                    self._progress(len(self.outcomes))
        self._close(old)
        self._settle_the_rest()

    # -- the matter --------------------------------------------------------------------------------
    def _own_matter(self) -> Old:
        found = self._snapshot.of(MATTERS)
        if len(found) != 1:
            raise RestoreError(
                f"the snapshot has {len(found)} rows of the matter at Clio, and one is wanted",
                todo="Give the matter back into a folder (--as matter-file).",
            )
        return found[0]

    def _give_matter(self, old: Old) -> None:
        there = self._account.some(MATTERS, [old.id]) if self._existing else {}
        if self._existing:
            if old.id not in there or not self.links.same_account:
                raise RestoreError(
                    "the matter is not in the account any more",
                    to=f"matter {old.id}",
                    safe="Nothing was written.",
                    todo="Leave out --into-existing: then a new matter is made.",
                )
            self._stands(old, old.id, made=False)
        else:
            self._new_matter(old)
        self.links.matter = self._journal.new(old.key)
        row = self._account.some(MATTERS, [self.links.matter]).get(self.links.matter)
        if row is None:
            raise RestoreError(
                "the matter that this restore made is gone from the account",
                to=f"matter {self.links.matter}",
                todo="Begin anew, into another folder.",
            )
        self.root = id_of(row.get("folder"))
        folder = id_of(old.data.get("folder"))
        if folder and self.root:
            self._journal.stands((FOLDERS, folder), self.root, made=False)

    def _new_matter(self, old: Old) -> None:
        body = bodies.matter(old, self.links)
        if "client" not in body.sent:
            raise RestoreError(
                "the client of the matter is neither in the snapshot nor in the account",
                to=f"matter {old.id}",
                safe="Nothing was written.",
                todo="Choose a snapshot that has the client, or give the matter back into a folder.",
            )
        self.bodies[old.key] = body

        def marked() -> str:
            client = id_of(body.sent["client"])
            rows = self._account.matching(MATTERS, client_id=client)
            return next((k for k, r in rows.items() if self._bears(r)), "")

        if not self._journal.new(old.key):
            found = marked()
            if found and old.key not in self._journal.asked:
                raise GivenBackBefore(
                    "this matter was written back into Clio before", to=f"matter {found}"
                )
            if found:
                self._journal.stands(old.key, found, made=True)
            elif not self._once(old, body.sent, marked):
                refused = self.outcomes[old.key]
                raise RestoreError(
                    f"Clio refuses the new matter ({refused.why})",
                    to=f"matter {old.id}",
                    todo="Give the matter back into a folder (--as matter-file), and report this.",
                )
        self._note(old, Status.WRITTEN, body)

    def _bears(self, row: Data) -> bool:
        return str(row.get("client_reference") or "").endswith(self.links.mark)

    def _close(self, old: Old) -> None:
        """A matter that was closed is closed last."""
        last = {} if self._existing else bodies.closing(old)
        if last:
            self._writer.change(MATTERS, self.matter, last)
            self.bodies[old.key].sent |= last

    # -- rows --------------------------------------------------------------------------------------
    def _in_order(self, kind: str) -> list[Old]:
        """Folders after those that they lie in; all else in the order in which it was made."""
        rows = self._snapshot.of(kind)
        if kind != FOLDERS:
            return rows
        known = {one.id for one in rows}
        placed: dict[str, Old] = {}
        while len(placed) < len(rows):
            ready = [
                one for one in rows
                if one.id not in placed
                and (id_of(one.data.get("parent")) not in known or id_of(one.data.get("parent")) in placed)
            ]  # fmt: skip
            for one in ready or [o for o in rows if o.id not in placed]:
                placed[one.id] = one
        return list(placed.values())

    def _give(self, old: Old) -> None:
        why = why_not(old, self._snapshot)
        if why:
            self.outcomes[old.key] = _outcome(old, Status.BESIDE, why=why)
            return
        if old.kind == FOLDERS and self._journal.new(old.key) == self.root:
            self.outcomes[old.key] = _outcome(old, Status.REUSED, self.root, why="the matter's own")
            return
        body = self._body(old)
        self.bodies[old.key] = body
        if old.kind == DOCUMENTS:
            self._document(old, body)
            return
        found = self._find(old, body)
        if not found and self._existing and old.data.get("documents"):
            # They stay with the message that is gone: what is there is not changed.
            body.lost.append("documents")
        if found:
            self._stands(old, found, made=self._is_ours(old))
        elif not self._once(old, body.sent, lambda: self._find(old, body, anew=True)):
            return
        made = old.key in self._journal.made
        self._note(old, Status.WRITTEN if made else Status.REUSED, body)

    def _body(self, old: Old) -> Body:
        if old.kind == FOLDERS:
            return bodies.folder(old, self.links)
        if old.kind == DOCUMENTS:
            return bodies.document(old, self.links)
        return bodies.WORK[old.kind](old, self.links)

    def _is_ours(self, old: Old) -> bool:
        """Did this restore make a row that was found? In a matter that it made, it made everything."""
        return not self._existing or old.key in self._journal.asked

    def _stands(self, old: Old, new: str, *, made: bool) -> None:
        self._journal.stands(old.key, new, made=made)
        self._claim(old.kind).add(new)

    def _claim(self, kind: str) -> set[str]:
        """New ids that stand for some old row, so that no other takes them for its own."""
        if kind not in self._claimed:
            held = self._journal.claimed(kind)
            if self._existing and self.links.same_account:
                held |= {one.id for one in self._snapshot.of(kind)}
            self._claimed[kind] = held
        return self._claimed[kind]

    def _find(self, old: Old, body: Body, *, anew: bool = False) -> str:
        """The row of the matter that stands for an old one already; empty where none does."""
        there = self._account.of_matter(old.kind, self.matter, anew=anew)
        known = self._journal.new(old.key)
        if known in there:
            return known
        if self._existing and self.links.same_account and old.id in there:
            return old.id
        if old.kind in bodies.MARKED:
            mark = mark_of(self.links, old)
            return next((id_ for id_, row in there.items() if _bears(row, mark)), "")
        claimed = self._claim(old.kind)
        free = (id_ for id_ in there if id_ not in claimed)
        return next((id_ for id_ in free if not differences(body.sent, there[id_])), "")

    def _once(self, old: Old, sent: Mapping[str, Any], find: Callable[[], str]) -> str:
        """Makes a row, once; returns its id, or nothing where the vendor refuses it (the outcome says why)."""
        made = self._made(old, sent, find, "id")
        return "" if made is None else str(made["id"])

    def _made(
        self, old: Old, sent: Mapping[str, Any], find: Callable[[], str], fields: str
    ) -> Data | None:
        for attempt in range(TRIES):
            self._journal.asks(old.key)
            try:
                row = self._writer.make(old.kind, sent, fields)
            except Refusal as refusal:
                self.outcomes[old.key] = _outcome(
                    old, Status.FAILED, why=f"Clio refuses it: {refusal}"
                )
                return None
            except Unanswered:
                # It may still be on its way: look twice, with a while between.
                for wait in (attempt, attempt + 2):
                    self._writer.pause(wait)
                    found = find()
                    if found:
                        self._stands(old, found, made=True)
                        return {"id": found}
                continue
            self._stands(old, str(row["id"]), made=True)
            return row
        raise self._writer.unavailable("it answers to no request for a new row")

    # -- documents ---------------------------------------------------------------------------------
    def _document(self, old: Old, body: Body) -> None:
        files = self._snapshot.versions(old.id)
        name = str(body.sent.get("name") or "")
        found = self._find(old, body)
        begun: Data | None = None
        if found:
            self._stands(old, found, made=self._is_ours(old))
            if old.key not in self._journal.made:
                self._reuse(old, found)
                return
        else:
            first = self._snapshot.version(files[0])
            sent = {**body.sent, **self._papers.of_version(first, name, files[0].row.size)}
            message = self._message_of(old)
            if message:
                sent["communication_id"] = number(message)
            row = self._made(old, sent, lambda: self._find(old, body, anew=True), UPLOAD)
            if row is None:
                self._versions_failed(files, "its document is refused")
                return
            found = str(row["id"])
            begun = begun_in(row) if row.get("latest_document_version") else None
        self._note(old, Status.WRITTEN, body)
        there = [] if begun is not None else self._papers.whole(found)
        for at, file in enumerate(files):
            if at >= len(there):
                try:
                    version = self._snapshot.version(file)
                    self._papers.add(found, name, file, version, begun)
                except Refusal as refusal:
                    self._versions_failed(files[at:], f"Clio refuses it: {refusal}")
                    return
                except MunimentError as error:
                    if error.code.startswith("M2") or isinstance(error, WriteBackRefused):
                        raise
                    # Later versions would stand in its place.
                    self._versions_failed(files[at:], f"{error.code} {error.what}")
                    return
            begun = None

    def papers_of(self, message: Old) -> set[str]:
        """New documents that were written as belonging to a message."""
        papers = (
            self._snapshot.one(DOCUMENTS, id_of(one)) for one in message.data.get("documents") or ()
        )
        return {
            self._journal.made[one.key] for one in papers if one and one.key in self._journal.made
        }

    def _message_of(self, old: Old) -> str:
        """The new message that the document came with."""
        for message in self._snapshot.of("communications"):
            if old.id in {id_of(one) for one in message.data.get("documents") or ()}:
                return self._journal.new(message.key)
        return ""

    def _reuse(self, old: Old, new: str) -> None:
        """A document of the matter that is there stays as it is; it comes out of the trash."""
        row = self._account.of_matter(DOCUMENTS, self.matter).get(new, {})
        outcome = _outcome(old, Status.REUSED, new)
        if row.get("deleted_at"):
            self._writer.change(DOCUMENTS, new, {"restore": True})
            outcome.why = "taken out of the trash"
        self.outcomes[old.key] = outcome
        there = {str(one["id"]) for one in self._papers.whole(new)}
        for file in self._snapshot.versions(old.id):
            for kind in (DOCUMENT_FILE, VERSIONS):
                of = self._snapshot.one(kind, file.id)
                if of is not None and file.id in there:
                    self.outcomes[of.key] = _outcome(of, Status.REUSED, file.id)
                elif of is not None:
                    why = "this version is gone from a document that is there"
                    self.outcomes[of.key] = _outcome(of, Status.BESIDE, why=why)

    def _versions_failed(self, files: list[Old], why: str) -> None:
        for file in files:
            self.outcomes[file.key] = _outcome(file, Status.FAILED, why=why)

    # -- what is left ------------------------------------------------------------------------------
    def _note(self, old: Old, status: Status, body: Body) -> None:
        made = _outcome(old, status, self._journal.new(old.key))
        made.lost = sorted(set(body.lost))
        self.outcomes[old.key] = made

    def _settle_the_rest(self) -> None:
        """Every row of the plan has an outcome."""
        for old in self._snapshot.all():
            if old.key in self.outcomes or old.kind in (DOCUMENT_FILE, VERSIONS):
                continue
            if old.kind == MATTERS and self._existing:
                self.outcomes[old.key] = _outcome(old, Status.REUSED, self.matter)
            elif old.kind == "contacts":
                self.outcomes[old.key] = self._contact(old)
            else:
                self.outcomes[old.key] = self._listed(old)

    def _contact(self, old: Old) -> Outcome:
        new = self._journal.new(old.key)
        if not new:
            return _outcome(old, Status.BESIDE, why="nothing that is written names it")
        if old.key in self._journal.made:
            body = self.links.bodies.get(old.id, Body())
            self.bodies[old.key] = body
            made = _outcome(old, Status.WRITTEN, new)
            made.lost = sorted(set(body.lost))
            return made
        return _outcome(old, Status.REUSED, new)

    def _listed(self, old: Old) -> Outcome:
        new = self.links.met.get(old.key) or self._journal.new(old.key)
        if new and old.key in self._journal.made:
            return _outcome(old, Status.WRITTEN, new)
        if new:
            return _outcome(old, Status.REUSED, new)
        return _outcome(old, Status.BESIDE, why=why_not(old, self._snapshot))


def _outcome(old: Old, status: Status, new: str = "", why: str = "") -> Outcome:
    return Outcome(old.kind, old.id, old.row.item_id.hex(), status, new, why)


def _bears(row: Data, mark: str) -> bool:
    return any(
        one.get("name") == PROPERTY and one.get("value") == mark
        for one in row.get("external_properties") or ()
    )
