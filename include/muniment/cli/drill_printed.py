"""What a drill shows: what came back, the times, and that nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from muniment.cli import words

if TYPE_CHECKING:
    from muniment.assurance.drill import Seen
    from muniment.assurance.sandbox import Wiped
    from muniment.cli.session import Session
    from muniment.evidence.drills import DrillFinished
    from muniment.model.drill import Answer

SHOWN_WRONG = 20


def print_drill(
    session: Session,
    finished: DrillFinished,
    seen: Seen,
    answer: Answer | None,
    wiped: Wiped,
    seed: int,
    longer: str,
    certificates: Sequence[Mapping[str, Any]],
) -> None:
    screen = session.screen
    screen.say(f"Recovery drill {finished.drill_id}", style="bold")
    verdict = "in time" if finished.in_time else "TOO LATE"
    screen.facts(
        [
            ("scenario", f"{finished.scenario}, seed {seed}, from {_names(finished.sources)}"),
            (
                "came back",
                f"{words.number(seen.equal)} of {words.some(seen.items, 'item')} are equal",
            ),
            ("extra", words.number(seen.extra) if seen.extra else ""),
            ("documents", f"{seen.opened} of {seen.documents} open" if seen.documents else ""),
            ("usable after", f"{words.span(finished.elapsed_seconds)}; promised: 4 h; {verdict}"),
            *((f"  {name}", f"{seconds:,.1f} s") for name, seconds in finished.phases.items()),
            ("SLOWER than twice the usual", longer),
            (
                "answer",
                str(answer) if answer else "none: this drill is not held until there is one",
            ),
            ("sandbox", wiped.statement),
            *(
                ("certified", f"{c['files']:,} files, statement {c['statement_sha256']}")
                for c in certificates
            ),
        ]
    )
    if certificates:
        screen.say(
            f"The certificate is in the evidence: `muniment drills --certificate {finished.drill_id} --to FOLDER`"
        )
    for item, why in seen.wrong[:SHOWN_WRONG]:
        screen.note(f"item {item}: not as it was: {why}", style="red")


def _names(sources: Sequence[str]) -> str:
    return ", ".join(sources) or "nothing"
