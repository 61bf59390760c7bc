"""Drill words: a drill as the log and the managing partner read it, in ids and numbers."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path

from muniment.evidence.drill_history import PastDrill, slower, words_of
from muniment.evidence.drills import ALLOWED, DrillFinished


def lines_of(event: DrillFinished, what: str, earlier: Iterable[PastDrill] = ()) -> list[str]:
    """What came back and how long it took, also beside `earlier` drills; `what` says what was drawn."""
    counts = event.counts
    hours = ALLOWED.total_seconds() / 3600
    verdict = "in time" if event.in_time else "TOO LATE"
    documents = (
        [f"{counts['opened']:,} of {counts['documents']:,} documents open"]
        if counts.get("documents")
        else []
    )
    longer = words_of(slower(earlier, event.scenario, event.phases, event.elapsed_seconds))
    spent = ", ".join(f"{name} {seconds:,.1f} s" for name, seconds in event.phases.items())
    return [
        f"Drill {event.drill_id}, {event.scenario}: {what}",
        f"{counts.get('equal', 0):,} of {counts.get('items', 0):,} items, "
        f"{counts.get('bytes', 0):,} bytes, came back and are equal",
        *documents,
        f"Usable {event.elapsed_seconds:,.1f} s after the request; promised: {hours:g} h; {verdict}",
        f"Of that: {spent}",
        *([f"SLOWER than twice the usual: {longer}"] if longer else []),
    ]


def question_of(lines: Iterable[str], place: Path, shut_in: bool = False) -> str:
    """The body of the partner's question, in Markdown; `place` is where it stands. `shut_in`: matters that are sealed
    or walled off stand among it."""
    return "\n".join(
        [
            *(f"- {line}" for line in lines),
            *(
                [
                    "- A whole source came back: matters that are sealed or walled off are in it. Open none of those."
                ]
                if shut_in
                else []
            ),
            "",
            f"It stands in `{place}` on {socket.gethostname()} until you answer, and is removed "
            "then. Let the technician show you: open what you would need first.",
            "",
            "**Could you work with this?** Your answer is recorded as evidence of the drill.",
        ]
    )
