"""What a restore shows: its plan, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from muniment.cli import words
from muniment.cli.writing_back import WritingBack

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.recovery.perform import RestoreReport
    from muniment.recovery.plan import RestorePlan

SHOWN_FAILURES = 20


def print_plan(
    session: Session, plan: RestorePlan, plan_only: bool = False, back: WritingBack | None = None
) -> None:
    screen = session.screen
    screen.say("Restore plan", style="bold")
    screen.table(
        ("source", ">seq", "taken", "completeness", ">items", ">size", "fidelity", "proof"),
        [
            (
                c.source,
                str(c.seq),
                _local(session, c.taken_at),
                c.completeness.replace("_", " "),
                words.number(c.items),
                words.size(c.bytes),
                ", ".join(f"{n:,} {kind}" for kind, n in sorted(c.fidelity.items())),
                c.proof,
            )
            for c in plan.choices
        ],
    )
    _print_kinds(session, plan)
    if back is not None:
        back.print_forecast()
    gap = plan.widest_gap_seconds
    screen.facts(
        [
            ("as of", _local(session, plan.as_of)),
            ("total", f"{words.some(plan.items, 'item')}, {words.size(plan.bytes)}"),
            (
                "widest gap",
                f"{words.span(gap)} between the sources' times"
                if gap
                else "none: one moment"
                if len(plan.choices) > 1
                else "",
            ),
            ("takes about", words.span(plan.estimate_seconds)),
            ("plan digest", plan.digest),
        ]
    )
    for choice in plan.choices:
        for seq, why in choice.passed_over:
            screen.note(f"{choice.source}: snapshot {seq} is passed over: {why}", style="red")
        if choice.loss_seconds:
            screen.note(
                f"{choice.source}: LOSS WINDOW {words.span(choice.loss_seconds)}: what changed after "
                f"{_local(session, choice.taken_at)} is not in what you get.",
                style="bold red",
            )
        if choice.suspicious:
            screen.note(
                f"{choice.source}: SUSPICIOUS: {choice.suspicious} (`muniment anomaly show "
                f"{choice.source}`). --as-of last-clean takes what was before it.",
                style="bold red",
            )
        if choice.problems:
            screen.note(
                f"{choice.source}: {words.some(choice.problems, 'item')} could not be read by that run "
                f"(`muniment ls {choice.source} --seq {choice.seq} --problems`)."
            )
        for reason, count in choice.withheld.items():
            screen.note(f"{choice.source}: {words.some(count, 'item')} withheld: {reason}.")
        if choice.sealed_away:
            screen.note(
                f"{choice.source}: {', '.join(choice.sealed_away)} cannot be opened with the "
                "identities at hand; what is sealed to them is not in this plan."
            )
    for source, reason in plan.without:
        screen.note(f"{source}: {reason}.", style="")
    if plan_only:
        screen.say(
            f"To perform it: the same options with --as-of {plan.as_of} --plan-digest {plan.digest}"
        )


def _print_kinds(session: Session, plan: RestorePlan) -> None:
    """What is given how, where a source has items of many kinds."""
    from muniment.sources.as_files import TREE

    rows = [
        (choice.source, kind.replace("_", " "), words.number(count), fidelity)
        for choice in plan.choices
        if not set(choice.kinds) <= TREE
        for kind, by in choice.kinds.items()
        for fidelity, count in by.items()
    ]
    if rows:
        session.screen.table(("source", "kind", ">items", "given as"), rows)


def _local(session: Session, text: str) -> str:
    from muniment.clock import from_text

    return words.moment(from_text(text), session.zone)


def print_report(session: Session, report: RestoreReport, folder: Path) -> None:
    screen = session.screen
    total = sum(report.seconds.values())
    screen.facts(
        [
            (
                "restored",
                f"{words.some(report.items, 'item')}, {words.size(report.bytes)} into {folder}",
            ),
            ("already there", words.some(report.already, "item") if report.already else ""),
            ("verified", f"{words.some(report.verified, 'item')} read back and equal"),
            (
                "took",
                f"{total:.1f} s ({', '.join(f'{k} {v:.1f}' for k, v in report.seconds.items())})",
            ),
        ]
    )
    for difference, count in sorted(report.differences.items()):
        screen.note(f"{words.some(count, 'item')}: {difference} could not be kept here")
    for item, why in report.failures[:SHOWN_FAILURES]:
        screen.note(f"item {item}: {why}", style="red")
    if len(report.failures) > SHOWN_FAILURES:
        screen.note(
            f"... and {len(report.failures) - SHOWN_FAILURES:,} more (--json lists all)",
            style="red",
        )
    if report.whole:
        screen.say("WHOLE: every item of the plan was given back and verified.", style="bold green")
    else:
        screen.say(
            f"NOT WHOLE: {words.some(len(report.failures), 'failure')}. What is there is proven; "
            "restore the rest from an earlier snapshot (--as-of).",
            style="bold red",
        )
