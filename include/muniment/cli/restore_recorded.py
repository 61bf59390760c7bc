"""What a restore at the terminal leaves in the vault's evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.cli.session import Session
    from muniment.recovery.perform import RestoreReport
    from muniment.recovery.plan import RestorePlan
    from muniment.vault.vault import Vault


def record_restore(
    session: Session,
    vault: Vault,
    plan: RestorePlan,
    report: RestoreReport,
    requested_at: datetime,
    restore_id: str,
    *,
    whole: bool,
) -> None:
    """Writes an event into the vault's evidence; where nobody here may, says so and goes on."""
    from muniment.errors import MunimentError
    from muniment.evidence.events import RestoreEnded
    from muniment.evidence.recording import restore_ended

    event = RestoreEnded(
        restore_id=restore_id,
        scope=plan.scope,
        matter=plan.selection if plan.scope == "matter" else "",
        requested_at=requested_at,
        plan_digest=plan.digest,
        sources=tuple(c.source for c in plan.choices if c.items),
        whole=whole,
        items=plan.items,
        verified=report.verified,
    )
    error: MunimentError | None
    try:
        # Who opens with an identity from the safe may stand where operations' keys are.
        own = session.given.identities and session.has_firm and not session.given.store
        error = restore_ended(session.acting("operations") if own else vault, event)
    except MunimentError as no_keys:
        error = no_keys
    if error is not None:
        session.screen.note(
            f"This restore is not recorded in the vault: {error.what}. Keep this output instead.",
            style="",
        )
