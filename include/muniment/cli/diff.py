"""Diff: what changed between two snapshots of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms, words
from muniment.cli.options import session_of, source_of

if TYPE_CHECKING:
    from muniment.model.item import Row
    from muniment.vault.rows import Snapshot


def register(app: forms.Group, panel: str) -> None:
    app.command("diff", panel=panel)(diff)


def diff(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(help="The source.")],
    older: Annotated[int, forms.Argument(min=1, metavar="SEQ", help="The older snapshot.")],
    newer: Annotated[int, forms.Argument(min=1, metavar="SEQ", help="The newer snapshot.")],
) -> None:
    """Compares two snapshots of a source: what was added, changed, removed, renamed."""
    session = session_of(ctx)
    vault = session.reading()
    history = vault.history(source_of(source))
    before = vault.snapshot(history, history.at(older))
    after = vault.snapshot(history, history.at(newer))
    changes = compared(before, after)

    def human() -> None:
        for mark, change in changes:
            was = f"  (was {change['was']})" if "was" in change else ""
            session.screen.say(f"{mark}  {change['path']}{was}", style=_STYLES[mark])
        counts = [f"{sum(m == mark for m, _ in changes):,} {word}" for mark, word in _WORDS.items()]
        session.screen.say(", ".join(counts), style="bold")

    named = [{"change": _WORDS[mark], **change} for mark, change in changes]
    session.screen.answer(
        "diff", {"source": source, "from": older, "to": newer, "changes": named}, human
    )


_WORDS = {
    "+": "added",
    "M": "changed",
    "R": "renamed",
    "A": "assigned to another matter",
    "-": "removed",
}
_STYLES = {"+": "green", "M": "yellow", "R": "cyan", "A": "magenta", "-": "red"}


def compared(before: Snapshot, after: Snapshot) -> list[tuple[str, dict[str, str]]]:
    """Pure: marks and paths of what differs, by path. A renamed file is one whose bytes vanished
    under one path and appeared under another."""
    gone = {i: r for i, r in before.items.items() if i not in after.items}
    by_digest = {r.digest: r for r in gone.values() if r.digest and r.size}
    found: list[tuple[str, dict[str, str]]] = []
    renamed: set[bytes] = set()
    for item, row in after.items.items():
        old = before.items.get(item)
        entry = {"path": words.name(row.native_id), "id": item.hex(), "matter": row.matter}
        if old is None:
            origin = by_digest.pop(row.digest, None) if row.size else None
            if origin is None:
                found.append(("+", entry))
            else:
                renamed.add(origin.item_id)
                found.append(("R", {**entry, "was": words.name(origin.native_id)}))
        elif _content(old) != _content(row):
            found.append(("M", entry))
        elif old.matter != row.matter:
            found.append(("A", entry))
    for item, row in gone.items():
        if item not in renamed:
            entry = {"path": words.name(row.native_id), "id": item.hex(), "matter": row.matter}
            found.append(("-", entry))
    return sorted(found, key=lambda change: change[1]["path"])


def _content(row: Row) -> tuple[object, ...]:
    # A folder's time changes with everything in it: that would hide what really changed.
    when = row.mtime_ns if row.kind != "dir" else 0
    return row.digest, when, row.metadata.get("mode"), row.metadata.get("target")
