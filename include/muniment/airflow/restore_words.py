"""RestoreWords: a restore plan in the lines of a task's log."""

from __future__ import annotations

from collections.abc import Sequence

from muniment.recovery.plan import RestorePlan
from muniment.sources.as_files import TREE


def summary(plan: RestorePlan) -> Sequence[str]:
    """The plan for a person: counts, times, ids; one line a source."""
    lines = [
        f"Plan {plan.digest}",
        f"To: {plan.target}",
        f"As of {plan.as_of}: {plan.items:,} items, {plan.bytes:,} bytes, "
        f"about {max(1, plan.estimate_seconds // 60)} minutes",
    ]
    for choice in plan.choices:
        fidelity = ", ".join(f"{count:,} {kind}" for kind, count in choice.fidelity.items())
        lines.append(
            f"- {choice.source}: snapshot {choice.seq} of {choice.taken_at} ({choice.completeness}); "
            f"{choice.items:,} items ({fidelity}), {choice.bytes:,} bytes; shown: {choice.proof}"
        )
        if not set(choice.kinds) <= TREE:
            for kind, by in choice.kinds.items():
                told = ", ".join(f"{count:,} {fidelity}" for fidelity, count in by.items())
                lines.append(f"  {kind}: {told}")
        if choice.suspicious:
            lines.append(f"  SUSPICIOUS: {choice.suspicious}")
        for seq, why in choice.passed_over:
            lines.append(f"  snapshot {seq} is damaged and was passed over: {why}")
        if choice.loss_seconds:
            lines.append(f"  work of {choice.loss_seconds // 3600} hours before that is lost")
        for reason, count in choice.withheld.items():
            lines.append(f"  withheld: {count:,} items ({reason})")
        if choice.sealed_away:
            lines.append(f"  not to be opened here: rows under {len(choice.sealed_away)} keys")
    for source, why in plan.without:
        lines.append(f"- {source}: nothing, {why}")
    if len(plan.choices) > 1:
        lines.append(f"Widest gap between the snapshots: {plan.widest_gap_seconds // 60} minutes")
    return lines
