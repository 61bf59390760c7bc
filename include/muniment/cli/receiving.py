"""Receiving: who asks for a restore and who gets it - walls before, a certificate after."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import field

from muniment.cli import forms, words
from muniment.model.value import Mutable

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.certificate.place import Place
    from muniment.recovery.certificate.witness import Witness
    from muniment.recovery.crosswalk.joined import Joined
    from muniment.recovery.crosswalk.policy import Entitlement
    from muniment.recovery.perform import RestoreReport
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selection import Filter, Selection
    from muniment.vault.signing import Signer
    from muniment.vault.vault import Vault

For = Annotated[
    str,
    forms.Option(
        "--for", metavar="PERSON", help="Who receives it, of `people`: checked against walls."
    ),
]
RequestedBy = Annotated[
    str,
    forms.Option(
        "--requested-by", metavar="PERSON", help="Who asked for it, of `people`: checked too."
    ),
]
ApprovedBy = Annotated[
    list[str] | None,
    forms.Option(
        "--approved-by",
        metavar="PERSON",
        help="Who let it go. Where firm.yaml asks for an approval: two people whom it names, twice. "
        "The certificate says that it was stated.",
    ),
]
WithCertificate = Annotated[
    bool | None,
    forms.Option(
        "--certificate/--no-certificate",
        help="Write FOLDER/_certificate/: digests, chain of custody, a declaration to sign, a program that checks them. "
        "Of a matter by default.",
    ),
]


class Receiving(Mutable, dict=True):
    """One restore's people. `joined` is None where it is not a matter that was asked for."""

    session: Session
    vault: Vault
    joined: Joined | None
    received_by: str = ""
    requested_by: str = ""
    approved_by: Sequence[str] = ()
    certificate: bool | None = None
    restore_id: str = field(default_factory=lambda: _new_id())

    def __post_init__(self) -> None:
        if not self.session.has_firm:
            return
        firm = self.session.firm.firm
        # Where the firm asks for approvals, who may give one is judged with the plan, and as an approval.
        stated = self.approved_by if firm.approvals is None else ()
        for who in (self.received_by, self.requested_by, *stated):
            if who and who not in firm.people:
                raise forms.BadParameter("people are named by their id in `people` of firm.yaml")

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(who for who in (self.requested_by, self.received_by) if who)

    @cached_property
    def _entitled(self) -> Entitlement:
        from muniment.recovery.crosswalk.policy import Entitlement

        config = self.session.firm if self.session.has_firm else None
        return Entitlement(self.vault, config, self.joined, self.people)

    @property
    def withhold(self) -> Filter:
        return self._entitled.withhold

    def require(self, plan: RestorePlan) -> None:
        """Raises WalledOff."""
        self._entitled.require(plan)

    @property
    def wants_certificate(self) -> bool:
        return self.joined is not None if self.certificate is None else self.certificate

    def certified(
        self,
        plan: RestorePlan,
        selection: Selection,
        folder: Path,
        witness: Witness,
        report: RestoreReport,
        requested_at: datetime,
        place: Place | None = None,
    ) -> dict[str, Any]:
        """What was certified, with its `folder`; or `refused` and why. What was delivered stands either way."""
        from muniment.errors import CertificateRefused, MunimentError

        try:
            if not report.whole:
                raise CertificateRefused(
                    f"{len(report.failures):,} items of the plan were not given back",
                    to=f"plan {plan.digest[:16]}",
                )
            return self._certify(plan, selection, folder, witness, report, requested_at, place)
        except MunimentError as error:
            return {"refused": error.as_dict()}

    def _certify(
        self,
        plan: RestorePlan,
        selection: Selection,
        folder: Path,
        witness: Witness,
        report: RestoreReport,
        requested_at: datetime,
        place: Place | None = None,
    ) -> dict[str, Any]:
        """Writes the certificate and records it. Raises CertificateRefused."""
        from muniment.clock import to_text
        from muniment.errors import MunimentError
        from muniment.evidence.events import RESTORES, CertificateMade, write
        from muniment.recovery.certificate.certify import certify, facts_of
        from muniment.recovery.certificate.statement import Handling

        acting, signer = self._signer()
        now = to_text(self.session.clock.now())
        handling = Handling(
            occasion="restore",
            restore_id=self.restore_id,
            requested_at=to_text(requested_at),
            performed_at=now,
            certified_at=now,
            requested_by=self.requested_by,
            approved=tuple((who, "") for who in self.approved_by),
            received_by=self.received_by,
            phases={k: round(v, 3) for k, v in report.seconds.items()},
        )
        rows = self.session.firm.rows if self.session.has_firm else ()
        made = certify(
            self.vault, plan, selection, folder, witness.seen, handling,
            differences=report.differences, systems={r.source_id: r.system for r in rows},
            signer=signer, place=place,
        )  # fmt: skip
        if acting is not None:
            event = CertificateMade(self.restore_id, made.digest, plan.digest, made.files)
            try:
                write(acting, RESTORES, event)
            except MunimentError as error:
                self.session.screen.note(
                    f"The certificate is not recorded in the vault: {error.what}."
                )
        return {"folder": str(made.folder), **facts_of(made, plan)}

    def _signer(self) -> tuple[Vault | None, Signer | None]:
        """Operations' vault and key, where they are at hand."""
        from muniment.errors import MunimentError

        try:
            own = self.session.has_firm and not self.session.given.store
            acting = self.session.acting("operations") if own else self.vault
            return acting, acting.signer
        except MunimentError:
            return None, None


def _new_id() -> str:
    from muniment.ids import new_run_id

    return new_run_id()


def print_certificate(session: Session, told: dict[str, Any]) -> None:
    if "refused" in told:
        why = told["refused"]
        session.screen.note(
            f"NO CERTIFICATE: [{why['code']}] {why['what']} ({why['to']}). {why['todo']}",
            style="red",
        )
        return
    signed = f"signed by {told['signer']}" if told["signer"] else "NOT SIGNED: no signing key here"
    session.screen.facts(
        [
            ("certificate", f"{told['folder']} ({words.some(told['files'], 'file')}, {signed})"),
            ("statement", told["statement_sha256"]),
        ]
    )
