"""kpi: what the firm's partners ask - was it backed up, does it come back, is anybody told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms, words
from muniment.cli.options import moment_of, session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.evidence.kpi import Success, Times
    from muniment.evidence.past import Past
    from muniment.evidence.report import KpiReport

PANEL = "Prove"
SHOWN_FAILURES = 20


def register(app: forms.Group) -> None:
    app.command("kpi", panel=PANEL)(kpi)


def kpi(
    ctx: forms.Context,
    days: Annotated[
        int, forms.Option("--days", metavar="N", min=1, max=3_660, help="The last N days.")
    ] = 30,
    until: Annotated[
        str, forms.Option("--until", metavar="TIME", help="As of then; see --as-of of restore.")
    ] = "",
    originals: Annotated[
        bool,
        forms.Option("--originals", help="Read every commit and entry, not the monthly roll-ups."),
    ] = False,
) -> None:
    """Prints the KPIs: the last proven restore of each source, success of runs, time to detect, restore
    times, drills.

    Computed from the vault alone, by the inventory in force on each day; docs/KPIS.md defines every
    number. What never ran is a failure. Needs no key.
    """
    from muniment.evidence.report import report

    session = session_of(ctx)
    at = moment_of(session, until, "--until")
    with session.screen.progress("Reading"):
        past = _past(session, rollups=not originals)
    if at is not None and at > past.at:
        raise forms.BadParameter("--until is not a time that has been")
    found = report(past, days, at)
    session.screen.answer("kpi", found.as_dict(), lambda: _print(session, found, days))


def _past(session: Session, *, rollups: bool) -> Past:
    """Of every destination that a source of the firm is backed up to, unless one is named."""
    from functools import reduce
    from operator import add

    from muniment.evidence.past import look_back

    if not session.has_firm or session.given.store:
        return look_back(session.keyless(), rollups=rollups)
    names = [session.given.destination] if session.given.destination else []
    if not names:
        first = session.reading_destination
        names = list(dict.fromkeys([first, *(r.destination for r in session.firm.protected)]))
    vaults = [(n, session.wiring.vault_with((), None, n, session.store_role())) for n in names]
    return reduce(add, (look_back(v, session.firm, n, rollups=rollups) for n, v in vaults))


def _print(session: Session, found: KpiReport, days: int) -> None:
    screen = session.screen
    screen.say("Last proven restore", style="bold")
    screen.table(
        ("source", "when", ">days ago", "how"),
        [
            (
                p.source,
                words.moment(p.at, session.zone) if p.at else "NEVER",
                str(p.days(found.until)) if p.at else "",
                p.how,
            )
            for p in found.proven
        ],
    )
    screen.say(f"{days} days until {words.moment(found.until, session.zone)}", style="bold")
    whole = found.success
    screen.facts(
        [
            ("success of runs", _share(whole)),
            (
                "  by result",
                ", ".join(f"{n} {r.replace('_', ' ')}" for r, n in whole.by_result.items()),
            ),
            (
                "  with exceptions",
                f"{words.some(whole.with_exceptions, 'run')}, {words.some(whole.excepted, 'item')} "
                "that somebody accepted"
                if whole.with_exceptions
                else "",
            ),
            ("time to detect", _times(found.detection, "no failure", "24 h")),
        ]
    )
    screen.table(
        ("source", ">due", ">succeeded", ">share", "failures"),
        [
            (
                source,
                str(s.expected),
                str(s.succeeded),
                _percent(s),
                ", ".join(f"{n} {r.replace('_', ' ')}" for r, n in s.by_result.items()),
            )
            for source, s in found.sources
        ],
    )
    for run in whole.failures[:SHOWN_FAILURES]:
        due = words.moment(run.due, session.zone)
        screen.note(f"{run.source}: due {due}: {run.result.replace('_', ' ')}", style="red")
    if len(whole.failures) > SHOWN_FAILURES:
        screen.note(f"... and {len(whole.failures) - SHOWN_FAILURES} more (--json lists all)")
    screen.say("365 days", style="bold")
    screen.facts(
        [
            ("restores of a matter", _times(found.matters, "none", "4 h")),
            ("all restores", _times(found.restores, "none", "4 h")),
            (
                "drills by quarter",
                ", ".join(
                    f"{q.name}: {q.held} held, {q.passed} passed"
                    + (f", {q.open} not answered" if q.open else "")
                    + ("" if q.held or not q.required else " (MISSING)")
                    for q in found.drills.quarters
                    if q.required or q.held or q.open or q is found.drills.quarters[-1]
                ),
            ),
        ]
    )
    _print_remarks(session, found)


def _print_remarks(session: Session, found: KpiReport) -> None:
    note = session.screen.note
    for each in found.drilled:
        if each.overdue:
            what = (
                "no drill from the recovery kit alone"
                if each.kit
                else f"{each.source}: not drilled"
            )
            note(f"{what} within a year; `muniment drills` says more", "red")
    for exception in found.exceptions:
        note(
            f"accepted exception: {exception.source}, {exception.cause}, by {exception.accepted_by}, "
            f"until {exception.until}"
        )
    for source in found.unusable:
        note(
            f"{source}: its row of the inventory cannot be used, and counts as due all the same",
            "red",
        )
    if not found.noted:
        note(
            "No configuration was noted in this vault yet: all days are judged by the present one. "
            "`muniment checkpoint` notes it."
        )
    if found.findings:
        note(
            f"{words.some(found.findings, 'finding')}: some of what is in the vault is not believed and "
            "not counted. See `muniment evidence verify` and `muniment check`.",
            "red",
        )


def _share(value: Success) -> str:
    if value.share is None:
        return "nothing was due"
    met = "met" if value.met else "NOT met"
    return f"{value.succeeded} of {value.expected} = {_percent(value)}; target 99.5 %: {met}"


def _percent(value: Success) -> str:
    from muniment.evidence.kpi import percent

    return percent(value.share)


def _times(value: Times, none: str, target: str) -> str:
    if not value.count:
        return none
    told = f"{value.within} of {value.count} under {target}"
    if value.median is not None and value.longest is not None:
        told += f"; median {words.span(value.median)}, longest {words.span(value.longest)} ({value.worst})"
    if value.never:
        told += f"; {value.never} that nobody was told of"
    return told
