"""The DAG in place of one that cannot be built: it says why, and fails until that is mended.

Airflow's own import errors belong to files; a factory's file is many DAGs. And it fails on a schedule,
because a source that is not backed up must be red every day, not merely absent.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task

from muniment.airflow.common import cron, dag_arguments
from muniment.airflow.failures import plainly
from muniment.airflow.names import tags
from muniment.airflow.words import CONFIG_ERROR
from muniment.errors import ConfigError

DAILY = "0 1 * * *"


def build_config_error(
    dag_id: str, firm_id: str, subject: str, error: ConfigError, zone: str = "UTC"
) -> DAG:
    """A DAG tagged `config-error` whose documentation is the error and whose one task raises it.

    `subject` says in words what is not backed up while it is there.
    """
    with DAG(
        dag_id,
        schedule=cron(DAILY, zone),
        **dag_arguments(
            owner="muniment",
            description="The configuration is wrong: see the documentation of this DAG",
            doc_md=CONFIG_ERROR.format(firm=firm_id, subject=subject, error=error.render()),
            tags=[*tags(firm_id, "config-error"), "config-error"],
        ),
    ) as dag:

        @task(execution_timeout=timedelta(minutes=5))
        @plainly
        def configuration() -> None:
            raise error

        configuration()
    return dag
