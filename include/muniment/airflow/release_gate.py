"""ReleaseGate: the release of a restore, in terms of Airflow's runs.

What Airflow knows of a run - who triggered it, who answered, its parameters and XComs - is taken as what somebody
says. What counts is in the vault, and is asked again by every task that delivers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from muniment.airflow import release_mail
from muniment.airflow.names import engine_run_id
from muniment.airflow.restore_request import REASON_WORDS, RestoreRequest
from muniment.airflow.settings import PLAN_PAGE, plan_folder
from muniment.clock import from_text, to_text
from muniment.config.load import FirmConfig
from muniment.errors import ConfigError, PlanChanged
from muniment.evidence.releases import Way
from muniment.recovery.plan import RestorePlan
from muniment.recovery.release import issue, use
from muniment.recovery.release.book import Book, Release
from muniment.recovery.release.needs import About, Need, about, needs
from muniment.recovery.release.page import Request, lines_of, page_of
from muniment.recovery.release.people import Entitled, Party, without_word
from muniment.recovery.selection import Selection
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the restore DAG: its id in Airflow, who triggered it (empty where Airflow does not say), when."""

    dag_id: str
    airflow_run: str
    user: str
    requested_at: datetime

    @property
    def id(self) -> str:
        return engine_run_id(self.dag_id, self.airflow_run)

    @property
    def holder(self) -> str:
        """The same on every task and every try of a run, and another one for a run made anew under its id."""
        return f"{self.id} of {self.requested_at.isoformat()}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run wants to deliver, and the vault it comes from."""

    vault: Vault
    plan: RestorePlan
    selection: Selection
    request: RestoreRequest


