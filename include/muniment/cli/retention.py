"""Letting go: forget snapshots, then sweep what nothing needs any more. Uses the retention keys."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.options import Yes, session_of, source_of

if TYPE_CHECKING:
    from muniment.vault.history import CommitRecord

PANEL = "Keys and retention"


class ForgetReason(StrEnum):
    """Why a snapshot goes. Codes, because the log stands in the clear."""

    EXPIRED = "expired"
    DAMAGED = "damaged"
    ORDER = "order"
    MISTAKE = "mistake"


def register(app: forms.Group) -> None:
    app.command("forget", panel=PANEL)(forget)
    app.command("sweep", panel=PANEL)(sweep)


def forget(
    ctx: forms.Context,
    source: Annotated[str, forms.Argument(help="The source.")],
    seqs: Annotated[list[int], forms.Argument(metavar="SEQ...", min=1, help="Which snapshots.")],
    reason: Annotated[
        ForgetReason,
        forms.Option(
            metavar="expired|damaged|order|mistake",
            help="Why. It stands in the clear in the retention log.",
        ),
    ],
    yes: Yes = False,
) -> None:
    """Says, signed, that snapshots are no restore points any more. Deletes nothing by itself.

    The newest restorable snapshot of a source is never forgotten, and nothing of a source of which a
    snapshot looks like an attack (`muniment anomaly`). `sweep` later deletes what nothing needs, when its lock
    has ended. Uses the retention keys.
    """
    from muniment.errors import NothingToRestore, VaultError
    from muniment.vault.retention import RetentionOffice, require_no_suspicion

    session = session_of(ctx)
    vault = session.acting("retention")
    history = vault.history(source_of(source))
    require_no_suspicion(vault, history)
    chosen: list[CommitRecord] = []
    for seq in sorted(set(seqs)):
        record = history.at(seq)
        if record not in history.live:
            raise NothingToRestore(
                "this is no restore point (any more)", to=f"{source}/{seq}",
                todo="See `muniment snapshots`.",
            )  # fmt: skip
        chosen.append(record)
    if history.live[-1] in chosen:
        raise VaultError(
            "the newest restorable snapshot of a source cannot be forgotten",
            to=f"{source}/{history.live[-1].seq}",
            safe="Nothing was forgotten.",
            todo="Make a newer snapshot first. A source that ended keeps its last one.",
        )
    if not session.screen.as_json:
        session.screen.table(
            (">seq", "taken", ">items"),
            [
                (str(r.seq), words.moment(r.commit.ended_at, session.zone), words.number(r.commit.counts.items))
                for r in chosen
            ],
        )  # fmt: skip
    left = len(history.live) - len(chosen)
    session.screen.confirm(
        f"Forget {words.some(len(chosen), 'snapshot')} of {source} ({reason.value})? {left:,} stay.",
        yes,
    )
    entry = RetentionOffice(vault).forget([(record, reason.value) for record in chosen])
    data = {
        "source": source,
        "forgotten": [r.seq for r in chosen],
        "left": left,
        "entry": entry.number,
    }
    session.screen.answer(
        "forget",
        data,
        lambda: session.screen.say(f"Forgotten, entry {entry.number} of the retention log."),
    )


def sweep(
    ctx: forms.Context,
    plan_only: Annotated[bool, forms.Option("--plan-only", help="Show what would happen.")] = False,
    yes: Yes = False,
) -> None:
    """Deletes, in two steps, what no restorable snapshot needs.

    First an object is condemned, with a date before which it stays: seven days at least, and never
    before its lock ends. A later sweep deletes it then, if still nothing names it. What a source under
    suspicion may need is left alone. Uses the retention keys, the only ones with a right to delete.
    """
    from muniment.clock import to_text
    from muniment.vault.retention import RetentionOffice

    session = session_of(ctx)
    vault = session.acting("retention")
    office = RetentionOffice(vault)
    condemnable = office.plan_condemn()
    now = vault.clock.now()
    known = vault.retention().condemned
    due = sorted(name for name, not_before in known.items() if not_before <= now)
    waiting = {name: at for name, at in known.items() if at > now}
    data: dict[str, Any] = {
        "condemn": [{"object": c.name, "not_before": to_text(c.not_before), "reason": c.reason} for c in condemnable],
        "due": due,
        "waiting": {name: to_text(at) for name, at in sorted(waiting.items())},
        "deleted": [],
        "performed": False,
    }  # fmt: skip
    if not session.screen.as_json:
        session.screen.facts(
            [
                ("to condemn", words.some(len(condemnable), "object") + " that nothing live needs"),
                ("waiting", words.some(len(waiting), "object") + " condemned, not due yet"),
                ("to delete", words.some(len(due), "object") + " condemned and due"),
            ]
        )
    if plan_only or not (condemnable or due or vault.retention().swept):
        session.screen.answer("sweep", data, lambda: None)
        return
    session.screen.confirm(f"Condemn {len(condemnable):,} and delete {len(due):,} objects?", yes)
    with session.screen.progress("Sweeping"):
        data["deleted"] = office.sweep()
        office.condemn(condemnable)
    data["performed"] = True
    session.screen.answer(
        "sweep",
        data,
        lambda: session.screen.say(
            f"{words.some(len(data['deleted']), 'object')} deleted, {len(condemnable):,} condemned."
        ),
    )
