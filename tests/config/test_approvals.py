"""The part `approvals` of firm.yaml: what is refused, and that a mistake in it opens nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.config.approvals import Approvals, approvers
from muniment.config.load import FirmConfig
from muniment.recovery.release.people import Entitled
from tests.support.airflow_firm import write_firm


def firm(tmp_path: Path, part: str, login: str = "paula") -> FirmConfig:
    from muniment.config.load import load_firm

    people = {"deputy": "dora", "clerk": "carl"}
    folder = write_firm(
        tmp_path / "practice", more=f"approvals: {part}\n", login=login, people=people
    )
    return load_firm(folder)


def test_the_managing_partner_and_the_named_deputies_approve(tmp_path: Path) -> None:
    config = firm(tmp_path, "{deputies: deputy, break_glass: [clerk, technician]}")
    assert config.issues == ()
    assert approvers(config.firm) == ("managing-partner", "deputy")
    entitled = Entitled.by(config.firm)
    assert entitled.answering(entitled.approvers) == {"paula": "managing-partner", "dora": "deputy"}


@pytest.mark.parametrize(
    ("part", "key", "what"),
    [
        ("{deputies: [nobody]}", "approvals.deputies[1]", "names nobody"),
        ("{deputies: [technician]}", "approvals.deputies[1]", "is a technician"),
        ("{break_glass: [clerk]}", "approvals.break_glass", "takes two"),
        ("{break_glass: [clerk, clerk]}", "approvals.break_glass", "takes two"),
        ("{break_glass: [clerk, x]}", "approvals.break_glass[2]", "names nobody"),
        ("{reminder: 2h, time_out: 2h}", "approvals.reminder", "not before the time-out"),
        ("{time_out: soon}", "approvals.time_out", "is not a length of time"),
        ("{time_out: 60d}", "approvals.time_out", ""),
        ("{approver: clerk}", "approvals", "not known here"),
        ("nobody", "approvals", "is not a block"),
    ],
)
def test_each_mistake_is_named_and_the_approval_stays_required(
    tmp_path: Path, part: str, key: str, what: str
) -> None:
    config = firm(tmp_path, part)
    [issue] = config.issues
    assert issue.key == key
    assert what in issue.what
    assert config.firm.approvals is not None
    assert "managing-partner" in approvers(config.firm)


def test_approvers_whom_airflow_does_not_know_are_told(tmp_path: Path) -> None:
    [issue] = firm(tmp_path, "{deputies: []}", login="").issues
    assert (issue.key, issue.what) == ("approvals", "has no approver whom Airflow knows")


def test_the_bare_word_asks_for_approvals_and_its_absence_does_not(tmp_path: Path) -> None:
    assert firm(tmp_path, "").firm.approvals == Approvals()
    folder = write_firm(tmp_path / "other")
    from muniment.config.load import load_firm

    assert load_firm(folder).firm.approvals is None
