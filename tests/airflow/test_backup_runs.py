"""Backups through their DAG, from the first plan to the last task, and back out again."""

from __future__ import annotations

import pytest

from muniment.errors import StoreDenied
from tests.support.airflow_firm import AirflowFirm
from tests.support.practice import tree


def test_two_days(firm: AirflowFirm) -> None:
    firm.write("Matters/2024-0113 Harbor/letter.txt", "Dear counsel")
    first = firm.back_up_by_airflow()
    print(first.states(), first.labels("shard.upload"), first.xcom("record"))
    assert first.state == "success"
    second = firm.back_up_by_airflow()
    print(second.states())
    assert second.state == "success"
    r = firm.restore_by_airflow(what="source", sources=["files"])
    print(r.states(), r.xcom("certificate"))
    assert r.state == "success"
    assert tree(next(firm.restores.iterdir()) / "files") == tree(firm.share)
