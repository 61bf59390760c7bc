"""What is true of every DAG, and what a wrong document costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from muniment.airflow.failures import EngineRetryPolicy
from muniment.airflow.question import Question
from muniment.errors import ConfigError
from tests.support.airflow_firm import write_firm

if TYPE_CHECKING:
    from airflow.sdk import DAG

Bag = Callable[[], dict[str, "DAG"]]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def every_kind(firms: Path) -> None:
    """Firms with whatever can be right or wrong."""
    write_firm(firms / "first", {}, {"source_id": "archive", "frequency": "weekly sun 03:00"})
    write_firm(firms / "second", {}, {"source_id": "bad", "frequency": "now and then"})
    write_firm(firms / "third", more="nonsense: true\n")
    (firms / "fourth").mkdir()
    (firms / "fourth/firm.yaml").write_text("firm: [\n")


@pytest.mark.usefixtures("every_kind")
def test_every_dag_keeps_the_policy(bag: Bag) -> None:
    dags = bag()
    kinds = {tag for dag in dags.values() for tag in dag.tags if tag.startswith("kind:")}
    assert {"kind:backup", "kind:restore", "kind:checkpoint", "kind:config-error"} <= kinds
    for dag in dags.values():
        assert re.match(r"### If it failed\n", dag.doc_md or ""), dag.dag_id
        assert "docs/AIRFLOW.md" in (dag.doc_md or "")
        assert dag.description
        assert any(tag.startswith("firm:") for tag in dag.tags), dag.dag_id
        # Several people may leave at once, and each departure waits for its own answers.
        leaving = "kind:departure" in dag.tags
        assert dag.max_active_runs == (8 if leaving else 1)
        assert dag.catchup is False
        # A drill, and a departure, is open until somebody has answered, however long that takes.
        assert dag.dagrun_timeout or leaving or "kind:drill" in dag.tags, dag.dag_id
        for task in dag.tasks:
            name = f"{dag.dag_id}.{task.task_id}"
            assert task.owner not in ("", "airflow"), name
            assert task.retries >= 1, name
            assert task.retry_delay >= timedelta(minutes=1), name
            assert task.retry_exponential_backoff, name
            assert isinstance(task.retry_policy, EngineRetryPolicy), name
            assert task.execution_timeout or isinstance(task, Question), name
            assert task.weight_rule == "upstream", name


@pytest.mark.usefixtures("every_kind")
def test_every_dag_can_be_serialised(bag: Bag) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag().values():
        assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def test_a_source_is_a_dag_with_four_stages_for_each_shard(plain_firm: Path, bag: Bag) -> None:
    dag = bag()["practice__files__backup"]
    assert {"firm:practice", "kind:backup", "system:files", "class:critical"} == set(dag.tags)
    for before, after in (
        ("plan", "shard.extract"),
        ("shard.extract", "shard.encrypt"),
        ("shard.encrypt", "shard.upload"),
        ("shard.upload", "shard.validate_checksums"),
        ("shard.validate_checksums", "commit_snapshot"),
        ("commit_snapshot", "record"),
    ):
        assert before in dag.get_task(after).upstream_task_ids
    assert dag.get_task("purge_staging").is_teardown


def test_a_schedule_follows_the_clocks_of_the_firm(plain_firm: Path, bag: Bag) -> None:
    timetable: Any = bag()["practice__files__backup"].timetable
    assert (timetable.expression, str(timetable.timezone)) == ("0 2 * * *", "America/New_York")


def test_a_system_that_somebody_else_backs_up_has_no_dag(firms: Path, bag: Bag) -> None:
    other = {"source_id": "server", "system": "server", "backup_method": "veeam"}
    write_firm(firms / "practice", {}, other)
    dags = bag()
    assert [name for name in dags if name.endswith("__backup")] == ["practice__files__backup"]
    assert not [dag for dag in dags.values() if "config-error" in dag.tags]


def test_sets_that_somebody_else_makes_and_we_take_have_one(firms: Path, bag: Bag) -> None:
    sets = {"source_id": "sets", "system": "vendor_backup", "backup_method": "veeam"}
    write_firm(firms / "practice", {}, sets, {"source_id": "mail", "system": "mail_archive"})
    dag = bag()["practice__sets__backup"]
    assert "system:mail-archive" in bag()["practice__mail__backup"].tags
    server = {"source_id": "server", "system": "smb", "location": r"\\fileserver\Matters"}
    write_firm(firms / "practice", {}, server)
    assert "system:smb" in bag()["practice__server__backup"].tags
    assert "system:vendor-backup" in dag.tags and dag.has_task("shard.validate_checksums")


def test_a_bad_row_says_so_in_its_own_dag_and_harms_no_other(firms: Path, bag: Bag) -> None:
    write_firm(firms / "practice", {}, {"source_id": "archive", "retention": "for ever"})
    write_firm(firms / "other")

    dags = bag()

    bad = dags["practice__archive__backup"]
    assert "config-error" in bad.tags
    assert "inventory.csv, row 3, column retention" in (bad.doc_md or "")
    assert "for ever" not in (bad.doc_md or "")
    assert [task.task_id for task in bad.tasks] == ["configuration"]
    assert bad.timetable.can_be_scheduled
    assert "config-error" not in dags["practice__files__backup"].tags
    assert "other__files__backup" in dags


def test_a_firm_that_cannot_be_read_keeps_its_dag_ids_and_harms_no_other(
    firms: Path, bag: Bag
) -> None:
    folder = write_firm(firms / "practice", {}, {"source_id": "archive"})
    (folder / "firm.yaml").write_text("firm: practice\ntime_zone: [\n")
    write_firm(firms / "other")

    dags = bag()

    assert {name for name in dags if name.startswith("practice")} == {
        "practice__configuration",
        "practice__files__backup",
        "practice__archive__backup",
    }
    assert "firm.yaml" in (dags["practice__configuration"].doc_md or "")
    assert "other__restore_matter" in dags


def test_a_mistake_that_stops_no_source_is_seen(firms: Path, bag: Bag) -> None:
    write_firm(firms / "practice", more="alerts: {smtp: {connection: x}}\n")
    dags = bag()
    assert "config-error" in dags["practice__configuration"].tags
    assert "config-error" not in dags["practice__files__backup"].tags


@pytest.mark.usefixtures("tables")
def test_the_dag_of_a_bad_row_fails_with_its_error(
    firms: Path, bag: Bag, said: Callable[[], str]
) -> None:
    write_firm(firms / "practice", {"retention": "for ever"})
    run = bag()["practice__files__backup"].test()
    assert str(run.state) == "failed"
    assert ConfigError.code in said()
    assert [task.try_number for task in run.get_task_instances()] == [1]


def test_a_starting_task_builds_its_own_dag_only(
    firms: Path, bag: Bag, parsed_for: Callable[[str], None]
) -> None:
    for name in ("first", "second"):
        write_firm(firms / name, {}, {"source_id": "archive"})
    parsed_for("second__archive__backup")
    assert set(bag()) == {"second__archive__backup"}
    parsed_for("first__restore_matter")
    assert set(bag()) == {"first__restore_matter"}


def test_parsing_imports_no_engine_and_no_vendor(plain_firm: Path) -> None:
    import subprocess
    import sys

    program = (
        "import runpy, sys, airflow.sdk\n"
        "before = set(sys.modules)\n"
        "import muniment.airflow.factory\n"
        "dags = muniment.airflow.factory.backup_dags()\n"
        "assert dags, dags\n"
        "print('\\n'.join(set(sys.modules) - before))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    for name in ("boto3", "botocore", "cryptography", "zstandard", "pyarrow", "pandas", "requests"):
        assert name not in loaded
    assert not {m for m in loaded if m.startswith(("muniment.vault", "muniment.backup"))}


def test_dag_files_are_a_few_lines_and_airflow_finds_them() -> None:
    files = sorted((ROOT / "dags").glob("*.py"))
    names = {file.stem for file in files}
    assert {"backup", "restore_matter", "checkpoint", "configuration"} <= names
    for file in files:
        text = file.read_text()
        assert len(text.splitlines()) < 15
        # Airflow reads only files that hold both words.
        assert "dag" in text.lower() and "airflow" in text.lower()