class ReleaseGate:
    """Of one run of one firm. The releases lie in the firm's home."""

    def __init__(self, config: FirmConfig, wiring: Wiring, run: Run) -> None:
        self._config = config
        self._run = run
        self._wiring = wiring
        self._approvals = config.firm.approvals
        self._entitled = Entitled.by(config.firm)

    def needs(self, wanted: Wanted) -> tuple[Need, ...]:
        """Why this needs an approval; empty where it needs none, or the firm asks for none."""
        return self._judged(wanted)[0]

    def _judged(self, wanted: Wanted) -> tuple[tuple[Need, ...], Entitled]:
        """Why it needs an approval, and who may give it: with the custodians of what is sealed in it."""
        if self._approvals is None:
            return (), self._entitled
        known: About = about(wanted.vault, self._config, wanted.plan, wanted.selection)
        return needs(known), self._entitled.under_seal_of(known.custodians)

    # -- the question ------------------------------------------------------------------------------

    def ask(self, wanted: Wanted) -> tuple[str, str] | None:
        """Writes the plan's page, records the question and mails it; subject and body of it. None where nobody
        has to be asked. Raises ConfigError where nobody could answer, PlanChanged for a second plan."""
        why, entitled = self._judged(wanted)
        request = self._request(wanted, why, entitled)
        self._write_page(page_of(wanted.plan, request))
        if not why:
            return None
        assert self._approvals is not None
        self._require_somebody(entitled)
        question = issue.Question(
            self._run.id, wanted.plan, self._requester, why, self._run.requested_at, self._run.airflow_run,
            entitled.custodians,
        )  # fmt: skip
        fresh = Book(self._home()).asked(self._run.id) is None
        issue.ask(self._home(), question, self._approvals)
        lines = lines_of(wanted.plan, request)
        subject = f"Restore of {self._config.firm_id}: may this plan go?"
        if fresh:
            asked = dict.fromkeys((*entitled.approvers, *entitled.custodians))
            people = [who for who in asked if who != self._requester.person]
            release_mail.ask(
                self._config, people, subject, lines, self._run.dag_id, self._run.airflow_run
            )
        return subject, self._body(lines, entitled)

    def _request(self, wanted: Wanted, why: tuple[Need, ...], entitled: Entitled) -> Request:
        return Request(
            self._requester.told, REASON_WORDS[wanted.request.reason], self._run.requested_at,
            ZoneInfo(self._config.firm.time_zone), why, entitled.approvers, custodians=entitled.custodians,
            for_whom=wanted.request.for_whom, sealed_to=wanted.request.recipient,
            on_share=bool(wanted.request.shares),
        )  # fmt: skip

    def _body(self, lines: list[str], entitled: Entitled) -> str:
        plan_page = release_mail.page_address(self._run.dag_id, self._run.airflow_run)
        asked = ", ".join(entitled.approvers)
        keepers = ", ".join(without_word(entitled, self._requester, ()))
        glass = ", ".join(self._entitled.break_glass)
        return "\n".join([
            *(f"- {line}" for line in lines),
            "",
            f"[The whole plan]({plan_page})",
            "",
            f"**Approve** is for: {asked}; never for who asked.",
            *([f"Something in it is under seal: {keepers} must approve too. Whoever is first, the other one is asked again."]
              if keepers else []),
            *([f"**Break the glass** is for two of {glass} or an approver, when no approver can be reached: both "
               "are told, and a review follows."] if glass else []),
        ])  # fmt: skip

    def _write_page(self, text: str) -> None:
        folder = plan_folder(self._config.firm_id, self._run.dag_id, self._run.airflow_run)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{PLAN_PAGE}.new"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / PLAN_PAGE)

    def _require_somebody(self, entitled: Entitled) -> None:
        if not entitled.answering(entitled.approvers):
            raise ConfigError(
                "nobody may approve restores",
                to="firm.yaml, people, key login of the managing partner",
                safe="Nothing was delivered.",
                todo="Give an approver the `login` under which Airflow knows him (with the FAB auth manager the "
                "user's number), then clear this task.",
            )
        known = set(entitled.answering(entitled.custodians).values())
        # One who asked himself has agreed by that.
        silent = [who for who in without_word(entitled, self._requester, ()) if who not in known]
        if silent:
            raise ConfigError(
                "the custodian of what is sealed in it cannot answer: Airflow does not know him",
                to=f"firm.yaml, people, key login of {', '.join(silent)}",
                safe="Nothing was delivered.",
                todo="Give him a `login`, or have the managing partner name another custodian in `matters`; then clear "
                "this task.",
            )

    # -- the answer --------------------------------------------------------------------------------

    def released(self, wanted: Wanted) -> Release | None:
        """The release of this run that can still be used: then nobody is asked again."""
        now = self._wiring.clock.now()
        mine = Book(self._home()).releases(self._run.id)
        good = (
            r
            for r in mine
            if r.plan_digest == wanted.plan.digest and not r.spent and (r.holder or now < r.expires)
        )
        return next(good, None)

    def approve(self, wanted: Wanted, by: Party) -> Release | None:
        """None while the word of another is missing. Raises what `issue.approve` raises."""
        assert self._approvals is not None
        _, entitled = self._judged(wanted)
        return issue.approve(self._home(), self._answer(wanted, by), entitled, self._approvals)

    def refuse(self, wanted: Wanted, by: Party) -> None:
        _, entitled = self._judged(wanted)
        issue.refuse(self._home(), self._answer(wanted, by), entitled)

    def break_glass(self, wanted: Wanted, by: Party) -> Release | None:
        """None after the first of the two. Raises what `issue.break_glass` raises."""
        assert self._approvals is not None
        _, entitled = self._judged(wanted)
        answer = self._answer(wanted, by)
        given = issue.break_glass(self._home(), answer, entitled, self._approvals)
        if given is not None and given.way is Way.BREAK_GLASS:
            release_mail.tell_of_broken_glass(self._config, self._home())
        return given

    def _answer(self, wanted: Wanted, by: Party) -> issue.Answer:
        return issue.Answer(self._run.id, wanted.plan.digest, self._requester, (by,))

    def party(self, *names: object) -> Party:
        return self._entitled.party(*names)

    # -- the delivery ------------------------------------------------------------------------------

    def begin(self, wanted: Wanted) -> Release | None:
        """Takes the release; None where this restore needs none. Raises what `use.begin` raises."""
        self._require_what_was_asked(wanted)
        why, entitled = self._judged(wanted)
        if not why:
            return None
        return use.begin(self._home(), self._demand(wanted.plan), entitled)

    def require(self, wanted: Wanted) -> Release | None:
        """The release that this run began to use; None where it needs none. Raises what `use.require` raises."""
        self._require_what_was_asked(wanted)
        why, entitled = self._judged(wanted)
        if not why:
            return None
        return use.require(self._home(), self._demand(wanted.plan), entitled)

    def given(self) -> Release | None:
        """The newest release of this run, whatever became of it."""
        if self._approvals is None:
            return None
        return next(reversed(Book(self._home()).releases(self._run.id)), None)

    def end(self, release: Release) -> None:
        use.end(self._home(), release)

    def _demand(self, plan: RestorePlan) -> use.Demand:
        return use.Demand(self._run.id, plan.digest, self._requester, self._run.holder)

    def _require_what_was_asked(self, wanted: Wanted) -> None:
        """A form that somebody changed after the plan must not lead the delivery elsewhere."""
        if wanted.plan.target != wanted.request.target(wanted.plan.selection):
            raise PlanChanged(
                "the form says another target than the plan", to=f"plan {wanted.plan.digest[:16]}"
            )

    # -- parts -------------------------------------------------------------------------------------

    def _home(self) -> Vault:
        return self._wiring.vault("operations")

    @property
    def _requester(self) -> Party:
        return self._entitled.party(self._run.user)


def phases_of(
    requested_at: datetime, plan: RestorePlan, release: Release | None, usable_at: datetime
) -> dict[str, float]:
    """What the time from the request until it was usable is made of, in seconds: until the plan was made, until a
    person let it go, and the delivery with its reading back."""
    planned = from_text(plan.made_at)
    let_go = release.at if release is not None else planned
    spans = {
        "plan": planned - requested_at,
        "approval": let_go - planned,
        "delivery": usable_at - let_go,
    }
    return {name: round(span.total_seconds(), 1) for name, span in spans.items()}


def release_words(release: Release | None) -> dict[str, object] | None:
    """For the certificate."""
    if release is None:
        return None
    return {
        "by": list(release.responders),
        "way": release.way.value,
        "at": to_text(release.at),
        "release": release.nonce,
        "requester": release.requester,
    }
