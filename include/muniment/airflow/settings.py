"""What an installation decides for the Airflow door, by its environment; every value has a default.

MUNIMENT_FIRMS          folder with one folder a firm; default: `firms` beside the package
MUNIMENT_UPLOAD_POOL    pool of the `upload` tasks; default: Airflow's own `default_pool`
MUNIMENT_RESTORE_QUEUE  queue of tasks that hold the operations keys; default: Airflow's default queue
MUNIMENT_RESTORES       folder below which restores are delivered, one folder a firm; no default
MUNIMENT_SCRATCH        folder in which verifications restore and remove again; default: in AIRFLOW_HOME
MUNIMENT_SANDBOX        folder in which drills restore until the partner answered; default: in AIRFLOW_HOME
MUNIMENT_REPORTS        folder with the Data Docs of verifications and the plans of restores; default: in AIRFLOW_HOME

Where several machines work on the restore queue, they share MUNIMENT_SCRATCH and MUNIMENT_SANDBOX;
MUNIMENT_REPORTS is read by the API server too.

A pool or queue that does not exist makes a task wait for ever, hence the defaults that always do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import muniment
from muniment.airflow.names import engine_run_id
from muniment.errors import ConfigError

SHARDS_AT_ONCE = 2
"""Shards of one source that are read at a time: a shard that has begun is finished before another
begins, so staging holds a few shards and not the whole firm."""


def firms_root() -> Path:
    """The folder that holds the firms' folders."""
    configured = os.environ.get("MUNIMENT_FIRMS")
    if configured:
        return Path(configured)
    return Path(muniment.__file__).resolve().parents[1] / "firms"


def upload_placement() -> dict[str, Any]:
    """Operator arguments of tasks that send to the store."""
    pool = os.environ.get("MUNIMENT_UPLOAD_POOL")
    return {"pool": pool} if pool else {}


def restore_placement() -> dict[str, Any]:
    """Operator arguments of tasks that need the operations keys."""
    queue = os.environ.get("MUNIMENT_RESTORE_QUEUE")
    return {"queue": queue} if queue else {}


def restore_area(firm_id: str) -> Path:
    """Where this firm's restores are delivered: never a production system.

    Raises ConfigError when the installation names none.
    """
    configured = os.environ.get("MUNIMENT_RESTORES")
    if not configured or not Path(configured).is_absolute():
        raise ConfigError(
            "no folder is named below which restores may be delivered",
            to=f"firm {firm_id}, environment variable MUNIMENT_RESTORES",
            todo="Set MUNIMENT_RESTORES on the workers to an absolute path outside every source, "
            "then clear this task.",
        )
    return Path(configured) / firm_id


def scratch_area(firm_id: str) -> Path:
    """Where this firm's verifications restore to, for minutes."""
    return _own_folder("MUNIMENT_SCRATCH", "scratch") / firm_id


def sandbox_area(firm_id: str) -> Path:
    """Where this firm's drills restore to, until the managing partner has answered."""
    return _own_folder("MUNIMENT_SANDBOX", "sandbox") / firm_id


def reports_area(firm_id: str) -> Path:
    """Where the pages of this firm's verifications and restores are kept: counts and opaque ids."""
    return _own_folder("MUNIMENT_REPORTS", "reports") / firm_id


PLAN_PAGE = "plan.html"


def plan_folder(firm_id: str, dag_id: str, airflow_run: str) -> Path:
    """Where the page of a restore's plan stands; the name is a digest of both ids, so neither is part of a path."""
    return reports_area(firm_id) / f"restore-{engine_run_id(dag_id, airflow_run)}"


def _own_folder(variable: str, name: str) -> Path:
    configured = os.environ.get(variable)
    if not configured:
        from airflow.configuration import AIRFLOW_HOME

        return Path(AIRFLOW_HOME) / "muniment" / name
    if not Path(configured).is_absolute():
        raise ConfigError(
            "this folder is not named by an absolute path",
            to=f"environment variable {variable}",
            todo="Name it from the root on, for every process of Airflow, and clear this task.",
        )
    return Path(configured)
