"""RestoreTasks: the functions behind the tasks of a restore, in terms of the engine.

The plan goes through XCom as numbers, ids and digests. What is performed is compared with the digest
that `approve` lets pass; the engine compares it with the snapshots once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context

from muniment.airflow.certifying import certified, entitlement
from muniment.airflow.clio_back import ClioBack
from muniment.airflow.delivering import Delivery, delivery_of
from muniment.airflow.m365_back import M365Back
from muniment.airflow.names import REPORT, engine_run_id
from muniment.airflow.netdocuments_back import NetDocumentsBack
from muniment.airflow.release_gate import ReleaseGate, Run, Wanted, phases_of, release_words
from muniment.airflow.restore_notice import require_whole, tell
from muniment.airflow.restore_request import RestoreRequest, What, read_request
from muniment.airflow.restore_statement import write_statement
from muniment.airflow.restore_words import summary
from muniment.airflow.settings import restore_area
from muniment.airflow.stores import open_destination
from muniment.airflow.writing_back import WritingBack
from muniment.clock import to_text
from muniment.config.load import FirmConfig
from muniment.config.persons import person_of
from muniment.errors import ConfigError, PlanChanged, VerificationFailed
from muniment.evidence.events import RestoreEnded
from muniment.evidence.recording import restore_ended
from muniment.recovery.certificate.witness import Witness
from muniment.recovery.crosswalk.asking import ask_for_matter
from muniment.recovery.crosswalk.policy import Entitlement
from muniment.recovery.matter_file.index import Outcome
from muniment.recovery.perform import perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.release.book import Release
from muniment.recovery.selection import Scope, Selection
from muniment.vault.suspicion import last_clean_moment
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

Json = dict[str, Any]


class RestoreTasks:
    """Restores of one firm. `dag_id` is the id of the DAG."""

    def __init__(self, config: FirmConfig, dag_id: str) -> None:
        self._config = config
        self._wiring = Wiring(config, open_destination)
        self._dag_id = dag_id
        self._back: Mapping[str, WritingBack] = {
            "clio": ClioBack(config, self._wiring),
            "netdocuments": NetDocumentsBack(config, self._wiring),
            "m365": M365Back(config, self._wiring),
        }

    def plan(self) -> Json:
        """Checks the form, chooses and proves the snapshots; returns the plan and its digest."""
        request = self._request()
        restore_area(self._config.firm_id)
        vault = self._vault(request)
        selection = selection_of(request, vault)
        if request.last_clean:
            request = replace(request, as_of=last_clean_moment(vault, selection.sources))
        entitled = self._entitled(vault, selection, request)
        lines: Sequence[str] = ()
        if request.form.writes_back:
            plan, lines = self._back[request.form.system].plan(vault, selection, request)
        else:
            plan = make_restore_plan(
                vault,
                selection,
                request.as_of,
                target=request.target(selection.shown()),
                withhold=entitled.withhold,
            )
        entitled.require(plan)
        # A recipient that is none, or an account that may not write, must not be noticed after somebody approved it.
        self._delivery(request, plan, vault).check()
        told = [*summary(plan), *lines, *self._approval(self._wanted(plan))]
        for line in told:
            log.info("%s", line)
        return {"plan": plan.as_dict(), "digest": plan.digest, "summary": "\n".join(told)}

    def _approval(self, wanted: Wanted) -> Sequence[str]:
        if self._config.firm.approvals is None:
            return ("This firm asks for no approval of restores (firm.yaml has no `approvals`)",)
        why = self.gate.needs(wanted)
        return (f"Needs an approval: {', '.join(why)}" if why else "Needs no approval",)

    def wanted(self, planned: Json) -> Wanted:
        """What is put to the approvers. Raises PlanChanged where plan and digest do not belong together."""
        return self._wanted(_plan_of(planned))

    def writes_back(self) -> bool:
        """Does the form ask for it?"""
        return self._request().form.writes_back

    def write_back(self, planned: Json) -> list[Json]:
        """Writes the matter into a vendor's system and reads it back. Raises VerificationFailed on any difference."""
        plan, request = _plan_of(planned), self._request()
        wanted = self._wanted(plan)
        self.gate.require(wanted)
        self._entitled(wanted.vault, wanted.selection, request).require(plan)
        back = self._back[request.form.system]
        told = back.write(wanted.vault, plan, wanted.selection, request, self._folder(request))
        get_current_context()["ti"].xcom_push(key=REPORT, value=told)
        bad = [one["source"] for one in told if not one["whole"]]
        if bad:
            raise VerificationFailed(
                f"what is in {back.system} is not all of what was to be written",
                to=f"source {', '.join(bad)}, plan {plan.digest[:16]}",
                todo="The map in the delivery says which rows and fields. Mend that there, then clear this task: it "
                "goes on where it was.",
            )
        return told

    def sources(self, planned: Json) -> list[Json]:
        """One entry for each source of the plan. Takes the release where the plan needs one."""
        plan = _plan_of(planned)
        release = self.gate.begin(self._wanted(plan))
        if release is not None:
            log.info("Released by %s (%s)", ", ".join(release.responders), release.way)
        return [
            {"source": c.source, "label": f"{c.source}: {c.items:,} items of snapshot {c.seq}"}
            for c in plan.choices
        ]

    def restore(self, part: Json, planned: Json) -> Json:
        """Delivers one source and reads it back. Raises VerificationFailed on any shortfall."""
        context = get_current_context()
        plan = _plan_of(planned)
        mine = replace(plan, choices=tuple(c for c in plan.choices if c.source == part["source"]))
        request = self._request()
        wanted = self._wanted(plan)
        self.gate.require(wanted)
        # Asked again: a wall may have been put up while the plan waited for its approval.
        entitled = self._entitled(wanted.vault, wanted.selection, request)
        entitled.require(plan)
        overwrite = request.overwrite or self._goes_on(plan, request)
        delivery = self._delivery(request, plan, wanted.vault)
        delivery.begin(overwrite=overwrite)
        witness = Witness()
        report = perform(
            wanted.vault,
            mine,
            wanted.selection,
            lambda source: delivery.target(source, overwrite=overwrite),
            withhold=entitled.withhold,
            witness=witness.saw,
        )
        delivery.keep(witness)
        told = {**report.as_dict(), "source": part["source"], "plan_digest": plan.digest}
        context["ti"].xcom_push(key=REPORT, value=told)
        log.info(
            "Delivered %s items, %s bytes; read back and equal: %s; in place before: %s",
            f"{report.items:,}",
            f"{report.bytes:,}",
            f"{report.verified:,}",
            f"{report.already:,}",
        )
        for kind, count in sorted(report.differences.items()):
            log.warning("The target could not keep %s of %s items", kind, f"{count:,}")
        for item, why in report.failures[:50]:
            log.error("Item %s: %s", item, why)
        if not report.whole:
            raise VerificationFailed(
                f"{len(report.failures):,} of {mine.items:,} items were not delivered as planned",
                to=f"source {part['source']}, plan {plan.digest[:16]}",
                todo="The log lists the items and why. Mend that, or run `muniment check` and choose "
                "an earlier time; then trigger the restore again into a new folder.",
            )
        return told

    def certificate(
        self, planned: Json, reports: Iterable[Json | None], written: Iterable[Json] = ()
    ) -> Json:
        """Writes what was asked, planned and done beside the delivery; returns the numbers."""
        plan = _plan_of(planned)
        request = self._request()
        context = get_current_context()
        run = context["dag_run"]
        usable = datetime.now(UTC)
        done = [r for r in reports if r and r["plan_digest"] == plan.digest]
        missing = sorted({c.source for c in plan.choices} - {r["source"] for r in done})
        delivered = sum(r["verified"] for r in done)
        written = list(written)
        whole = not missing and not any(r["failures"] for r in done)
        if request.form.writes_back:
            wanted = self._back[request.form.system].sources(plan)
            whole = whole and set(wanted) <= {w["source"] for w in written if w["whole"]}
        release = self.gate.given()
        phases = phases_of(run.run_after, plan, release, usable)
        statement = {
            "type": "muniment restore certificate, unsigned",
            "firm": self._config.firm_id,
            "run": engine_run_id(self._dag_id, str(run.run_id)),
            "airflow_run": run.run_id,
            "requested_at": to_text(run.run_after),
            "requested_by": getattr(run, "triggering_user_name", None),
            "for_whom": request.for_whom,
            "sealed_to": request.recipient or None,
            "reason": request.reason.value,
            "plan": plan.as_dict(),
            "plan_digest": plan.digest,
            "reports": done,
            "written_back": written,
            "sources_missing": missing,
            "whole": whole,
            "usable_at": to_text(usable),
            "elapsed_seconds": round((usable - run.run_after).total_seconds(), 1),
            "phases": phases,
            "released": release_words(release),
        }
        write_statement(self._folder(request), statement)
        self._record(request, plan, whole, delivered, done, run.run_after, phases)
        if whole and release is not None and release.holder:
            self.gate.end(release)
        vault = self._vault(request)
        delivery = self._delivery(request, plan, vault)
        if not request.form.as_they_are:
            failures = [(item, why) for r in done for item, why in r["failures"]]
            delivery.write_index(Outcome(plan, delivered, failures, missing))
        certificate = (
            self._certified(request, plan, vault, delivery, done, release) if whole else None
        )
        sources = [choice.source for choice in plan.choices]
        delivery.close(sources, whole=whole, certified=bool(certificate and "files" in certificate))
        log.info(
            "%s of %s items are delivered, read back and equal, %s seconds after the request",
            f"{delivered:,}",
            f"{plan.items:,}",
            statement["elapsed_seconds"],
        )
        log.info("Of that: %s", ", ".join(f"{k} {v:,.1f} s" for k, v in phases.items()))
        return {
            "phases": phases,
            "whole": whole,
            "items": plan.items,
            "verified": delivered,
            "bytes": sum(r["bytes"] for r in done),
            "let_go": list(release.responders) if release else [],
            "for_whom": request.for_whom,
            "sealed": bool(request.recipient),
            "sources_missing": missing,
            "plan_digest": plan.digest,
            "folder": request.folder,
            "shares": list(request.shares),
            "elapsed_seconds": statement["elapsed_seconds"],
            "certificate": certificate,
        }

    def notify(self, planned: Json | None, certificate: Json | None) -> None:
        """Tells people how it ended. Raises RestoreError when it did not end well."""
        run = get_current_context()["dag_run"]
        login = str(getattr(run, "triggering_user_name", None) or "")
        tell(self._config, login, (self._dag_id, str(run.run_id)), planned, certificate)
        require_whole(certificate)

    def _entitled(self, vault: Vault, selection: Selection, request: RestoreRequest) -> Entitlement:
        return entitlement(vault, self._config, selection, _login(), request.for_whom)

    def _certified(
        self,
        request: RestoreRequest,
        plan: RestorePlan,
        vault: Vault,
        delivery: Delivery,
        done: Sequence[Json],
        release: Release | None,
    ) -> Json:
        run = get_current_context()["dag_run"]
        login = _login()
        return certified(
            vault,
            self._config,
            plan,
            selection_of(request, vault),
            self._folder(request),
            delivery,
            done,
            restore_id=engine_run_id(self._dag_id, str(run.run_id)),
            requested_at=run.run_after,
            requested_by=person_of(self._config, login) or login or "",
            reason=request.reason.value,
            approved=[(who, to_text(release.at)) for who in release.responders] if release else (),
            received_by=request.for_whom,
        )

    # -- parts -------------------------------------------------------------------------------------

    def _record(
        self,
        request: RestoreRequest,
        plan: RestorePlan,
        whole: bool,
        delivered: int,
        done: Sequence[Json],
        requested_at: datetime,
        phases: Mapping[str, float],
    ) -> None:
        """Into the firm's evidence. A restore that is done is not failed by that."""
        run_id = engine_run_id(self._dag_id, str(get_current_context()["dag_run"].run_id))
        gave = {r["source"] for r in done}
        event = RestoreEnded(
            restore_id=run_id,
            scope=plan.scope,
            matter=plan.selection if plan.scope == "matter" else "",
            requested_at=requested_at,
            plan_digest=plan.digest,
            sources=tuple(c.source for c in plan.choices if c.items and c.source in gave),
            whole=whole,
            items=plan.items,
            verified=delivered,
            reason=request.reason.value,
            phases=phases,
        )
        error = restore_ended(self._wiring.vault("operations"), event)
        if error is not None:
            log.error("The restore is not recorded in the vault: [%s] %s", error.code, error.what)

    @property
    def gate(self) -> ReleaseGate:
        """Of the run in which it is asked for."""
        run = get_current_context()["dag_run"]
        return ReleaseGate(self._config, self._wiring, Run(self._dag_id, str(run.run_id), _login(), run.run_after))  # fmt: skip

    def _wanted(self, plan: RestorePlan) -> Wanted:
        request = self._request()
        vault = self._vault(request)
        return Wanted(vault, plan, selection_of(request, vault), request)

    def _request(self) -> RestoreRequest:
        context = get_current_context()
        run = context["dag_run"]
        run_id = engine_run_id(self._dag_id, str(run.run_id))
        # The time of the request, not of this task: on every retry the same folder.
        return read_request(context["params"], self._config, run.run_after, run_id, _login())

    def _delivery(self, request: RestoreRequest, plan: RestorePlan, vault: Vault) -> Delivery:
        folder = self._folder(request)
        return delivery_of(self._config, self._wiring, request, folder, vault, plan)

    def _goes_on(self, plan: RestorePlan, request: RestoreRequest) -> bool:
        """Is what stands in the folder of this very restore? Raises PlanChanged."""
        back = self._back.get(request.form.system)
        return back is not None and back.goes_on(plan, request, self._folder(request))

    def _folder(self, request: RestoreRequest) -> Path:
        return restore_area(self._config.firm_id) / request.folder

    def _vault(self, request: RestoreRequest) -> Vault:
        wanted = request.sources or [row.source_id for row in self._config.protected]
        places = {self._config.row(source).destination for source in wanted}
        if len(places) > 1:
            raise ConfigError(
                "these sources lie in more than one destination",
                to=f"firm {self._config.firm_id}",
                safe="Nothing was read and nothing was written.",
                todo="Restore them one destination after another: choose sources of one in the form.",
            )
        return self._wiring.vault("operations", next(iter(places), None))


def selection_of(request: RestoreRequest, vault: Vault) -> Selection:
    """Raises MunimentError where the vault cannot say which matter is meant."""
    if request.what is What.MATTER:
        related = not request.form.as_they_are
        return ask_for_matter(vault, request.which, request.sources, related=related)[0]
    scope = Scope.ITEM if request.what is What.ITEM else Scope.SOURCE
    return Selection(scope, request.which, request.sources)


def _login() -> str:
    """Who triggered the run; empty where Airflow does not say."""
    return str(getattr(get_current_context()["dag_run"], "triggering_user_name", None) or "")


def _plan_of(planned: Json) -> RestorePlan:
    """Raises PlanChanged when plan and digest do not belong together."""
    plan = RestorePlan.of(planned["plan"])
    if plan.digest != planned["digest"]:
        raise PlanChanged("the plan is not the one whose digest was passed on")
    return plan
