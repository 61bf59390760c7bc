"""The factory: from the firms' folders to DAGs.

A DAG file may run for two reasons. The DAG processor wants every DAG. A task that starts wants its own,
and says so (the parsing context): then only that firm's two documents are read, and only that DAG is
built, so that two hundred DAGs of other firms do not delay it.

Whatever is wrong in one row or one firm costs that row or firm its DAGs and nobody else's: in their
place stand DAGs of the same ids that say what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from muniment.airflow.backup_dag import build_backup
from muniment.airflow.canary_dag import build_canary
from muniment.airflow.checkpoint_dag import build_checkpoint
from muniment.airflow.config_error_dag import build_config_error
from muniment.airflow.departure_dag import build_departure
from muniment.airflow.discovery_dag import build_discovery
from muniment.airflow.drill_dag import build_drill
from muniment.airflow.names import backup_dag, firm_dag, firm_of, safe
from muniment.airflow.restore_dag import build_restore
from muniment.airflow.settings import firms_root
from muniment.airflow.verification_dag import build_verification
from muniment.airflow.watch_dag import build_watch
from muniment.config.issues import as_error
from muniment.config.load import FirmConfig, list_firms, load_firm, source_ids
from muniment.errors import ConfigError

Dags = dict[str, DAG]


def backup_dags() -> Dags:
    """`{firm}__{source}__backup` of every inventory row that Muniment backs up, or should."""
    dags: Dags = {}
    for folder in _folders():
        config = _load(folder)
        if isinstance(config, ConfigError):
            for source in source_ids(folder):
                dag_id = backup_dag(folder.name, source)
                _add(dags, dag_id, _refusal(dag_id, folder.name, f"source {source}", config))
            continue
        for row in config.protected:
            _add(dags, backup_dag(config.firm_id, row.source_id), _backup(config, row.source_id))
        for bad in config.errors:
            dag_id = backup_dag(config.firm_id, bad.label)
            subject = f"inventory row {bad.row}"
            zone = config.firm.time_zone
            _add(dags, dag_id, _refusal(dag_id, config.firm_id, subject, bad.error(), zone))
    return dags


def restore_dags() -> Dags:
    """`{firm}__restore_matter` of every firm that can be read."""
    return _one_a_firm("restore_matter", build_restore)


def checkpoint_dags() -> Dags:
    """`{firm}__checkpoint` of every firm that can be read."""
    return _one_a_firm("checkpoint", build_checkpoint)


def verification_dags() -> Dags:
    """`{firm}__verification` of every firm that can be read."""
    return _one_a_firm("verification", build_verification)


def drill_dags() -> Dags:
    """`{firm}__recovery_drill` of every firm that can be read."""
    return _one_a_firm("recovery_drill", build_drill)


def discovery_dags() -> Dags:
    """`{firm}__discovery` of every firm that can be read."""
    return _one_a_firm("discovery", build_discovery)


def departure_dags() -> Dags:
    """`{firm}__departure` of every firm that can be read."""
    return _one_a_firm("departure", build_departure)


def watch_dags() -> Dags:
    """`{firm}__watch` of every firm that can be read. Of one that cannot there is none, and its silence
    is told by whoever watches from outside."""
    return _one_a_firm("watch", build_watch)


def canary_dags() -> Dags:
    """`{firm}__canary` of every firm that can be read."""
    return _one_a_firm("canary", build_canary)


def configuration_dags() -> Dags:
    """`{firm}__configuration`, only while something in the firm's documents is wrong that belongs to
    no single source."""
    dags: Dags = {}
    for folder in _folders():
        config = _load(folder)
        dag_id = firm_dag(folder.name, "configuration")
        if isinstance(config, ConfigError):
            subject = f"firm {folder.name}"
            _add(dags, dag_id, _refusal(dag_id, folder.name, subject, config))
        elif config.issues:
            error = as_error(config.issues)
            zone = config.firm.time_zone
            _add(dags, dag_id, _refusal(dag_id, folder.name, "what is named below", error, zone))
    return dags


# -- parts -----------------------------------------------------------------------------------------


def _one_a_firm(kind: str, build: Callable[[FirmConfig], DAG]) -> Dags:
    dags: Dags = {}
    for folder in _folders():
        config = _load(folder)
        if isinstance(config, FirmConfig):
            _add(dags, firm_dag(config.firm_id, kind), lambda c=config: build(c))  # type: ignore[misc]
    return dags


def _folders() -> Iterator[Path]:
    """The firms' folders that matter to whoever parses."""
    wanted = get_parsing_context().dag_id
    for folder in list_firms(firms_root()):
        if wanted is None or firm_of(wanted) == safe(folder.name):
            yield folder


def _load(folder: Path) -> FirmConfig | ConfigError:
    try:
        return load_firm(folder)
    except ConfigError as error:
        return error


def _add(dags: Dags, dag_id: str, build: Callable[[], DAG]) -> None:
    wanted = get_parsing_context().dag_id
    # The first one keeps a name: that two rows would share it is an error of the second.
    if dag_id not in dags and wanted in (None, dag_id):
        dags[dag_id] = build()


def _backup(config: FirmConfig, source_id: str) -> Callable[[], DAG]:
    return lambda: build_backup(config, config.row(source_id))


def _refusal(
    dag_id: str, firm_id: str, subject: str, error: ConfigError, zone: str = "UTC"
) -> Callable[[], DAG]:
    return lambda: build_config_error(dag_id, firm_id, subject, error, zone)
