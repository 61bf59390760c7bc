"""Looking: snapshots, ls, diff, matters. What a vault holds, for who holds its keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import diff, forms, matters, show, words
from muniment.cli.options import AsOf, Seq, one_snapshot, session_of, source_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.model.item import Row
    from muniment.vault.history import CommitRecord, History
    from muniment.vault.rows import Snapshot
    from muniment.vault.vault import Vault

PANEL = "Look"

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)


def register(app: forms.Group) -> None:
    app.command("snapshots", panel=PANEL)(snapshots)
    app.command("ls", panel=PANEL)(ls)
    show.register(app, PANEL)
    diff.register(app, PANEL)
    matters.register(app, PANEL)


# -- snapshots -----------------------------------------------------------------------------------


def snapshots(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(metavar="[SOURCE]", help="Only this source.")] = "",
) -> None:
    """Lists the snapshots of all sources or of one. Needs no key.

    `state` is `live` for what can be restored, `forgotten` for what retention let go, `untrusted` for a
    commit that is shown and never believed. `suspicious` says what looks like an attack (`muniment anomaly`).
    """
    from muniment.errors import NothingToRestore
    from muniment.vault.history import sources_in
    from muniment.vault.suspicion import suspicions

    session = session_of(ctx)
    vault = session.keyless()
    known = sources_in(vault.store)
    if source and source_of(source) not in known:
        raise NothingToRestore(
            "this source has never committed a snapshot here",
            to=source,
            todo=f"Known here: {', '.join(known) or 'none'}.",
        )
    histories = [vault.history(each) for each in ([source] if source else known)]
    tainted = {h.source: suspicions(vault, h).tainted for h in histories}
    rows = [_snapshot_dict(h, record, tainted[h.source]) for h in histories for record in h.records]

    def human() -> None:
        if not rows:
            session.screen.say("There is no snapshot in this vault yet: `muniment backup --all`.")
        for history in histories:
            session.screen.say(_headline(history), style="bold")
            session.screen.table(
                ("seq", "taken", "state", "completeness", ">items", ">added", ">changed", ">removed",
                 ">read", ">stored", "problems"),
                [
                    _snapshot_row(session, history, record, tainted[history.source])
                    for record in history.records
                ],
            )  # fmt: skip

    session.screen.answer("snapshots", {"vault_id": vault.vault_id, "snapshots": rows}, human)


def state_of(history: History, record: CommitRecord) -> str:
    if record.untrusted:
        return "untrusted"
    return "live" if record in history.live else "forgotten"


def _headline(history: History) -> str:
    return f"{history.source}: {words.some(len(history.live), 'restorable snapshot')}"


def _suspicion(record: CommitRecord, tainted: frozenset[int]) -> str:
    """`suspicious` for one that looks like an attack, `after suspicious` for one that follows it; empty for what
    is clean, or was cleared as harmless."""
    if record.untrusted or record.seq not in tainted:
        return ""
    guard = record.commit.guard
    return "suspicious" if guard and guard.suspicious else "after suspicious"


def _snapshot_dict(
    history: History, record: CommitRecord, tainted: frozenset[int]
) -> dict[str, Any]:
    from muniment.clock import to_text

    commit = record.commit
    return {
        "source": commit.source,
        "seq": record.seq,
        "digest": record.digest,
        "state": state_of(history, record),
        "suspicious": _suspicion(record, tainted),
        "signs": [s.as_dict() for s in commit.guard.signs] if commit.guard else [],
        "untrusted": record.untrusted,
        "completeness": commit.completeness.value,
        "started_at": to_text(commit.started_at),
        "ended_at": to_text(commit.ended_at),
        "class": commit.retention_class,
        "counts": commit.counts.as_dict(),
        "problems": [cause.as_dict() for cause in commit.exceptions],
        "shards_unfinished": [s.shard for s in commit.shards if s.status == "unfinished"],
    }


def _snapshot_row(
    session: Session, history: History, record: CommitRecord, tainted: frozenset[int]
) -> list[str]:
    commit, counts = record.commit, record.commit.counts
    causes = ", ".join(
        f"{c.count:,} {c.cause}{' (accepted)' if c.accepted else ''}" for c in commit.exceptions
    )
    unfinished = sum(s.status == "unfinished" for s in commit.shards)
    if unfinished:
        causes = f"{causes + '; ' if causes else ''}{words.some(unfinished, 'shard')} unfinished"
    return [
        str(record.seq),
        words.moment(commit.ended_at, session.zone),
        ", ".join(filter(None, (state_of(history, record), _suspicion(record, tainted).upper()))),
        commit.completeness.value.replace("_", " "),
        words.number(counts.items),
        words.number(counts.added),
        words.number(counts.changed + counts.renamed),
        words.number(counts.removed),
        words.size(counts.read_bytes),
        words.size(counts.stored_bytes),
        causes or record.untrusted,
    ]


# -- ls ------------------------------------------------------------------------------------------


def ls(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(help="The source.")],
    as_of: AsOf = "",
    seq: Seq = None,
    matter: Annotated[
        str, forms.Option(metavar="MATTER", help="Only this matter: its number, or M-...")
    ] = "",
    path: Annotated[
        str,
        forms.Option(metavar="PATTERN", help="Only these paths, e.g. 'Matters/2024-0113*/**'."),
    ] = "",
    ids: Annotated[bool, forms.Option("--ids", help="Item ids too, for `restore --item`.")] = False,
    problems: Annotated[
        bool, forms.Option("--problems", help="What the run could not take, and why.")
    ] = False,
) -> None:
    """Lists what is in a snapshot: by default the newest. Shows names; needs an identity."""
    session = session_of(ctx)
    vault, _, record, snapshot = opened(session, source_of(source), as_of, seq)
    rows = _matching(vault, snapshot, matter, path, matters.naming_sources(session))
    listed = [row_dict(row, snapshot) for row in rows]
    troubles: list[dict[str, Any]] = [
        {"id": p.item_id.hex(), "path": words.name(p.native_id), "cause": p.cause, "kept": p.kept}
        for p in sorted(snapshot.problems.values(), key=lambda p: p.native_id)
    ]
    data = {
        "source": source,
        "seq": record.seq,
        "ended_at": record.commit.to_payload()["ended_at"],
        "items": listed,
        "problems": troubles,
        "sealed_away": sorted(snapshot.sealed_away),
    }

    def human() -> None:
        when = words.moment(record.commit.ended_at, session.zone)
        session.screen.say(f"{source}, snapshot {record.seq}, {when}", style="bold")
        if problems:
            session.screen.table(
                ("cause", "kept", "path"),
                [(t["cause"], "earlier copy" if t["kept"] else "", t["path"]) for t in troubles],
            )
        else:
            _print_rows(session, snapshot, rows, ids)
        if snapshot.sealed_away:
            session.screen.note(
                f"{words.some(len(snapshot.sealed_away), 'matter')} under a key of its own cannot be "
                f"opened with the identities at hand: {', '.join(sorted(snapshot.sealed_away))}."
            )

    session.screen.answer("ls", data, human)


def opened(
    session: Session, source: str, as_of: str = "", seq: int | None = None
) -> tuple[Vault, History, CommitRecord, Snapshot]:
    """A snapshot of a source with all rows that the identities at hand may see."""
    vault = session.reading()
    history = vault.history(source)
    record = one_snapshot(session, history, as_of, seq)
    return vault, history, record, vault.snapshot(history, record)


def row_dict(row: Row, snapshot: Snapshot) -> dict[str, Any]:
    """An item in the documented form of `--json` (docs/CLI.md)."""
    from muniment.model.text import text_of

    matter = snapshot.matters.get(row.matter)
    return {
        "id": row.item_id.hex(),
        "kind": row.kind,
        "path": text_of(row.native_id),
        "matter": row.matter,
        "matter_number": matter.number if matter else "",
        "size": row.size,
        "modified": modified(row).isoformat().replace("+00:00", "Z"),
        "sha256": row.digest.hex(),
        "fidelity": row.fidelity.value,
    }


def modified(row: Row) -> datetime:
    """To the second; moments no calendar has are shown as its ends."""
    try:
        return datetime.fromtimestamp(row.mtime_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return _LATEST if row.mtime_ns > 0 else _EARLIEST


def _matching(
    vault: Vault, snapshot: Snapshot, matter: str, path: str, naming: tuple[str, ...]
) -> list[Row]:
    from muniment.recovery.crosswalk.asking import ask_for_matter
    from muniment.recovery.selection import Scope, Selection

    keep = [Selection(Scope.SOURCE).predicate()]
    if matter:
        keep.append(ask_for_matter(vault, matter, naming=naming)[0].predicate())
    if path:
        keep.append(Selection(Scope.PATH, path).predicate())
    found = [row for row in snapshot.items.values() if all(wanted(row) for wanted in keep)]
    return sorted(found, key=lambda row: (row.native_id, row.kind))


def _print_rows(session: Session, snapshot: Snapshot, rows: list[Row], ids: bool) -> None:
    # Plain lines, not a table: a listing may have a million of them, and is piped to grep.
    for row in rows:
        at = modified(row)
        # Years before 1000 and after 9998 do not survive a change of zone.
        when = at.astimezone(session.zone) if 1000 < at.year < 9998 else at
        matter = snapshot.matters.get(row.matter)
        line = (
            f"{row.item_id.hex() + '  ' if ids else ''}"
            f"{words.size(row.size) if row.kind == 'file' else row.kind:>9}  "
            f"{when:%Y-%m-%d %H:%M}  {matter.number if matter else '-':<12}  "
            f"{words.name(row.native_id)}{'/' if row.kind == 'dir' else ''}"
        )
        print(words.harmless(line))
    total = sum(row.size for row in rows)
    session.screen.say(f"{words.some(len(rows), 'item')}, {words.size(total)}", style="bold")
