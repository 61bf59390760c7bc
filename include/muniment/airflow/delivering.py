"""Delivering: where a run of the restore DAG delivers to - sealed for one person, or in the open where that was asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from muniment.airflow.onto_share import OntoShare
from muniment.airflow.restore_request import Form, RestoreRequest
from muniment.config.apart import require_outside
from muniment.config.load import FirmConfig
from muniment.errors import CertificateRefused
from muniment.recovery.certificate.place import FOLDER, OpenFolder, Place
from muniment.recovery.certificate.witness import Seen, Witness, forget, keep, take
from muniment.recovery.matter_file.index import Outcome, require_free, write_index
from muniment.recovery.matter_file.target import MatterFileTarget
from muniment.recovery.plan import RestorePlan
from muniment.recovery.sealed.delivery import SealedDelivery
from muniment.recovery.sealed.key import Sealing, begin, ongoing
from muniment.recovery.sealed.target import SealedTarget
from muniment.sources.base import Target
from muniment.vault.age import Recipient
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)


class Delivery(Protocol):
    """Of one plan, into one folder. A task that delivers calls `begin` first."""

    def check(self) -> None:
        """Before anybody is asked to approve: can it be delivered so? Raises TargetNotEmpty, TargetUnusable, ConfigError."""
        ...

    def begin(self, *, overwrite: bool) -> None:
        """Raises TargetNotEmpty, TargetUnusable."""
        ...

    def target(self, source: str, *, overwrite: bool) -> Target: ...

    def keep(self, witness: Witness) -> None:
        """What was read back, for the task that certifies."""
        ...

    def write_index(self, outcome: Outcome) -> None:
        """Of a matter file."""
        ...

    def seen(self, sources: Iterable[str]) -> Mapping[str, Sequence[Seen]]:
        """What was kept. Raises CertificateRefused."""
        ...

    @property
    def place(self) -> Place: ...

    def close(self, sources: Sequence[str], *, whole: bool, certified: bool) -> None:
        """Says how it is opened; and what no task needs any more is removed from one that is certified."""
        ...


def delivery_of(
    config: FirmConfig, wiring: Wiring, request: RestoreRequest, folder: Path, vault: Vault, plan: RestorePlan
) -> Delivery:  # fmt: skip
    """As the form asks for it."""
    if request.form is Form.SHARE:
        return OntoShare(wiring, request, folder, plan)
    if request.recipient:
        return _Sealed(config, request, folder, vault, plan)
    return _InTheOpen(wiring, request, folder)


class _InTheOpen:
    def __init__(self, wiring: Wiring, request: RestoreRequest, folder: Path) -> None:
        self._wiring = wiring
        self._request = request
        self._folder = folder

    def check(self) -> None:
        """Whoever asks sees it in the restore area."""

    def begin(self, *, overwrite: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._request.form is not Form.ITEMS:
            require_free(self._folder, overwrite=overwrite)

    def target(self, source: str, *, overwrite: bool) -> Target:
        into = self._wiring.target(source, self._folder, overwrite=overwrite)
        return into if self._request.form is Form.ITEMS else MatterFileTarget(into)

    def keep(self, witness: Witness) -> None:
        # Beside the delivery, which has the same names.
        keep(self._folder / FOLDER, witness.seen)

    def write_index(self, outcome: Outcome) -> None:
        write_index(self._folder, outcome, overwrite=self._request.overwrite)

    def seen(self, sources: Iterable[str]) -> Mapping[str, Sequence[Seen]]:
        return take(self._folder / FOLDER, sources)

    @property
    def place(self) -> Place:
        return OpenFolder(self._folder)

    def close(self, sources: Sequence[str], *, whole: bool, certified: bool) -> None:
        if certified:
            forget(self._folder / FOLDER, sources)


class _Sealed:
    def __init__(
        self,
        config: FirmConfig,
        request: RestoreRequest,
        folder: Path,
        vault: Vault,
        plan: RestorePlan,
    ) -> None:
        self._config = config
        self._request = request
        self._folder = folder
        self._vault = vault
        self._plan = plan
        self._recipient = Recipient.parse(request.recipient)
        self._begun: Sealing | None = None

    def check(self) -> None:
        """That its recipient is one was seen when it was read."""

    def begin(self, *, overwrite: bool) -> None:
        require_outside(self._config, self._folder)
        self._begun = begin(
            self._folder, self._recipient, self._vault, self._plan.digest, overwrite=overwrite
        )

    def target(self, source: str, *, overwrite: bool) -> Target:
        into = SealedTarget(self._sealing, source, overwrite=overwrite)
        return into if self._request.form is Form.ITEMS else MatterFileTarget(into)

    def keep(self, witness: Witness) -> None:
        keep(self._sealing.work, witness.seen, self._sealing.key)

    def write_index(self, outcome: Outcome) -> None:
        if self._ongoing is not None:
            self._delivery.write_index(outcome)

    def seen(self, sources: Iterable[str]) -> Mapping[str, Sequence[Seen]]:
        return take(self._sealing.work, sources, self._sealing.key)

    @property
    def place(self) -> Place:
        return self._delivery

    def close(self, sources: Sequence[str], *, whole: bool, certified: bool) -> None:
        if self._ongoing is None:
            return
        self._delivery.describe(self._plan.digest, whole=whole)
        # Until then it may be gone on with: its key stays, sealed to operations and the safe.
        if certified:
            self._delivery.end()
            log.info("Sealed to %s: nothing here opens it any more", self._recipient)

    @property
    def _ongoing(self) -> Sealing | None:
        if self._begun is None:
            self._begun = ongoing(self._folder, self._recipient, self._vault, self._plan.digest)
        return self._begun

    @property
    def _sealing(self) -> Sealing:
        found = self._ongoing
        if found is None:
            raise CertificateRefused(
                "the sealed delivery was ended before, and opens for its recipient alone",
                to=f"plan {self._plan.digest[:16]}",
            )
        return found

    @property
    def _delivery(self) -> SealedDelivery:
        return SealedDelivery(self._sealing, [choice.source for choice in self._plan.choices])
