"""The recovery drill of a firm: every quarter something comes back on an empty folder, and a lawyer looks at it.

The run stays open until the managing partner has answered; what was restored stands in the sandbox for
that long. The sandbox is removed whatever became of the drill.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TriggerRule, task

from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import AS_OF, SCENARIO, SEED, firm_dag, tags
from muniment.airflow.partner_review import OPTIONS, WHO, remarks_of, review_form
from muniment.airflow.question import Question, Told
from muniment.airflow.settings import restore_placement
from muniment.airflow.words import DRILL
from muniment.config.load import FirmConfig
from muniment.model.drill import Scenario

if TYPE_CHECKING:
    from muniment.airflow.drill_tasks import DrillTasks

HOUR = timedelta(hours=1)
QUARTERLY = "0 10 12 1,4,7,10 *"
"""The 12th of the first month of each quarter, ten o'clock: early enough to hold it again in the same quarter, and in
office hours, for a lawyer has to look at it. Cron has no second Tuesday."""


def build_drill(config: FirmConfig) -> DAG:
    """`{firm}__recovery_drill`."""
    dag_id = firm_dag(config.firm_id, "recovery_drill")
    arguments = dag_arguments(
        owner="muniment",
        description=f"Practises the worst day of {config.firm_id}: a restore, timed and looked at",
        doc_md=DRILL.format(firm=config.firm_id),
        tags=tags(config.firm_id, "drill"),
        params=drill_form(),
    )
    # It stays open until somebody answers, be it weeks; the watch tells of that.
    with DAG(
        dag_id,
        schedule=cron(QUARTERLY, config.firm.time_zone),
        **{**arguments, "dagrun_timeout": None},
    ) as dag:
        _lay_out(config, dag_id)
    return dag


def drill_form() -> dict[str, Param]:
    return {
        SCENARIO: Param(
            Scenario.MATTER.value,
            type="string",
            enum=[str(s) for s in Scenario if s is not Scenario.RECOVERY_KIT],
            values_display={
                "matter": "A matter is lost: it comes back from all its systems",
                "item": "One document is lost",
                "source": "A server is lost: one source comes back whole",
                "ransomware": "A source was encrypted: it comes back as it was before",
            },
            title="What has happened",
        ),
        AS_OF: Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="As of",
            description="The state of that time, on the clock that Airflow's own menu is set to. Empty: "
            "the newest; for ransomware a snapshot is drawn that is older than the newest.",
        ),
        SEED: Param(
            None,
            type=["null", "integer"],
            minimum=0,
            maximum=(1 << 53) - 1,
            title="Seed",
            description="Draws the same as an earlier drill. Empty: a new one, which is recorded.",
        ),
    }


def respondents(config: FirmConfig) -> dict[str, str]:
    """Airflow user -> id of `people`: the managing partner, and the deputy."""
    roles, people = config.firm.roles, config.firm.people
    who = [p for p in (roles.managing_partner, roles.deputy) if p]
    return {str(people[p].login): p for p in who if p in people and people[p].login}


def _lay_out(config: FirmConfig, dag_id: str) -> None:
    def firm() -> DrillTasks:
        # The engine is imported where a task runs, and not by every parse.
        from muniment.airflow.drill_tasks import DrillTasks

        return DrillTasks(config, dag_id)

    def answered(option: str, person: str, form: Mapping[str, Any]) -> Told:
        answer = OPTIONS[option]
        firm().answered(answer, person, remarks_of(form))
        return {"answer": str(answer), "answered_by": person}

    with_keys = restore_placement()
    may_answer = respondents(config)

    @task(execution_timeout=6 * HOUR, **with_keys)
    @plainly
    def draw_matter() -> Any:
        return firm().draw_matter(may_answer)

    @task(**with_keys)
    @plainly
    def prepare_sandbox(drawn: Any) -> Any:
        return firm().prepare_sandbox(drawn)

    @task(execution_timeout=24 * HOUR, **with_keys)
    @plainly
    def restore(drawn: Any) -> Any:
        return firm().restore(drawn)

    @task(execution_timeout=12 * HOUR, **with_keys)
    @plainly
    def verify(drawn: Any) -> Any:
        return firm().verify(drawn)

    @task(trigger_rule=TriggerRule.ALL_DONE, **with_keys)
    @plainly
    def record_elapsed() -> Any:
        return firm().record_elapsed(may_answer)

    result = "ti.xcom_pull(task_ids='record_elapsed')"
    partner_review = Question(
        task_id="partner_review",
        respondents=may_answer,
        who=WHO,
        choices=list(OPTIONS),
        record=answered,
        recorded=lambda: firm().answer_given(),
        params=review_form(),
        subject=f"{{{{ {result}['subject'] }}}}",
        body=f"{{{{ {result}['body'] }}}}",
        execution_timeout=None,
        **with_keys,
    )

    @task(**with_keys)
    @plainly
    def wipe_sandbox() -> Any:
        return firm().wipe_sandbox()

    drawn = draw_matter()
    prepared = prepare_sandbox(drawn)
    restored = restore(drawn)
    # Without a setup: one that failed would keep `record_elapsed` from saying so. As the run's last word it
    # fails where the drill does not count.
    wiped = wipe_sandbox().as_teardown(on_failure_fail_dagrun=True)
    prepared >> restored >> verify(drawn) >> record_elapsed() >> partner_review >> wiped
