"""Prove: the acts that show that what was backed up restores. The weekly verification, the quarterly drill."""

from __future__ import annotations

import time
from urllib.parse import quote

from muniment.airflow.names import engine_run_id
from muniment.embedded.airflow_api import FINISHED
from muniment.errors import EmbeddedError
from muniment.evidence.drills import DrillAnswered, DrillFinished
from muniment.evidence.events import DRILLS, VERIFICATION_ENDED, VERIFICATIONS, Reading, reading
from muniment.vault.evidence import load_stream

from . import story
from .runs import WAIT, asked_for, followed, seconds_of, telling
from .servers import PARTNER
from .setting import DRILL, VERIFICATION, Setting
from .story import count_text, time_text

REVIEW = "partner_review"
USABLE = "Usable: yes"
LOOKS_SECONDS = 5.0
REMARKS = "What we opened first is all there."


def verify(setting: Setting, title: str, *, good: bool = True) -> story.Verification:
    """One run of the weekly verification, which must end as `good` says; told by its own evidence.

    Raises EmbeddedError when it ends otherwise.
    """
    api = setting.api
    with setting.teller.step(title) as step:
        run_id = asked_for(api, VERIFICATION)
        run = followed(api, VERIFICATION, run_id, step, ("success" if good else "failed",))
        known = _evidence(
            setting, VERIFICATIONS, VERIFICATION_ENDED, engine_run_id(VERIFICATION, run_id)
        )
        told = story.Verification(
            seconds=seconds_of(run),
            good=known.flag("good"),
            expectations=_count(known, "expectations"),
            failed=_count(known, "expectations_failed"),
            packs=_count(known, "packs"),
            packs_of=_count(known, "packs_of"),
            decrypted=_count(known, "bytes"),
            items=_count(known, "restored_items"),
            documents=_count(known, "documents"),
            opened=_count(known, "documents") - _count(known, "documents_not_opened"),
            trust_entries=_count(known, "trust_entries"),
            pages=f"{setting.services.base_url}/dags/{VERIFICATION}/runs/{quote(run_id)}"
            "/plugin/verification",
        )
        step.note(_words(told))
    if told.good is not good:
        raise EmbeddedError("The evidence does not say what the run says.", to=run_id)
    return told


def _words(told: story.Verification) -> str:
    held = f"{told.held} of {told.expectations} expectations hold"
    packs = f"{told.packs} of {told.packs_of} packs decrypted"
    if not told.good:
        return f"red; {held}, {packs}"
    return (
        f"{held}, {packs}, {count_text(told.items, 'item')} restored, "
        f"{told.opened:,} of {told.documents:,} documents open, "
        f"{count_text(told.trust_entries, 'trust transaction')} balance"
    )


def drill(setting: Setting) -> story.Drill:
    """One recovery drill, from the request to the answer of the managing partner."""
    api = setting.api
    run_id = asked_for(api, DRILL)
    drill_id = engine_run_id(DRILL, run_id)
    with setting.teller.step("A matter is drawn, and restored to where nothing is") as step:
        api.wait_task(DRILL, run_id, REVIEW, "awaiting_input", WAIT, on_task=telling(step))
        ended = _evidence(setting, DRILLS, DrillFinished.event, drill_id)
        step.note(f"usable {time_text(ended.number('elapsed_seconds') or 0)} after the request")
    with setting.teller.step("The managing partner is asked whether it is usable") as step:
        refused = _technician_is_refused(setting, run_id)
        _partner_answers(setting, run_id)
        followed(api, DRILL, run_id, step)
        answered = _evidence(setting, DRILLS, DrillAnswered.event, drill_id)
        step.note(f"{answered.text('answer')}; {refused}")
    return _told_of(ended, answered)


def _partner_answers(setting: Setting, run_id: str) -> None:
    """As a person does: after a look, and again where the question stands there again. Airflow 3.3 loses
    a task that is answered before it has noted that it waits, and asks anew."""
    api, partner = setting.api, setting.api_of(PARTNER)
    answered: set[int] = set()
    deadline = time.monotonic() + WAIT
    while api.run(DRILL, run_id).state not in FINISHED and time.monotonic() < deadline:
        review = next(t for t in api.tasks(DRILL, run_id) if t.task_id == REVIEW)
        if review.state == "awaiting_input" and review.tries not in answered:
            time.sleep(LOOKS_SECONDS)
            partner.answer(DRILL, run_id, REVIEW, USABLE, {"remarks": REMARKS})
            answered.add(review.tries)
        time.sleep(0.5)


def _told_of(ended: Reading, answered: Reading) -> story.Drill:
    counts = ended.under("count")
    return story.Drill(
        seconds=ended.number("elapsed_seconds") or 0.0,
        allowed=ended.number("allowed_seconds") or 0.0,
        phases={
            name: float(value)
            for name, value in ended.under("phase").items()
            if isinstance(value, int | float)
        },
        items=int(counts.get("items") or 0),
        equal=int(counts.get("equal") or 0),
        size=int(counts.get("bytes") or 0),
        whole=ended.flag("whole"),
        answer=answered.text("answer"),
        by=answered.text("answered_by"),
    )


def _technician_is_refused(setting: Setting, run_id: str) -> str:
    """Who holds the drill may not answer for the lawyer, though he administers this Airflow."""
    try:
        setting.api.answer(DRILL, run_id, REVIEW, USABLE)
    except EmbeddedError as error:
        if "answered 403" in error.what:
            return "the technician, who tried to, was refused"
        raise
    raise EmbeddedError("The technician could answer in the partner's place.", to=run_id)


def _evidence(setting: Setting, stream: str, event: str, subject: str) -> Reading:
    """The facts of a run's entry in the vault's signed evidence. Raises EmbeddedError without one."""
    vault = setting.vault("operations")
    entries = load_stream(vault.store, vault.trust, stream).events(event)
    found = [entry for entry in entries if entry.subject == subject]
    if not found:
        raise EmbeddedError(f"The evidence has no {event} of this run.", to=f"{stream}, {subject}")
    return reading(found[-1])


def _count(known: Reading, name: str) -> int:
    return int(known.number(name) or 0)
