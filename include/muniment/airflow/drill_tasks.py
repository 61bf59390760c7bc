"""DrillTasks: the functions behind the tasks of a recovery drill, in terms of the engine.

XCom carries ids, numbers, times and plans, never a name. What names something lies in the sandbox and goes
with it, or sealed into evidence.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow.sdk import get_current_context

from muniment.airflow.drill_certifying import Restored, certified, keep_witness, told_of
from muniment.airflow.drill_words import lines_of, question_of
from muniment.airflow.names import AS_OF, ERROR, SCENARIO, SEED, engine_run_id
from muniment.airflow.partner_review import WHO
from muniment.airflow.question import require_answerable
from muniment.airflow.restore_request import choice_of, moment_of
from muniment.airflow.settings import sandbox_area
from muniment.airflow.stores import open_destination
from muniment.assurance.drill import look, names_from_bytes, phases_of, plan_drill, restore
from muniment.assurance.drill_certificate import DrillWitness
from muniment.assurance.drill_draw import Drawn, Place, destination_of, draw, words_of
from muniment.assurance.files_contract import contract_of
from muniment.assurance.sandbox import Sandbox
from muniment.clock import from_text, to_text
from muniment.config.load import FirmConfig
from muniment.errors import AnswerError, StagingError, VerificationFailed
from muniment.evidence.drill_history import before, last_drilled, past_drills
from muniment.evidence.drills import DrillAnswered, DrillFinished, DrillStarted, DrillWiped
from muniment.evidence.events import DRILLS, write
from muniment.model.drill import Answer, Scenario
from muniment.recovery.crosswalk.reserved import Reserved, nothing_reserved, reserved
from muniment.recovery.plan import RestorePlan
from muniment.recovery.selection import Scope
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

DELIVERED = "delivered.json"
STEPS = {
    "draw_matter": "draw",
    "prepare_sandbox": "prepare",
    "restore": "restore",
    "verify": "verify",
}
"""Task -> phase."""

Json = dict[str, Any]


class DrillTasks:
    """Drills of one firm. `dag_id` is the id of the DAG."""

    def __init__(self, config: FirmConfig, dag_id: str) -> None:
        self._config = config
        self._wiring = Wiring(config, open_destination)
        self._dag_id = dag_id

    # -- the restore -------------------------------------------------------------------------------

    def draw_matter(self, respondents: Mapping[str, str]) -> Json:
        """Draws, or takes what this run drew before; plans it. Answers plans and times."""
        began = self._now()
        require_answerable(respondents, WHO)
        places = self._places()
        started = self._started() or self._draw(list(places.values()), respondents)
        drawn = _drawn_of(started)
        log.info("Seed %d: %s", started.seed, words_of(drawn))
        plans = plan_drill(list(places.values()), drawn)
        for plan in plans.values():
            log.info(
                "Plan %s: %s items, %s bytes, shown whole before anything is written",
                plan.digest[:16], f"{plan.items:,}", f"{plan.bytes:,}",
            )  # fmt: skip
        return self._timed(
            began,
            {
                "plans": {name: plan.as_dict() for name, plan in plans.items()},
                "bytes": sum(plan.bytes for plan in plans.values()),
                "seed": started.seed,
                "what": words_of(drawn),
            },
        )

    def _draw(self, places: list[Place], respondents: Mapping[str, str]) -> DrillStarted:
        context = get_current_context()
        form = context["params"]
        given = form.get(SEED)
        seed = int(given) if given is not None else secrets.randbelow(1 << 53)
        scenario = choice_of(Scenario, form.get(SCENARIO) or Scenario.MATTER.value, SCENARIO)
        now = self._now()
        as_of = moment_of(form.get(AS_OF), self._config, now)
        free = Sandbox(sandbox_area(self._config.firm_id), self._drill_id).free_bytes()
        earlier, turn_at = before(self._entries(), seed, now)
        drawn = draw(
            places, scenario, seed, now, as_of=as_of, limit=free // 2, last=last_drilled(earlier),
            turn_at=turn_at, reserved=self._reserved(tuple(respondents.values())),
        )  # fmt: skip
        started = DrillStarted(
            drill_id=self._drill_id,
            scenario=str(scenario),
            seed=seed,
            focus=drawn.focus,
            scope=str(drawn.scope),
            value=drawn.value,
            sources=drawn.sources,
            as_of=drawn.as_of,
            requested_at=self._requested_at(),
            also=drawn.also,
        )
        write(self._wiring.vault("operations"), DRILLS, started)
        return started

    def prepare_sandbox(self, planned: Json) -> Json:
        """An empty private folder with room enough."""
        began = self._now()
        for left in self._sandbox.prepare(planned["bytes"]):
            log.warning("Removed what the abandoned drill %s had left", left)
        log.info("An empty folder: %s", self._sandbox.restored)
        return self._timed(began, {})

    def restore(self, planned: Json) -> Json:
        """Restores with operations' keys from the store alone; a shortfall is `record_elapsed`'s to fail on.

        Raises StagingError where the sandbox is not, RestoreError and what the vault raises.
        """
        began = self._now()
        places, drawn, sandbox = self._places(), self._drawn(), self._sandbox
        folder = sandbox.restored
        if not folder.is_dir():
            raise StagingError("the sandbox is not on this machine", to="MUNIMENT_SANDBOX")
        failures: list[tuple[str, str]] = []
        differences: dict[str, dict[str, int]] = {}
        items = 0
        for name, plan in _plans_of(planned).items():
            report, delivered = restore(
                name,
                places[destination_of(name)],
                plan,
                drawn,
                lambda source, digest: self._wiring.target(
                    source, folder, restore_id=digest, sources_off=True
                ),
            )
            sandbox.write(f"{name}.{DELIVERED}", delivered)
            items += report.items
            failures += report.failures
            differences[name] = dict(report.differences)
        for item, why in failures[:50]:
            log.error("Item %s: %s", item, why)
        log.info("Restored %s items; not restored: %s", f"{items:,}", f"{len(failures):,}")
        # What is missing is found by `verify`, and told by `record_elapsed`.
        told = {"items": items, "failures": len(failures), "differences": differences}
        return self._timed(began, told)

    def verify(self, planned: Json) -> Json:
        """Reads everything in the sandbox again, and counts what is not as it was."""
        began = self._now()
        sandbox = self._sandbox
        plans = _plans_of(planned)
        delivered: dict[str, dict[bytes, bytes]] = {}
        for name in plans:
            for source, names in names_from_bytes(sandbox.read(f"{name}.{DELIVERED}")).items():
                delivered.setdefault(source, {}).update(names)
        witness = DrillWitness()
        seen = look(
            self._places(), plans, self._drawn(), sandbox.restored, delivered, contract_of,
            sandbox.folder, witness.saw,
        )  # fmt: skip
        keep_witness(sandbox, witness)
        for item, why in seen.wrong[:50]:
            log.error("Item %s: not as it was: %s", item, why)
        log.info(
            "%s of %s items are equal; %s of %s documents open; %s things that nobody asked for",
            f"{seen.equal:,}", f"{seen.items:,}", f"{seen.opened:,}", f"{seen.documents:,}",
            f"{seen.extra:,}",
        )  # fmt: skip
        return self._timed(began, {"whole": seen.whole, "counts": seen.counts()})

    # -- what is said of it ------------------------------------------------------------------------

    def record_elapsed(self, respondents: Mapping[str, str]) -> Json:
        """Records the time of each phase as evidence; answers the question for the partner.

        Raises VerificationFailed when not everything came back as it was.
        """
        done = {task: self._result(task) for task in STEPS}
        steps = [
            (STEPS[task], from_text(value["began"]), from_text(value["ended"]))
            for task, value in done.items()
            if value
        ]
        started = self._started()
        if started is None:
            raise VerificationFailed(
                "nothing was drawn, so there was no drill",
                safe="Nothing was restored.",
                todo="See the log of `draw_matter`.",
            )
        phases, elapsed = phases_of(started.requested_at, steps)
        seen = done["verify"] or {}
        plans = _plans_of(done["draw_matter"] or {"plans": {}})
        whole = bool(seen.get("whole"))
        event = DrillFinished(
            drill_id=self._drill_id,
            scenario=started.scenario,
            sources=tuple(c.source for p in plans.values() for c in p.choices if c.items),
            whole=whole,
            elapsed_seconds=elapsed,
            phases=phases,
            counts=seen.get("counts") or {},
            plan_digest=" ".join(plan.digest for plan in plans.values()),
            code="" if whole else self._code(),
        )
        earlier = past_drills(self._entries())
        write(self._wiring.vault("operations"), DRILLS, event)
        certificates = (
            certified(self._config, self._drawn_in(started, plans), event, done["restore"] or {})
            if whole
            else []
        )
        lines = lines_of(event, words_of(_drawn_of(started)), earlier) + told_of(certificates)
        for line in lines:
            log.info("%s", line)
        if not whole:
            raise VerificationFailed(
                "not everything came back as it was backed up"
                if seen
                else "the restore did not end",
                to=f"drill {self._drill_id}",
                safe="No production system was touched, and the vault was only read.",
                todo="See the red tasks above, run `muniment check`, and hold the drill again: this one "
                "does not count.",
            )
        return {
            "whole": whole,
            "elapsed_seconds": elapsed,
            "in_time": event.in_time,
            "phases": phases,
            "counts": dict(event.counts),
            "certificates": certificates,
            "subject": f"Recovery drill of {self._config.firm_id}: is what came back usable?",
            "body": question_of(lines, self._sandbox.restored, self._shut_in(started, respondents)),
        }

    def answered(self, answer: Answer, person: str, remarks: str) -> None:
        """Stores the partner's answer; the remarks sealed."""
        event = DrillAnswered(self._drill_id, str(answer), person, "airflow")
        write(
            self._wiring.vault("operations"),
            DRILLS,
            event,
            {"remarks": remarks} if remarks else None,
        )

    def answer_given(self) -> dict[str, str] | None:
        """The answer of this drill that the evidence holds, None without one."""
        for entry in reversed(self._entries()):
            if entry.event == DrillAnswered.event and entry.subject == self._drill_id:
                names = ("answer", "answered_by")
                return {name: str(entry.facts.get(name) or "") for name in names}
        return None

    def wipe_sandbox(self) -> Json:
        """Removes the sandbox, whatever became of the drill, and records how.

        Raises StagingError when something is left, VerificationFailed or AnswerError when the drill does
        not count: of the whole run this task is the one that Airflow asks.
        """
        wiped = self._sandbox.wipe()
        log.info("The sandbox: %s", wiped.statement)
        event = DrillWiped(
            self._drill_id, wiped.how, wiped.medium, wiped.files, wiped.bytes, wiped.left
        )
        vault = self._wiring.vault("operations")
        write(vault, DRILLS, event)
        if wiped.left:
            raise StagingError(
                f"{wiped.left:,} things that the drill restored could not be removed",
                to=f"drill {self._drill_id}, MUNIMENT_SANDBOX",
                todo="Remove its folder by hand; it holds client files in the clear.",
            )
        self._require_held()
        return {"statement": wiped.statement, "medium": wiped.medium, "files": wiped.files}

    def _require_held(self) -> None:
        mine = [e for e in self._entries() if e.subject == self._drill_id]
        whole = any(e.event == DrillFinished.event and e.facts.get("whole") is True for e in mine)
        if not whole:
            raise VerificationFailed(
                "the drill did not give everything back, so it was not held",
                to=f"drill {self._drill_id}",
                safe="What was restored is removed. The vault was only read.",
                todo="Open the first red task of this run, mend what its log names, and trigger the "
                "drill again.",
            )
        if not any(e.event == DrillAnswered.event for e in mine):
            raise AnswerError(
                "the drill ended without the managing partner's answer, so it was not held",
                to=f"drill {self._drill_id}",
                safe="What was restored is removed.",
                todo="Trigger the drill again, and do not mark `partner_review`: only its answer counts.",
            )

    # -- parts -------------------------------------------------------------------------------------

    def _reserved(self, viewers: Sequence[str]) -> Reserved:
        return reserved(self._wiring.vault("operations"), self._config, viewers)

    def _shut_in(self, started: DrillStarted, respondents: Mapping[str, str]) -> bool:
        """Whether matters may stand in the sandbox that are not for everybody's eyes: a whole source has all of them."""
        whole = started.scope == Scope.SOURCE
        return whole and self._reserved(tuple(respondents.values())) is not nothing_reserved

    def _timed(self, began: datetime, result: Json) -> Json:
        return {**result, "began": to_text(began), "ended": to_text(self._now())}

    def _now(self) -> datetime:
        return self._wiring.clock.now()

    def _requested_at(self) -> datetime:
        """When somebody asked; of a run by schedule, when it began: it may make up for an earlier time."""
        run = get_current_context()["dag_run"]
        began: datetime | None = run.start_date
        return began if began and str(run.run_type) != "manual" else run.run_after

    @property
    def _drill_id(self) -> str:
        return engine_run_id(self._dag_id, str(get_current_context()["dag_run"].run_id))

    @property
    def _sandbox(self) -> Sandbox:
        return Sandbox(sandbox_area(self._config.firm_id), self._drill_id)

    def _places(self) -> dict[str, Place]:
        """Every store with the sources of the inventory that lie in it."""
        found: dict[str, Place] = {}
        for name in sorted({row.destination for row in self._config.protected}):
            systems = {
                r.source_id: r.system for r in self._config.protected if r.destination == name
            }
            found[name] = Place(name, self._wiring.vault("operations", name), systems)
        return found

    def _entries(self) -> list[EvidenceEntry]:
        vault = self._wiring.vault("operations")
        return list(load_stream(vault.store, vault.trust, DRILLS).events())

    def _started(self) -> DrillStarted | None:
        """What this run drew, also before it was cleared."""
        for entry in self._entries():
            if entry.event == DrillStarted.event and entry.subject == self._drill_id:
                return DrillStarted.of(entry)
        return None

    def _drawn(self) -> Drawn:
        started = self._started()
        if started is None:
            raise VerificationFailed("what was drawn is not in the evidence", to=self._drill_id)
        return _drawn_of(started)

    def _drawn_in(self, started: DrillStarted, plans: Mapping[str, RestorePlan]) -> Restored:
        home = self._wiring.vault("operations")
        return Restored(self._sandbox, self._places(), plans, started, _drawn_of(started), home)

    def _result(self, task_id: str) -> Json | None:
        found: Json | None = get_current_context()["ti"].xcom_pull(task_ids=task_id)
        return found

    def _code(self) -> str:
        """Of the first task that failed with an error of the engine."""
        pull = get_current_context()["ti"].xcom_pull
        codes = [pull(task_ids=task, key=ERROR) for task in STEPS]
        return next((str(code) for code in codes if code), "M540")


def _drawn_of(started: DrillStarted) -> Drawn:
    return Drawn(
        Scenario(started.scenario),
        started.focus,
        Scope(started.scope),
        started.value,
        started.sources,
        started.as_of,
        started.also,
    )


def _plans_of(planned: Json) -> dict[str, RestorePlan]:
    return {name: RestorePlan.of(plan) for name, plan in planned["plans"].items()}
