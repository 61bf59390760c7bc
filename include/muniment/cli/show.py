"""Show: what stands behind an opaque id - an item's or a matter's - for who holds the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.options import session_of, source_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.vault.history import History
    from muniment.vault.rows import Snapshot
    from muniment.vault.vault import Vault

MATTER_ID = re.compile(r"M-[A-Z2-7]{8}\Z")
ITEM_ID = re.compile(r"[0-9a-f]{6,32}\Z")


def register(app: forms.Group, panel: str) -> None:
    app.command("show", panel=panel)(show)


def show(
    ctx: forms.Context,
    what: Annotated[
        list[str],
        forms.Argument(
            metavar="[SOURCE] ID",
            help="An item id (or its first 6 characters and more) or a matter's M-...; with a "
            "source before it, in that source only.",
        ),
    ],
) -> None:
    """Says what an opaque id stands for: the path of an item and its versions, a matter's number and title."""
    session = session_of(ctx)
    if len(what) > 2:
        raise forms.BadParameter("give an id, or a source and an id")
    asked = what[-1]
    sources = [source_of(what[0])] if len(what) == 2 else None
    if MATTER_ID.match(asked.upper()):
        _show_matter(session, asked.upper(), sources)
    elif ITEM_ID.match(asked.lower()):
        _show_item(session, asked.lower(), sources)
    else:
        raise forms.BadParameter("an id is 32 hex characters (6 at least), or a matter's M-...")


def each_newest(
    session: Session, sources: list[str] | None = None
) -> list[tuple[Vault, History, Snapshot]]:
    """The newest live snapshot of every source (or of `sources`), opened."""
    from muniment.vault.history import sources_in

    vault = session.reading()
    found = []
    for source in sources or sources_in(vault.store):
        history = vault.history(source)
        if history.live:
            found.append((vault, history, vault.snapshot(history, history.live[-1])))
    return found


def _show_matter(session: Session, matter: str, sources: list[str] | None) -> None:
    from muniment.errors import NothingToRestore

    numbers: list[dict[str, Any]] = []
    for _, history, snapshot in each_newest(session, sources):
        name = snapshot.matters.get(matter)
        rows = [r for r in snapshot.items.values() if r.matter == matter and r.kind != "dir"]
        if name or rows:
            numbers.append(
                {
                    "source": history.source,
                    "seq": history.live[-1].seq,
                    "number": name.number if name else "",
                    "title": name.title if name else "",
                    "items": len(rows),
                    "bytes": sum(r.size for r in rows),
                }
            )
    if not numbers:
        raise NothingToRestore("no newest snapshot knows this matter", to=matter)

    def human() -> None:
        session.screen.say(matter, style="bold")
        session.screen.table(
            ("source", "seq", "number", "title", ">items", ">size"),
            [
                (
                    n["source"],
                    str(n["seq"]),
                    n["number"],
                    words.name(n["title"].encode("utf-8", "surrogateescape")),
                    words.number(n["items"]),
                    words.size(n["bytes"]),
                )
                for n in numbers
            ],
        )

    session.screen.answer("show", {"matter": matter, "sources": numbers}, human)


def _show_item(session: Session, asked: str, sources: list[str] | None) -> None:
    versions = item_versions(session, asked, sources)
    ids = {v["id"] for v in versions}
    if len(ids) > 1:
        raise forms.BadParameter(f"{len(ids)} items begin with these characters; give more of them")

    def human() -> None:
        first = versions[-1]
        session.screen.say(f"{first['source']}  {first['path']}", style="bold")
        session.screen.facts(
            [("id", first["id"]), ("kind", first["kind"]), ("matter", first["matter"])]
        )
        session.screen.table(
            ("seq", "taken", "event", ">size", "modified", "SHA-256"),
            [
                (
                    str(v["seq"]),
                    v["ended_at"],
                    v["event"],
                    words.size(v["size"]) if v["event"] != "removed" else "",
                    v["modified"],
                    v["sha256"][:16],
                )
                for v in versions
            ],
        )

    session.screen.answer("show", {"item": versions[-1]["id"], "versions": versions}, human)


def item_versions(
    session: Session, asked: str, sources: list[str] | None = None
) -> list[dict[str, Any]]:
    """What every snapshot's changes say of an item, oldest first. Raises NothingToRestore."""
    from muniment.errors import NothingToRestore
    from muniment.vault.history import sources_in

    vault = session.reading()
    versions = [
        version
        for source in sources or sources_in(vault.store)
        for version in _versions_in(vault, vault.history(source), asked)
    ]
    if not versions:
        raise NothingToRestore(
            "no snapshot that can be opened here has an item of this id",
            to=asked,
            todo="See `muniment ls SOURCE --ids`.",
        )
    return versions


def _versions_in(vault: Vault, history: History, asked: str) -> list[dict[str, Any]]:
    from muniment.cli.look import modified, state_of
    from muniment.errors import MunimentError
    from muniment.model.item import Problem, Row
    from muniment.vault.rows import Gone
    from muniment.vault.snapshots import read_rows

    found: list[dict[str, Any]] = []
    last: Row | None = None
    for record in history.trusted:
        for described in record.commit.snapshots:
            try:
                identity = vault.keyring.identity(described.key_id)
                changes = list(
                    read_rows(
                        vault.store, [identity], vault.vault_id, history.source, described.snapshot
                    )
                )
            except MunimentError:
                # Sealed away from these identities, or swept after it was forgotten.
                continue
            for row in changes:
                if not isinstance(row, Row | Gone | Problem) or not row.item_id.hex().startswith(
                    asked
                ):
                    continue
                entry: dict[str, Any] = {
                    "source": history.source,
                    "seq": record.seq,
                    "ended_at": record.commit.to_payload()["ended_at"],
                    "state": state_of(history, record),
                    "id": row.item_id.hex(),
                    **_of(last),
                }
                if isinstance(row, Row):
                    known = last is not None and last.item_id == row.item_id
                    last = row
                    entry |= {"event": "changed" if known else "added", **_of(row)}
                    entry["modified"] = modified(row).isoformat().replace("+00:00", "Z")
                elif isinstance(row, Gone):
                    entry["event"] = "removed"
                    last = None
                else:
                    entry |= {"event": f"problem: {row.cause}", "path": words.name(row.native_id)}
                    entry["kind"] = row.kind
                found.append(entry)
    return found


def _of(row: Any) -> dict[str, Any]:
    if row is None:
        return {"path": "", "kind": "", "matter": "", "size": 0, "modified": "", "sha256": ""}
    return {
        "path": words.name(row.native_id),
        "kind": row.kind,
        "matter": row.matter,
        "size": row.size,
        "modified": "",
        "sha256": row.digest.hex(),
    }
