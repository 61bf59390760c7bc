"""DepartureLooks: the worker's part of a departure - what an account has, and the backup in which it is read afresh."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import get_current_context
from msgspec import to_builtins

from muniment.airflow.departure_dag import (
    DELEGATES,
    FORWARDING,
    HOLD,
    SOURCE,
    WHO,
    tenants,
)
from muniment.airflow.departure_words import question_of
from muniment.airflow.names import engine_run_id
from muniment.airflow.question import Told, require_answerable
from muniment.airflow.stores import open_destination, source_login
from muniment.assurance.departure import compare
from muniment.backup.pipeline import back_up
from muniment.clock import to_text
from muniment.config.load import FirmConfig
from muniment.config.persons import person_of
from muniment.errors import (
    AnswerError,
    BackupIncomplete,
    ConfigError,
)
from muniment.evidence.departures import (
    DEPARTURES,
    AccountInventoried,
    DepartureConfirmed,
)
from muniment.evidence.discovery import packed
from muniment.evidence.events import reading, write
from muniment.evidence.recording import recorded_run
from muniment.ids import thing_id
from muniment.sources.m365.account import find, inventory, listed
from muniment.sources.m365.afresh import Owners
from muniment.sources.m365.source import M365Source
from muniment.sources.roster import ThingKind
from muniment.vault import names
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import load_stream, worker_stream
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)

Json = dict[str, Any]


class DepartureLooks:
    """Departures of one firm. `dag_id` is the id of the DAG."""

    def __init__(self, config: FirmConfig, dag_id: str) -> None:
        self._config = config
        self._wiring = Wiring(config, open_destination, login=source_login)
        self._dag_id = dag_id

    # -- the worker's part -------------------------------------------------------------------------

    def inventory_user(self, confirms: Mapping[str, str], signs_off: Mapping[str, str]) -> Json:
        """Counts what the account has; the names go sealed into the worker's evidence.

        Raises ConfigError where the form names nobody or nobody may answer, SourceError, StoreError.
        """
        require_answerable(confirms, "the office manager, the managing partner or the deputy")
        require_answerable(signs_off, "the office manager")
        form = get_current_context()["params"]
        source_id = self._source(form.get(SOURCE))
        wanted = str(form.get(WHO) or "")
        source = self._tenant(source_id)
        account = inventory(source.client, source.rights().roles, find(source.client, wanted))
        vault = self._wiring.vault("worker", self._config.row(source_id).destination)
        key = vault.keyring.id_key(names.MATTERS_ID_KEY)
        tenant = f"m365:{source.client.tenant.id.lower()}"
        user = thing_id(key, tenant, ThingKind.USER, account.id)
        event = AccountInventoried(self._id, source_id, user, self._requested_by, account.told())
        write(vault, worker_stream(source_id), event, packed(account.as_dict()))
        for what, count in sorted(account.told().items()):
            log.info("%s: %s", what, f"{count:,}")
        if account.unasked:
            log.warning("The application may not list: %s", ", ".join(account.unasked))
        return {
            "source": source_id,
            "user": user,
            "account": account.id,
            "drives": list(account.drives),
            "counts": account.told(),
            "at": to_text(vault.clock.now()),
            "subject": f"Departure of {user} from {self._config.firm_id}: legal hold, delegates, forwarding",
            "body": question_of(user, account, self._id),
        }

    def full_backup(self, taken: Json) -> Json:
        """Reads the account whole and fetches all of it anew, in a snapshot like any other; then asks the vendor once
        more and looks for every id in it.

        Raises AnswerError where nobody confirmed, BackupIncomplete where a part was not taken, SourceError, StoreError.
        """
        source_id = taken["source"]
        self._require_confirmed(self._wiring.vault("worker"))
        owners = Owners(taken["account"], taken["drives"])
        context = get_current_context()
        run_id = engine_run_id(f"{self._dag_id}/{context['ti'].try_number}", str(context["run_id"]))
        run = self._wiring.backup_run(source_id, run_id, owners=owners)
        digests = self._config.digests
        with recorded_run(run.vault, source_id, run_id, digests) as outcomes:
            outcome = back_up(run)
            outcomes.append(outcome)
        log.info("Snapshot %d of %s: %s", outcome.seq, source_id, outcome.completeness)
        if outcome.unfinished or outcome.deferred_items:
            error = next(iter(run.failed.values()), None)
            raise BackupIncomplete(
                f"{len(outcome.unfinished)} shards are unfinished"
                + (f" ([{error.code}] {error.what})" if error else ""),
                to=f"source {source_id}, snapshot {outcome.seq}",
                safe="What was taken is committed. The account is as it was; do not deactivate it yet.",
                todo="Do what the code says, then clear this task with what follows.",
            )
        source = self._tenant(source_id)
        entries = listed(source.client, owners.user, owners.drives)
        found = compare(run.vault, source_id, entries, outcome.seq)
        log.info(
            "Of what the vendor lists the snapshot has %s items; made since it began: %s; lacking: %s",
            f"{sum(found.found.values()):,}", f"{found.later:,}", f"{found.lacking_count:,}",
        )  # fmt: skip
        return {"seq": outcome.seq, "commit": outcome.digest, "compared": to_builtins(found)}

    # -- parts -------------------------------------------------------------------------------------

    @property
    def _id(self) -> str:
        return engine_run_id(self._dag_id, str(get_current_context()["dag_run"].run_id))

    @property
    def _requested_by(self) -> str:
        login = str(getattr(get_current_context()["dag_run"], "triggering_user_name", None) or "")
        return person_of(self._config, login) or login

    @property
    def _home(self) -> Vault:
        return self._wiring.vault("operations")

    def _source(self, named: object) -> str:
        known = tenants(self._config)
        source = str(named or (known[0] if known else ""))
        if source not in known:
            raise ConfigError(
                "no source of this firm backs up accounts of Microsoft 365"
                if not known
                else "the form names a source that backs up no accounts of Microsoft 365",
                to=f"firm {self._config.firm_id}, inventory.csv",
                safe="Nothing was read and nothing was changed.",
                todo="Choose one of the form's sources, or add a row with the system m365.",
            )
        return source

    def _tenant(self, source_id: str) -> M365Source:
        source = self._wiring.source(source_id)
        assert isinstance(source, M365Source)
        return source

    def _require_confirmed(self, vault: Vault) -> Told:
        """Raises AnswerError: what Airflow says of `confirm` is no confirmation."""
        confirmed = confirmed_in(self._mine(vault))
        if confirmed is None:
            raise AnswerError(
                "nobody confirmed legal hold, delegates and forwarding",
                to=f"departure {self._id}",
                safe="Nothing was changed.",
                todo="Clear `confirm` with what follows, and do not mark it: only an answer counts.",
            )
        return confirmed

    def _mine(self, vault: Vault | None = None) -> list[EvidenceEntry]:
        vault = vault or self._home
        entries = load_stream(vault.store, vault.trust, DEPARTURES).events()
        return [e for e in entries if e.subject == self._id]


def confirmed_in(entries: Sequence[EvidenceEntry]) -> Told | None:
    for entry in reversed(entries):
        if entry.event == DepartureConfirmed.event:
            facts = reading(entry)
            return {n: facts.text(n) for n in (HOLD, DELEGATES, FORWARDING, "confirmed_by")}
    return None
