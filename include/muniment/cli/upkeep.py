"""Upkeep that operations does: bases, checkpoints, states made anew."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.options import session_of, source_of
from muniment.errors import NothingToRestore

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.vault.history import CommitRecord, History

PANEL = "Every day"


def register(app: forms.Group) -> None:
    app.command("checkpoint", panel=PANEL)(checkpoint)
    app.command("rebase", panel=PANEL)(rebase)
    app.command("rebuild-state", panel=PANEL)(rebuild_state)


def checkpoint(ctx: forms.Context) -> None:
    """Signs the present heads of everything and prints the mark to keep outside the store.

    Write the mark down, mail it, keep it elsewhere: with it `muniment check --outside-mark` sees
    whether the store was set back. Before that it notes the configuration in force and rolls up the months
    that are over, for `muniment kpi`; and records what the naming sources call the matters. Uses operations' keys.
    """
    from muniment.evidence.upkeep import destinations_of, keep_up
    from muniment.recovery.crosswalk.naming import naming_sources
    from muniment.recovery.crosswalk.record import keep_record
    from muniment.vault.checkpoints import mark_of, write_checkpoint

    session = session_of(ctx)
    vault = session.acting("operations")
    home = session.reading_destination
    keep_up(vault, session.firm, home)
    naming = naming_sources(session.firm)
    unrecorded = keep_record(vault, naming)
    if unrecorded is not None:
        session.screen.note(f"The matters are not recorded: {unrecorded.what}.")
    written = write_checkpoint(vault)
    for name in destinations_of(session.firm) if not session.destination else ():
        if name != home:
            other = session.wiring.vault("operations", name)
            keep_up(other, session.firm, name)
            keep_record(other, naming)
    mark = mark_of(written.digest)
    heads = {source: head.as_dict() for source, head in written.value.heads.items()}
    data = {"object": written.name, "digest": written.digest, "mark": mark, "heads": heads}

    def human() -> None:
        session.screen.say(
            f"mark {' '.join(mark[n : n + 4] for n in range(0, 32, 4))}", style="bold"
        )
        session.screen.facts([("object", written.name), ("as one word", mark)])
        for source, head in sorted(heads.items()):
            session.screen.say(f"{source}/{head['seq']}/{head['digest']}")

    session.screen.answer("checkpoint", data, human)


def rebase(
    ctx: forms.Context,
    sources: Annotated[
        list[str] | None, forms.Argument(metavar="[SOURCE]...", help="Which; else all.")
    ] = None,
    force: Annotated[bool, forms.Option("--force", help="Also where no base is due.")] = False,
) -> None:
    """Merges a source's rows into a new base, where one is due, so that restores stay short.

    Uses operations' keys.
    """
    from muniment.vault.bases import base_due
    from muniment.vault.bases import rebase as perform
    from muniment.vault.history import sources_in

    session = session_of(ctx)
    vault = session.acting("operations")
    done: list[dict[str, Any]] = []
    for source in [source_of(s) for s in sources or []] or sources_in(vault.store):
        history = vault.history(source)
        due = base_due(history)
        entry: dict[str, Any] = {
            "source": source,
            "due": due.due,
            "reason": due.reason,
            "base": None,
        }
        if history.head is None and sources:
            raise NothingToRestore("this source has no trusted snapshot", to=source)
        if history.head is not None and (due.due or force):
            with _staging(session) as staging:
                base = perform(vault, history, history.head, staging)
            entry |= {"base": base.name, "rows": base.base.rows, "covers": base.base.covers.seq}
        done.append(entry)

    def human() -> None:
        for entry in done:
            if entry["base"]:
                session.screen.say(
                    f"{entry['source']}: a base of {words.some(entry['rows'], 'row')} covers snapshot "
                    f"{entry['covers']} ({entry['reason']})"
                )
            else:
                session.screen.say(f"{entry['source']}: not due ({entry['reason']})")

    session.screen.answer("rebase", {"sources": done}, human)


def rebuild_state(
    ctx: forms.Context, source: Annotated[str, forms.Argument(help="The source.")]
) -> None:
    """Makes the state of a source anew from its rows: after a worker was replaced, or when `check`
    finds its state damaged.

    The next backup reads every item once more and uploads nothing that is there. Uses operations' keys.
    """
    from muniment.vault.rebuild import rebuild_state as perform

    session = session_of(ctx)
    vault = session.acting("operations")
    history = vault.history(source_of(source))
    head = _head(history)
    with _staging(session) as staging:
        base = perform(vault, history, head, staging)
    session.screen.answer(
        "rebuild-state",
        {"source": source, "seq": head.seq, "base": base.name, "rows": base.base.rows},
        lambda: session.screen.say(
            f"{source}: the state of snapshot {head.seq} is rebuilt from {words.some(base.base.rows, 'row')}"
        ),
    )


def _head(history: History) -> CommitRecord:
    if history.head is None:
        raise NothingToRestore("this source has no trusted snapshot", to=history.source)
    return history.head


def _staging(session: Session) -> AbstractContextManager[Path]:
    """A private folder below the firm's staging, removed afterwards. What lies in it is sealed."""
    from muniment.backup.staging import clean_abandoned, working_folder

    root = session.firm.firm.staging
    clean_abandoned(root)
    return working_folder(root, "upkeep")
