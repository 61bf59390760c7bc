"""The departure DAG of a firm: everything of somebody who leaves is backed up, restored, compared and certified.

It deactivates nothing: the certificate is for the office manager, who answers it. Who asks the vendor is a worker, who restores
and signs holds operations' keys; between them go counts, opaque ids and the vendor's ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, task

from muniment.airflow.common import dag_arguments
from muniment.airflow.departure_words import DEPARTURE
from muniment.airflow.failures import plainly
from muniment.airflow.names import firm_dag, tags
from muniment.airflow.question import Question, Told
from muniment.airflow.settings import restore_placement
from muniment.config.load import FirmConfig

if TYPE_CHECKING:
    from muniment.airflow.departure_tasks import DepartureTasks

HOUR = timedelta(hours=1)
AT_ONCE = 8
"""Departures that may wait for people. Of a firm's only one is backed up, and only one restored, at a time."""
SOURCE, WHO = "source", "who"
"""Fields of the form."""
HOLD, DELEGATES, FORWARDING, REMARKS = "hold", "delegates", "forwarding", "remarks"
"""Fields below the question."""
CONFIRM, STOP = "Confirm", "Stop"
DEACTIVATE, NOT_YET = "I will deactivate it", "Not yet"
SYSTEM = "m365"


def build_departure(config: FirmConfig) -> DAG:
    """`{firm}__departure`."""
    dag_id = firm_dag(config.firm_id, "departure")
    arguments = dag_arguments(
        owner="muniment",
        description=f"Somebody leaves {config.firm_id}: backed up whole, proven, certified; nothing is deactivated",
        doc_md=DEPARTURE.format(firm=config.firm_id),
        tags=tags(config.firm_id, "departure"),
        params=departure_form(config),
    )
    # It waits for two people, be it for days; so several may be open, each for somebody else.
    more = {"dagrun_timeout": None, "max_active_runs": AT_ONCE}
    with DAG(dag_id, schedule=None, **{**arguments, **more}) as dag:
        _lay_out(config, dag_id)
    return dag


def departure_form(config: FirmConfig) -> dict[str, Param]:
    sources = tenants(config)
    only: dict[str, Any] = {"enum": sources} if sources else {}
    return {
        WHO: Param(
            None,
            type=["null", "string"],
            maxLength=320,
            title="Who leaves",
            description="The address of the account in Microsoft 365, or its id. It stays in Airflow's own database.",
        ),
        SOURCE: Param(
            sources[0] if sources else None,
            type=["null", "string"],
            title="In which tenant",
            description="The source of the inventory that backs the account up.",
            **only,
        ),
    }


def tenants(config: FirmConfig) -> list[str]:
    """The sources whose accounts can be certified."""
    return [row.source_id for row in config.protected if row.system == SYSTEM]


def confirm_form() -> dict[str, Param]:
    """The fields below the first question. Airflow takes whatever is answered; the engine judges it."""
    said = {
        "": "(not answered)",
        "none": "I looked: there is none",
        "dealt_with": "There is, and it is dealt with",
    }
    fields = {
        HOLD: ("Legal hold", "Is anything of this person under a legal hold, in Purview or by word of a court? Dealt with: it stays on hold when the account goes."),
        DELEGATES: ("Delegates", "Who may open the mailbox or send in its name, in the Exchange admin center. Dealt with: they know, and somebody else has what they need."),
        FORWARDING: ("Forwarding", "Of the mailbox itself (Exchange admin center: no program can see it here) and by rules. Dealt with: it ends, or is meant to stay."),
    }  # fmt: skip
    found = {
        name: Param(
            "",
            type="string",
            enum=list(said),
            values_display=said,
            title=title,
            description=description,
        )
        for name, (title, description) in fields.items()
    }
    return {**found, REMARKS: remarks_field()}


def remarks_field() -> Param:
    return Param(
        "",
        type=["null", "string"],
        format="multiline",
        title="Remarks",
        description="Sealed in the evidence; Airflow's own database keeps them too, so no client's name.",
    )


def who_confirms(config: FirmConfig) -> dict[str, str]:
    """Airflow user -> id of `people`: the office manager, the managing partner and the deputy."""
    roles = config.firm.roles
    return _known(config, roles.office_manager, roles.managing_partner, roles.deputy)


def who_signs_off(config: FirmConfig) -> dict[str, str]:
    """The office manager; where firm.yaml names none whom Airflow knows, the managing partner and the deputy."""
    roles = config.firm.roles
    return _known(config, roles.office_manager) or _known(config, roles.managing_partner, roles.deputy)  # fmt: skip


def _known(config: FirmConfig, *persons: str | None) -> dict[str, str]:
    people = config.firm.people
    return {str(people[p].login): p for p in persons if p and p in people and people[p].login}


def _lay_out(config: FirmConfig, dag_id: str) -> None:
    def firm() -> DepartureTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.departure_tasks import DepartureTasks

        return DepartureTasks(config, dag_id)

    with_keys = restore_placement()
    alone: dict[str, Any] = {"max_active_tis_per_dag": 1}

    @task(execution_timeout=6 * HOUR)
    @plainly
    def inventory_user() -> Any:
        return firm().inventory_user(who_confirms(config), who_signs_off(config))

    def confirmed(option: str, person: str, form: Mapping[str, Any]) -> Told:
        return firm().confirmed(option, person, form)

    confirm = Question(
        task_id="confirm",
        respondents=who_confirms(config),
        who="the office manager, the managing partner or the deputy",
        choices=(CONFIRM, STOP),
        before=lambda: firm().open_departure(),
        tell=lambda: firm().mail_question(
            "inventory_user", "confirm", who_confirms(config).values()
        ),
        record=confirmed,
        recorded=lambda: firm().confirmation(),
        params=confirm_form(),
        subject="{{ ti.xcom_pull(task_ids='inventory_user')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='inventory_user')['body'] }}",
        execution_timeout=None,
        **with_keys,
    )

    @task(execution_timeout=48 * HOUR, **alone)
    @plainly
    def full_backup(taken: Any) -> Any:
        return firm().full_backup(taken)

    @task(execution_timeout=24 * HOUR, retries=2, **alone, **with_keys)
    @plainly
    def verify(taken: Any, backed_up: Any) -> Any:
        return firm().verify(taken, backed_up)

    @task(retries=2, **with_keys)
    @plainly
    def certify(taken: Any, backed_up: Any, restored: Any) -> Any:
        return firm().certify(taken, backed_up, restored)

    def answered(option: str, person: str, form: Mapping[str, Any]) -> Told:
        return firm().answered(option, person, form)

    sign_off = Question(
        task_id="sign_off",
        respondents=who_signs_off(config),
        who="the office manager",
        choices=(DEACTIVATE, NOT_YET),
        tell=lambda: firm().mail_question("certify", "sign_off", who_signs_off(config).values()),
        record=answered,
        recorded=lambda: firm().answer(),
        params={REMARKS: remarks_field()},
        subject="{{ ti.xcom_pull(task_ids='certify')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='certify')['body'] }}",
        execution_timeout=None,
        **with_keys,
    )

    @task(trigger_rule=TriggerRule.ALL_DONE, **with_keys)
    @plainly
    def conclude() -> Any:
        return firm().conclude()

    taken = inventory_user()
    backed_up = full_backup(taken)
    restored = verify(taken, backed_up)
    certified = certify(taken, backed_up, restored)
    taken >> confirm >> backed_up
    certified >> sign_off >> conclude()
