"""OntoShare: a run of the restore DAG that gives back onto a share of a Windows file server, into a new folder there.

What its tasks leave for one another, and the certificate, stand in the restore area: they name files, and who may read the
share is not who may read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from muniment.airflow.restore_request import RestoreRequest
from muniment.errors import CertificateRefused, MunimentError, TargetNotEmpty
from muniment.recovery.certificate.place import FOLDER, OpenFolder, Place
from muniment.recovery.certificate.witness import Seen, Witness, forget, keep, take
from muniment.recovery.matter_file.index import Outcome
from muniment.recovery.plan import RestorePlan
from muniment.sources.smb.target import SmbTarget
from muniment.wiring import Wiring


class OntoShare:
    """A `Delivery`. Each source has a folder of its own in the new one, as in a delivery into a folder."""

    def __init__(
        self, wiring: Wiring, request: RestoreRequest, folder: Path, plan: RestorePlan
    ) -> None:
        self._wiring, self._request, self._plan = wiring, request, plan
        self._folder = folder

    def check(self) -> None:
        """Signs in, and sees that the new folder is one."""
        for choice in self._plan.choices:
            with closing(self.target(choice.source, overwrite=False)) as target:
                if target.conflicts(iter(())):
                    raise TargetNotEmpty(
                        "the share has a folder of this name already",
                        to=f"{choice.source}, field deliver_to",
                    )

    def begin(self, *, overwrite: bool) -> None:
        """See `Delivery`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def target(self, source: str, *, overwrite: bool) -> SmbTarget:
        """See `Delivery`. The same plan goes on where an attempt was killed."""
        inner = f"{self._request.folder}/{source}"
        return self._wiring.share_target(source, inner, self._plan.digest)

    def keep(self, witness: Witness) -> None:
        """See `Delivery`."""
        keep(self._folder / FOLDER, witness.seen)

    def write_index(self, outcome: Outcome) -> None:
        """Items are given as they are."""

    def seen(self, sources: Iterable[str]) -> Mapping[str, Sequence[Seen]]:
        """See `Delivery`."""
        return take(self._folder / FOLDER, sources)

    @property
    def place(self) -> Place:
        """See `Delivery`."""
        return _OnShare(self)

    def leave(self, files: Mapping[str, bytes]) -> Path:
        """The certificate, in the restore area. Raises TargetUnusable."""
        return OpenFolder(self._folder).leave(files)

    def close(self, sources: Sequence[str], *, whole: bool, certified: bool) -> None:
        """See `Delivery`."""
        if certified:
            forget(self._folder / FOLDER, sources)


class _OnShare:
    """A `Place`: what was delivered is read from the share once more, on a connection of its own."""

    def __init__(self, delivery: OntoShare) -> None:
        self._delivery = delivery
        self._source = ""
        self._target: SmbTarget | None = None

    def digest(self, source: str, path: bytes) -> tuple[str, int]:
        if self._target is None or source != self._source:
            self.close()
            self._source, self._target = source, self._delivery.target(source, overwrite=False)
        try:
            return self._target.digest(path)
        except MunimentError as error:
            raise CertificateRefused(
                f"a delivered file cannot be read on the share ({error.what})", to=source
            ) from None

    def sealed(self) -> None:
        return None

    def leave(self, files: Mapping[str, bytes]) -> Path:
        self.close()
        return self._delivery.leave(files)

    def close(self) -> None:
        if self._target is not None:
            self._target.close()
