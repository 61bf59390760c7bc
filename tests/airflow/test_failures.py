"""How an error of the engine is said, and whether it is tried again."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowSkipException

from muniment.airflow.failures import EngineRetryPolicy, TaskEnded, plainly
from muniment.errors import (
    BackupIncomplete,
    MunimentError,
    SourceMissing,
    StoreDenied,
    StoreUnavailable,
    UnexpectedError,
)


def raising(error: BaseException) -> Callable[[], None]:
    @plainly
    def task() -> None:
        raise error

    return task


@pytest.mark.parametrize("error", [StoreDenied("no"), BackupIncomplete("no"), SourceMissing("no")])
def test_what_only_a_person_or_a_day_can_mend_fails_at_once(error: MunimentError) -> None:
    decision = EngineRetryPolicy().evaluate(TaskEnded(error), 1, 4)
    assert decision.action is RetryAction.FAIL
    assert error.code in (decision.reason or "")


@pytest.mark.parametrize(
    "error", [TaskEnded(StoreUnavailable("later")), ValueError("bug"), SystemExit(1)]
)
def test_what_may_pass_is_tried_again(error: BaseException) -> None:
    assert EngineRetryPolicy().evaluate(error, 1, 4).action is RetryAction.DEFAULT


def test_the_log_has_the_four_answers(caplog: pytest.LogCaptureFixture) -> None:
    error = StoreDenied("the store refused", to="packs/ab", safe="All is well.", todo="Ask.")
    with pytest.raises(TaskEnded) as caught:
        raising(error)()
    assert caught.value.error is error
    assert caplog.messages == error.render().splitlines()


def test_a_long_answer_is_wrapped(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TaskEnded):
        raising(StoreDenied("no", todo="Do this. " * 40))()
    assert max(map(len, caplog.messages)) <= 100
    assert "".join(caplog.messages).count("Do this.") == 40


def test_the_text_of_an_unforeseen_error_is_not_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(TaskEnded) as caught:
        raising(FileNotFoundError(2, "no such file", "/srv/Harbor holdings"))()
    assert isinstance(caught.value.error, UnexpectedError)
    assert "FileNotFoundError" in caplog.text
    assert "Harbor" not in caplog.text


def test_a_skip_goes_through() -> None:
    with pytest.raises(AirflowSkipException):
        raising(AirflowSkipException("nothing to do"))()


def test_an_ended_task_survives_the_way_between_processes() -> None:
    ended = pickle.loads(pickle.dumps(TaskEnded(StoreDenied("no", to="packs/ab"))))
    assert (ended.code, ended.error.to) == (1, "packs/ab")
    assert "[M410] no" in str(ended)
