"""Doctor: is this machine fit to back up and to restore? Each symptom says how to mend it."""

from __future__ import annotations

from typing import Annotated

from muniment.cli import forms
from muniment.cli.exits import Exit
from muniment.cli.options import session_of

_STYLES = {"good": "green", "warning": "yellow", "bad": "bold red"}
_MARKS = {"good": "ok  ", "warning": "look", "bad": "BAD "}


def register(app: forms.Group) -> None:
    app.command("doctor", panel="Set up")(doctor)


def doctor(
    ctx: forms.Context,
    probe: Annotated[
        bool,
        forms.Option(
            "--probe/--no-probe",
            help="Write a few bytes into each store to see whether its locks hold.",
        ),
    ] = True,
) -> None:
    """Looks at configuration, keys, stores, locks, sources, staging, clock and programs.

    The exit code is that of the first thing that is BAD (3 configuration, 4 source, 5 store, 6 vault);
    warnings do not change it.
    """
    from muniment.cli.checkup import State, examine

    session = session_of(ctx)
    symptoms = []
    shown = ""
    for symptom in examine(session, probe):
        symptoms.append(symptom)
        if session.screen.as_json:
            continue
        if symptom.about != shown:
            session.screen.say(symptom.about, style="bold")
            shown = symptom.about
        style = _STYLES[symptom.state.value]
        session.screen.say(f"  {_MARKS[symptom.state.value]}  {symptom.what}", style=style)
        if symptom.todo:
            session.screen.say(f"        {symptom.todo}")
    bad = [s for s in symptoms if s.state is State.BAD]
    warnings = sum(s.state is State.WARNING for s in symptoms)
    data = {
        "symptoms": [s.as_dict() for s in symptoms],
        "bad": len(bad),
        "warnings": warnings,
    }
    summary = f"{len(bad)} bad, {warnings} to look at, {len(symptoms) - len(bad) - warnings} good"
    session.screen.answer(
        "doctor",
        data,
        lambda: session.screen.say(summary, style="bold red" if bad else "bold green"),
        min((s.exit for s in bad), default=Exit.GOOD),
    )
