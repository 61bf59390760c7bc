"""DepartureTasks: the functions behind the tasks of a departure, in terms of the engine.

XCom carries counts, digests, times and ids - opaque ones and the vendor's - and never a name. What names somebody goes sealed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import get_current_context
from msgspec import convert, to_builtins

from muniment.airflow.departure_dag import (
    CONFIRM,
    DEACTIVATE,
    DELEGATES,
    FORWARDING,
    HOLD,
    REMARKS,
)
from muniment.airflow.departure_looks import DepartureLooks, Json, confirmed_in
from muniment.airflow.departure_words import certificate_text
from muniment.airflow.question import Told
from muniment.airflow.release_mail import run_address, send
from muniment.airflow.settings import sandbox_area
from muniment.alerts.newest import newest_entries
from muniment.assurance.departure import Compared, Restored, plan_account, restore_account
from muniment.assurance.departure_certificate import Asked, certify_departure, lines, statement
from muniment.assurance.files_contract import contract_of
from muniment.assurance.sandbox import Sandbox
from muniment.clock import to_text
from muniment.config.exceptions import accepted_on
from muniment.errors import (
    AnswerError,
    StagingError,
    VerificationFailed,
)
from muniment.evidence.departures import (
    DEPARTURES,
    AccountInventoried,
    Confirmation,
    DepartureAnswered,
    DepartureCertified,
    DepartureConfirmed,
    SignedOff,
)
from muniment.evidence.discovery import packed, unpacked
from muniment.evidence.events import reading, write
from muniment.sources.m365.account import Account
from muniment.sources.m365.afresh import Owners
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import open_detail, worker_stream

log = logging.getLogger(__name__)

LONGEST = 4_000
"""Characters of remarks that are kept."""


class DepartureTasks(DepartureLooks):
    """Departures of one firm, with operations' keys; the worker's part is inherited."""

    # -- operations' part --------------------------------------------------------------------------

    def open_departure(self) -> None:
        """Takes what the worker left into the departures' own stream, once. Raises StagingError where it left nothing."""
        taken = self._pulled("inventory_user")
        if any(e.event == AccountInventoried.event for e in self._mine()):
            return
        account, entry = self._account(taken)
        known = reading(entry)
        event = AccountInventoried(
            self._id, taken["source"], taken["user"], known.text("requested_by"), account.told()
        )
        write(self._home, DEPARTURES, event, packed(account.as_dict()))

    def mail_question(self, asked_in: str, task_id: str, people: Iterable[str]) -> None:
        """Mails the respondents the link; a server that takes no mail stops nothing."""
        run_id = str(get_current_context()["dag_run"].run_id)
        subject = str(self._pulled(asked_in)["subject"])
        address = f"{run_address(self._dag_id, run_id)}/tasks/{task_id}/required_actions"
        text = f"{subject}.\n\nAnswer: {address}\n\nNothing is deactivated by your answer."
        send(self._config, dict.fromkeys(people), f"[{self._config.firm_id}] {subject}", text)

    def confirmed(self, option: str, person: str, form: Mapping[str, Any]) -> Told:
        """Stores what was confirmed. Raises AnswerError where something was not answered, or it was stopped."""
        if option != CONFIRM:
            raise AnswerError(
                f"{person} stopped this departure",
                to=f"departure {self._id}",
                safe="Nothing was changed: the account and all backups are as they were.",
                todo="Trigger it again when it is time; or clear this task: it asks again.",
            )
        given = {name: str(form.get(name) or "") for name in (HOLD, DELEGATES, FORWARDING)}
        open_ = [name for name, value in given.items() if value not in set(Confirmation)]
        if open_:
            raise AnswerError(
                f"not answered: {', '.join(open_)}",
                to=f"departure {self._id}",
                safe="Nothing was changed.",
                todo="Clear this task: it asks again. All three have to be answered.",
            )
        event = DepartureConfirmed(self._id, person, given[HOLD], given[DELEGATES], given[FORWARDING])  # fmt: skip
        write(self._home, DEPARTURES, event, _remarks(form))
        return {**given, "confirmed_by": person}

    def confirmation(self) -> Told | None:
        """What of this departure the evidence holds as confirmed; None while nothing is."""
        return confirmed_in(self._mine())

    def verify(self, taken: Json, backed_up: Json) -> Json:
        """Restores everything of the account into the sandbox, reads it again, and removes it.

        Raises VerificationFailed where something did not come back as it was, RestoreError, StagingError.
        """
        source_id = taken["source"]
        row = self._config.row(source_id)
        vault = self._wiring.vault("operations", row.destination)
        owners = Owners(taken["account"], taken["drives"])
        plan = plan_account(vault, source_id, owners, backed_up["seq"])
        log.info("Plan %s: %s items, %s bytes", plan.digest[:16], f"{plan.items:,}", f"{plan.bytes:,}")  # fmt: skip
        # Not the folder of drills: one that waits for its answer must not be taken for abandoned.
        sandbox = Sandbox(sandbox_area(f"{self._config.firm_id}+departures"), self._id)
        sandbox.prepare(plan.bytes)
        today = vault.clock.now().astimezone(ZoneInfo(self._config.firm.time_zone)).date()
        try:
            target = self._wiring.target(
                source_id, sandbox.restored, restore_id=plan.digest, sources_off=True
            )
            found = restore_account(
                vault, plan, owners, target, sandbox.restored / source_id, sandbox.folder,
                contract_of(row.system), accepted_on(self._config.exceptions, source_id, today),
            )  # fmt: skip
        finally:
            wiped = sandbox.wipe()
            log.info("The sandbox: %s", wiped.statement)
        if wiped.left:
            raise StagingError(
                f"{wiped.left:,} things could not be removed",
                to=f"departure {self._id}, MUNIMENT_SANDBOX",
                todo="Remove its folder by hand; it holds the account's content in the clear.",
            )
        for item, why in found.wrong:
            log.error("Item %s: not as it was: %s", item, why)
        log.info(
            "%s of %s items are equal; %s of %s documents open", f"{found.equal:,}", f"{found.items:,}",
            f"{found.opened:,}", f"{found.documents:,}",
        )  # fmt: skip
        if not found.whole:
            raise VerificationFailed(
                f"{found.items - found.equal:,} of {found.items:,} items did not come back as they were",
                to=f"departure {self._id}, source {source_id}",
                safe="The account is as it was; do not deactivate it yet. The vault was only read.",
                todo="Run `muniment check` and `muniment verify`; then clear `full_backup` with what follows.",
            )
        return dict(to_builtins(found))

    def certify(self, taken: Json, backed_up: Json, restored: Json) -> Json:
        """Signs the certificate into the vault; answers the question for the office manager.

        Raises CertificateRefused where anything lacks or is a gap that nobody accepted, AnswerError where nobody confirmed.
        """
        confirmed = self._require_confirmed(self._home)
        account, _ = self._account(taken)
        row = self._config.row(taken["source"])
        lying = self._wiring.vault("operations", row.destination)
        asked = Asked(
            self._id, self._config.firm_id, taken["source"], taken["user"], self._requested_at,
            self._requested_by, taken["at"],
        )  # fmt: skip
        event = DepartureConfirmed(
            self._id, confirmed["confirmed_by"], confirmed[HOLD], confirmed[DELEGATES], confirmed[FORWARDING]
        )  # fmt: skip
        said = statement(
            lying, asked, account, event, convert(backed_up["compared"], Compared),
            convert(restored, Restored),
        )  # fmt: skip
        made = certify_departure(self._home, asked, said)
        log.info("Certified: statement %s", made.certificate)
        return {
            "certificate": made.certificate,
            "items": made.items,
            "subject": f"Departure of {taken['user']} from {self._config.firm_id}: safe to deactivate",
            "body": certificate_text(said, lines(said), made.certificate),
        }

    def answered(self, option: str, person: str, form: Mapping[str, Any]) -> Told:
        """Stores the office manager's answer."""
        answer = SignedOff.DEACTIVATE if option == DEACTIVATE else SignedOff.NOT_YET
        certificate = str(self._pulled("certify")["certificate"])
        event = DepartureAnswered(self._id, answer.value, person, certificate)
        write(self._home, DEPARTURES, event, _remarks(form))
        return {"answer": answer.value, "answered_by": person}

    def answer(self) -> Told | None:
        """The answer to the newest certificate of this departure, as the evidence holds it."""
        for entry in reversed(self._mine()):
            if entry.event == DepartureCertified.event:
                return None
            if entry.event == DepartureAnswered.event:
                facts = reading(entry)
                return {n: facts.text(n) for n in ("answer", "answered_by")}
        return None

    def conclude(self) -> Json:
        """Whether it came to its end: the evidence is asked, not Airflow. Raises AnswerError."""
        mine = self._mine()
        certified = any(e.event == DepartureCertified.event for e in mine)
        answer = self.answer()
        if not certified or answer is None:
            raise AnswerError(
                "there is no certificate for this departure"
                if not certified
                else "nobody answered the certificate of this departure",
                to=f"departure {self._id}",
                safe="The account and all backups are as they were. Nothing was deactivated.",
                todo="Do not deactivate the account. Open the first red task above and do what its log says.",
            )
        return {**answer, "deactivated": False}

    # -- parts -------------------------------------------------------------------------------------

    @property
    def _requested_at(self) -> str:
        return to_text(get_current_context()["dag_run"].run_after)

    def _account(self, taken: Json) -> tuple[Account, EvidenceEntry]:
        """What the worker counted in this run."""
        source = taken["source"]
        vault = self._wiring.vault("operations", self._config.row(source).destination)

        def is_it(entry: EvidenceEntry) -> bool:
            return entry.event == AccountInventoried.event and entry.subject == self._id

        found = newest_entries(vault.store, vault.trust, worker_stream(source), is_it, limit=2_000)
        for resolved in reversed(found.objects):
            if is_it(resolved.value):
                return Account.of(unpacked(open_detail(vault, resolved.value))), resolved.value
        raise StagingError(
            "what the worker counted is not in the evidence",
            to=f"departure {self._id}",
            todo="Clear `inventory_user` with what follows.",
        )

    def _pulled(self, task_id: str) -> Json:
        found: Json | None = get_current_context()["ti"].xcom_pull(task_ids=task_id)
        if found is None:
            raise AnswerError(
                f"`{task_id}` left nothing for this task", to=f"departure {self._id}",
                safe="Nothing was changed.", todo=f"Clear `{task_id}` with what follows.",
            )  # fmt: skip
        return found


def _remarks(form: Mapping[str, Any]) -> dict[str, str] | None:
    text = str(form.get(REMARKS) or "")[:LONGEST]
    return {"remarks": text} if text else None
