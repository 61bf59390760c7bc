"""Failures: an engine error in Airflow's words.

- The log ends with the four answers (what, where, what is safe, what to do), not with a trace of forty
  lines through Airflow and the engine: an error that was raised on purpose says all there is to know.
- Whether Airflow tries again is the error's own word. `never` and `later` fail at once; `soon` is
  retried with back-off.
- An error nobody foresaw is said by its type and place only: its text may hold a path, and a path
  names a client.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from textwrap import wrap
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import RetryDecision, RetryPolicy, get_current_context
from airflow.sdk.exceptions import AirflowException

import muniment
from muniment.airflow.names import ERROR
from muniment.errors import MunimentError, Retry, UnexpectedError

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
}
"""A store that is away for an hour does not cost a night's backup."""

LOG_WIDTH = 100
"""Characters of a line of a message: as wide as Airflow's log page is on a laptop."""

_PACKAGE = Path(muniment.__file__).resolve().parent


class TaskEnded(SystemExit):
    """Ends a task as failed. `error` says why; the log has been told.

    Airflow prints a trace for every exception but SystemExit, which it treats the same otherwise:
    retries, retry policy and callbacks apply.
    """

    def __init__(self, error: MunimentError) -> None:
        super().__init__(1)
        self.error = error

    def __str__(self) -> str:
        return str(self.error)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.error,))


class EngineRetryPolicy(RetryPolicy):
    """Asks the error itself. Evaluated where the task ran; the scheduler only sees the answer."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        error = exception.error if isinstance(exception, TaskEnded) else exception
        if not isinstance(error, MunimentError) or error.retry is Retry.SOON:
            return RetryDecision.default()
        when = "before somebody acts" if error.retry is Retry.NEVER else "before the next run"
        return RetryDecision.fail(reason=f"[{error.code}] trying again is of no use {when}")


def plainly(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a task function say its errors plainly.

    Raises TaskEnded with the engine's error, or with UnexpectedError in place of any other. What
    Airflow itself raises to skip, defer or time out a task goes through untouched.
    """

    @wraps(function)
    def said(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except AirflowException:
            raise
        except MunimentError as error:
            failure = error
        except Exception as error:
            failure = _unforeseen(error)
        _say(failure)
        _leave_code(failure)
        raise TaskEnded(failure)

    return said


def _say(error: MunimentError) -> None:
    for answer in error.render().splitlines():
        # The log page does not wrap, and what to do must not lie beyond its edge.
        for line in wrap(answer, LOG_WIDTH, subsequent_indent=" " * 9) or [""]:
            log.error("%s", line)


def _leave_code(error: MunimentError) -> None:
    """So that an alert of the run names what failed first, and not the task that summed it up."""
    try:
        get_current_context()["ti"].xcom_push(key=ERROR, value=error.code)
    except Exception as failed:
        # Outside a task there is nowhere to leave it, and an alert without it is an alert.
        log.debug("The code was not left for the alert: %s", type(failed).__name__)


def _unforeseen(error: Exception) -> UnexpectedError:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_PACKAGE)]
    places = [f"{Path(f.filename).relative_to(_PACKAGE)}:{f.lineno}" for f in ours]
    return UnexpectedError(
        f"an error nobody foresaw: {type(error).__name__}", to=" > ".join(places[-4:])
    )
