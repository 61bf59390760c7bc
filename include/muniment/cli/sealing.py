"""Sealing: a restore at the command line that is sealed to somebody, where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.recovery.matter_file.index import Outcome
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.sealed.delivery import SealedDelivery
    from muniment.recovery.sealed.key import Sealing
    from muniment.recovery.sealed.target import SealedTarget
    from muniment.vault.age import Recipient
    from muniment.vault.vault import Vault

SealTo = Annotated[
    str,
    forms.Option(
        "--seal-to",
        metavar="PERSON|age1...",
        help="Seal it to the key of this person of `people`, or to this age recipient: age files, in place of files in the "
        "clear.",
    ),
]


def person_to_seal_to(seal_to: str, received_by: str) -> str:
    """Who receives it, where `--seal-to` says so."""
    if not seal_to or seal_to.startswith("age1"):
        return received_by
    if received_by not in ("", seal_to):
        raise forms.BadParameter("--for and --seal-to name two people")
    return seal_to


class Sealed:
    """Of one restore."""

    def __init__(self, session: Session, vault: Vault, seal_to: str) -> None:
        """Raises NobodyToSealFor, KeyFileError."""
        from muniment.vault.age import Recipient

        self._session = session
        self._vault = vault
        self.recipient: Recipient = Recipient.parse(_recipient(session, seal_to))
        self._begun: Sealing | None = None
        self._sources: Sequence[str] = ()

    @property
    def words(self) -> str:
        """For the plan."""
        return f", sealed to {self.recipient}"

    def begin(self, folder: Path, plan: RestorePlan, restore_id: str, *, overwrite: bool) -> None:
        """Raises TargetNotEmpty, TargetUnusable."""
        from muniment.recovery.sealed.key import begin

        self._begun = begin(folder, self.recipient, self._vault, restore_id, overwrite=overwrite)
        self._sources = [choice.source for choice in plan.choices]

    def target(self, source: str, *, overwrite: bool) -> SealedTarget:
        from muniment.recovery.sealed.target import SealedTarget

        assert self._begun is not None
        return SealedTarget(self._begun, source, overwrite=overwrite)

    @cached_property
    def delivery(self) -> SealedDelivery:
        from muniment.recovery.sealed.delivery import SealedDelivery

        assert self._begun is not None
        return SealedDelivery(self._begun, self._sources)

    def write_index(self, outcome: Outcome) -> None:
        self.delivery.write_index(outcome)

    def close(self, plan: RestorePlan, *, whole: bool, ended: bool) -> None:
        """Says how it is opened; ended, it opens for its recipient alone from now on."""
        self.delivery.describe(plan.digest, whole=whole)
        if ended:
            self.delivery.end()

    def say(self, folder: Path) -> None:
        note = self._session.screen.note
        note(f"SEALED to {self.recipient}: {folder}/README.txt says how it is opened.", style="")


def _recipient(session: Session, seal_to: str) -> str:
    from muniment.errors import NobodyToSealFor

    if seal_to.startswith("age1"):
        return seal_to
    person = session.firm.firm.people.get(seal_to)
    if person is None:
        raise forms.BadParameter("--seal-to takes an id of `people` in firm.yaml, or age1...")
    if person.recipient is None:
        raise NobodyToSealFor(
            "this person has no recipient to seal it to",
            to=f"firm.yaml, people.{seal_to}.recipient",
            todo="Have that person make a key (`age-keygen -o my-key.txt`) and put its public line (age1...) there, or give "
            "it as --seal-to age1...",
        )
    return str(person.recipient)
