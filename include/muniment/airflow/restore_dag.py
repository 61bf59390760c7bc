"""The restore DAG of a firm: a form, a plan, approval, delivery source by source, a certificate.

Deliveries go below the restore area. Only where the form says so, and an account of its own may, files go into a new
folder of a share, or a matter is then written back into Clio, NetDocuments or Microsoft 365 as new objects. The last two tasks run whatever became of the deliveries, so that a half
restore is told as one, and is red.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.common import dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import APPROVE_TASK, LABEL_OF_PART, REPORT, firm_dag, tags
from muniment.airflow.release_approval import RestoreApproval, Work
from muniment.airflow.restore_request import (
    FOLDER,
    OBJECT_ID,
    OPAQUE_MATTER,
    REASON_WORDS,
    WHO_TRIGGERS,
    Form,
    Reason,
    What,
)
from muniment.airflow.settings import restore_placement
from muniment.airflow.words import APPROVE, RESTORE
from muniment.config.approvals import Approvals, approvers
from muniment.config.load import FirmConfig

if TYPE_CHECKING:
    from muniment.airflow.restore_tasks import RestoreTasks

HOUR = timedelta(hours=1)


def build_restore(config: FirmConfig) -> DAG:
    """`{firm}__restore_matter`."""
    dag_id = firm_dag(config.firm_id, "restore_matter")
    with DAG(
        dag_id,
        schedule=None,
        **dag_arguments(
            owner="muniment",
            description=f"Gives back a matter, an item or a source of {config.firm_id}",
            doc_md=RESTORE.format(firm=config.firm_id),
            tags=tags(config.firm_id, "restore"),
            params=restore_form(config),
        ),
    ) as dag:
        _lay_out(config, dag_id)
    return dag


def restore_form(config: FirmConfig) -> dict[str, Param]:
    """The form. What is enforced here is checked again by the first task: not every way to trigger a
    run goes through the form, and Airflow does not check times."""
    numbers = config.firm.labels.matter_numbers
    which: dict[str, Any] = {} if numbers else {"pattern": f"^({OPAQUE_MATTER}|[0-9a-f]{{32}})?$"}
    number = "a matter's number (2024-0113) or id (M-...)" if numbers else "a matter's id (M-...)"
    sources = sorted(row.source_id for row in config.protected)
    return {
        "what": Param(
            What.MATTER.value,
            type="string",
            enum=[str(what) for what in What],
            values_display={
                "matter": "A matter, from all its systems",
                "item": "One item, by its id",
                "source": "Whole sources",
            },
            title="What",
        ),
        "which": Param(
            None,
            type=["null", "string"],
            maxLength=64,
            title="Which one",
            description=f"For a matter: {number}. For an item: its id. Never a client's name.",
            **which,
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="The state of that time, on the clock that Airflow's own menu (at the lower "
            "left) is set to. Empty: the newest.",
        ),
        "last_clean": Param(
            False,
            type="boolean",
            title="As of the last clean snapshots",
            description="In place of a time: before anything that looks like an attack "
            "(docs/ANOMALIES.md). All sources as of one moment.",
        ),
        "sources": Param(
            [],
            type=["array", "null"],
            items={"type": "string", "enum": sources} if sources else {"type": "string"},
            examples=sources,
            title="From which sources",
            description="Empty: from all that have something of it.",
        ),
        "reason": Param(
            Reason.LOST_OR_DELETED.value,
            type="string",
            enum=[str(reason) for reason in Reason],
            values_display={str(k): v for k, v in REASON_WORDS.items()},
            title="Why",
        ),
        "deliver_as": Param(
            Form.ITEMS.value,
            type="string",
            enum=[str(form) for form in Form],
            values_display={
                "items": "The items as they are",
                "share": "The items as they are, onto a share of their file server, in a new folder",
                "matter_file": "A matter file to read: pages, calendar, tables, index.html",
                "clio": "A matter file, and written back into Clio as a new matter",
                "clio_existing": "A matter file, and what the matter in Clio lacks written into it",
                "netdocuments": "A matter file, and what is gone from NetDocuments made there anew",
                "netdocuments_versions": "The same, and new versions of what differs in NetDocuments",
                "m365": "A matter file, and written back into Microsoft 365, into new folders",
            },
            title="Deliver as",
            description="All but the first two are for a matter only. Onto a share goes what came from a Windows file "
            "server, with its permissions; it needs an account of its own (docs/SMB.md). Writing into Clio, NetDocuments or "
            "Microsoft 365 needs an application of its own (docs/CLIO.md, docs/NETDOCUMENTS.md, docs/M365.md). Trust and other "
            "money is never written.",
        ),
        "mailbox": Param(
            None,
            type=["null", "string"],
            pattern=f"^({OBJECT_ID})?$",
            title="Mailbox",
            description="For Microsoft 365: who takes what has no mailbox or OneDrive any more, by the object id that Entra "
            "shows. Empty: nobody, and a mailbox that is gone stops the restore.",
        ),
        "deliver_to": Param(
            None,
            type=["null", "string"],
            pattern=f"^({FOLDER})?$",
            title="Deliver to",
            description="A folder below the restore area, or the new one on the share. Empty: a new one. Never a client's "
            "name.",
        ),
        "for_whom": Param(
            WHO_TRIGGERS,
            type="string",
            enum=[WHO_TRIGGERS, *sorted(config.firm.people)],
            title="For whom",
            description="Who receives it, of firm.yaml's people. It is sealed to this person's key, and walls are asked "
            "for this person too.",
        ),
        "plain": Param(
            False,
            type="boolean",
            title="Not sealed",
            description="Files in the clear, which whoever reads the restore area can read. For a person without a key "
            "(`recipient` in firm.yaml). The plan says so.",
        ),
        "overwrite": Param(
            False,
            type="boolean",
            title="Replace files of the same name",
            description="In the folder of the delivery only.",
        ),
    }


def respondents(config: FirmConfig) -> dict[str, str]:
    """Airflow user -> id of `people`: approvers, custodians, and who may break the glass."""
    firm = config.firm
    if firm.approvals is None:
        return {}
    who = {*approvers(firm), *firm.approvals.break_glass, *(p.custodian for p in firm.matters)}
    return {person.login: id_ for id_, person in firm.people.items() if id_ in who and person.login}


def _lay_out(config: FirmConfig, dag_id: str) -> None:
    def firm() -> RestoreTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.restore_tasks import RestoreTasks

        return RestoreTasks(config, dag_id)

    def approval() -> Work:
        from muniment.airflow.release_work import ReleaseWork

        return ReleaseWork(firm(), get_current_context()["ti"].xcom_pull(task_ids="plan"))

    with_keys = restore_placement()
    always: dict[str, Any] = {"trigger_rule": TriggerRule.ALL_DONE}

    @task(execution_timeout=6 * HOUR, retries=2, **with_keys)
    @plainly
    def plan() -> Any:
        return firm().plan()

    # A restore that needs no approval skips it; one that does finds no release when `approve` is passed over.
    @task(trigger_rule=TriggerRule.NONE_FAILED, **with_keys)
    @plainly
    def sources(planned: Any) -> Any:
        return firm().sources(planned)

    @task(execution_timeout=24 * HOUR, map_index_template=LABEL_OF_PART, **with_keys)
    @plainly
    def restore(part: Any, planned: Any) -> Any:
        return firm().restore(part, planned)

    @task(execution_timeout=24 * HOUR, retries=2, **with_keys)
    @plainly
    def write_back(planned: Any) -> Any:
        if not firm().writes_back():
            raise AirflowSkipException("this delivery is not written back into a system")
        return firm().write_back(planned)

    @task(**always, **with_keys)
    @plainly
    def certificate() -> Any:
        pull = get_current_context()["ti"].xcom_pull
        planned, listed = pull(task_ids="plan"), pull(task_ids="sources")
        if not planned or not listed:
            raise AirflowSkipException("nothing was delivered: see the first red task")
        indexes = list(range(len(listed)))
        return firm().certificate(
            planned,
            pull(task_ids="restore", key=REPORT, map_indexes=indexes) or (),
            pull(task_ids="write_back", key=REPORT) or (),
        )

    @task(**always)
    @plainly
    def notify() -> None:
        pull = get_current_context()["ti"].xcom_pull
        firm().notify(pull(task_ids="plan"), pull(task_ids="certificate"))

    planned = plan()
    approve = RestoreApproval(
        task_id=APPROVE_TASK,
        doc_md=APPROVE,
        respondents=respondents(config),
        work=approval,
        response_timeout=(config.firm.approvals or Approvals()).time_out,
        glass=bool(config.firm.approvals and config.firm.approvals.break_glass),
        **with_keys,
    )
    parts = sources(planned)
    planned >> approve >> parts
    delivered = restore.partial(planned=planned).expand(part=parts)
    delivered >> write_back(planned) >> certificate() >> notify()
