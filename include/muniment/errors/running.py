"""M6 to M9: servers of ours, alerts, answers of people, and what nobody foresaw."""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry


class EmbeddedError(MunimentError):
    """A server that Muniment runs itself (PostgreSQL, the S3 server, Airflow) did not start,
    answer or stop. `to` names its log file."""

    code = "M600"
    retry = Retry.SOON
    default_safe = "No vault and no source was touched."
    default_todo = "Read the named log; then stop the servers and start them again."


class DeliveryError(MunimentError):
    """A channel (mail, webhook, heartbeat) took nothing. `what` is a few words without any address."""

    code = "M700"
    retry = Retry.SOON
    default_safe = "No notice is lost: it waits and is sent when the channel takes it."
    default_todo = "See the connection of the channel (docs/ALERTS.md). Nothing if it passes: every watch tries again."


class NoticeRefused(DeliveryError):
    """A channel takes notices, and not this one."""

    code = "M710"
    default_todo = (
        "See the recipients, or the receiver's log: it answered that it will not take this notice."
    )


class CanaryFailed(MunimentError):
    """The weekly test alert: its task fails on purpose, and the alert must arrive."""

    code = "M720"
    default_safe = "Everything: it is a test."
    default_todo = (
        "Nothing while the task `arrived` is green. If it is red, see docs/ALERTS.md: a channel did "
        "not take the alert."
    )


class AnswerError(MunimentError):
    """A person's answer cannot be taken."""

    code = "M800"
    default_safe = "The question stays open; nothing was decided."
    default_todo = "Clear the task that asked: it asks again."


class NotEntitled(AnswerError):
    """Somebody answered whose answer it is not."""

    code = "M810"


class UnexpectedError(MunimentError):
    """An error nobody foresaw, said by its type and place: its own text may hold a client's name."""

    code = "M900"
    retry = Retry.SOON
    default_safe = "Snapshots that were committed are unharmed."
    default_todo = "If it stays after the retries, report it with the place named above."
