"""Recording: runs and restores tell what happened, as evidence.

Of a run the commit is the truth. Its evidence adds what no commit can say: that one began, under which
configuration, and that it failed. So evidence that cannot be written never fails a backup: the store that
is away is told by the backup itself, and a run without any evidence counts as never started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.config.issues import FIRM_YAML, INVENTORY_CSV
from muniment.errors import MunimentError, StoreUnavailable
from muniment.evidence.events import RESTORES, RestoreEnded, RunEnded, RunFailed, RunStarted, write
from muniment.vault.vault import Vault

if TYPE_CHECKING:
    from muniment.backup.commit import Outcome


def run_started(vault: Vault, source: str, run_id: str, digests: Mapping[str, str]) -> None:
    """`digests` are those of the firm's documents (`FirmConfig.digests`).

    Raises StoreError or TrustError where the vault cannot be asked at all: then no run can begin either,
    and it is not tried twice.
    """
    _ = vault.trust
    event = RunStarted(run_id, source, digests.get(INVENTORY_CSV, ""), digests.get(FIRM_YAML, ""))
    _tell(vault, event)


def run_ended(vault: Vault, run_id: str, outcome: Mapping[str, object], began: datetime) -> None:
    """`outcome` is `Outcome.as_dict()`, as it goes through XCom."""
    _tell(
        vault,
        RunEnded(
            run_id,
            str(outcome["source"]),
            int(str(outcome["seq"])),
            str(outcome["digest"]),
            str(outcome["completeness"]),
            began,
        ),
    )


def run_failed(vault: Vault, source: str, run_id: str, code: str, began: datetime) -> None:
    """A run that left no snapshot."""
    _tell(vault, RunFailed(run_id, source, code, began))


@contextmanager
def recorded_run(
    vault: Vault, source: str, run_id: str, digests: Mapping[str, str]
) -> Iterator[list[Outcome]]:
    """Around a whole run in one process: put its outcome into the list that is given."""
    began = vault.clock.now()
    run_started(vault, source, run_id, digests)
    outcomes: list[Outcome] = []
    try:
        yield outcomes
    except StoreUnavailable:
        # It would not take this either, and that it began is known.
        raise
    except MunimentError as error:
        run_failed(vault, source, run_id, error.code, began)
        raise
    for outcome in outcomes:
        run_ended(vault, run_id, outcome.as_dict(), began)


def restore_ended(vault: Vault, event: RestoreEnded) -> MunimentError | None:
    """Records a restore; returns why it could not. Whoever restores with an escrow identity on the worst
    day has no key to sign with, and must not be stopped by that."""
    try:
        write(vault, RESTORES, event)
    except MunimentError as error:
        return error
    return None


def _tell(vault: Vault, event: RunStarted | RunEnded | RunFailed) -> None:
    try:
        write(vault, event.stream, event)
    except MunimentError as error:
        import logging

        log = logging.getLogger(__name__)
        log.warning("%s is not recorded in the vault: [%s] %s", event.event, error.code, error.what)
