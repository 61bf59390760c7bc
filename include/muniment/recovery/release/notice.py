"""Notice: what people are told of a restore when it has ended - counts, times and ids, and nobody's name but those of
firm.yaml's people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from muniment.recovery.plan import RestorePlan
from muniment.recovery.release.page import gap, local, lost, size


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a plan. `items` and `bytes` were delivered, read back and equal; `missing` are sources of which
    nothing came. `phases` are seconds and add up to `seconds`, from the request until it was usable. `certificate` is where
    it lies, or empty and `refused` says why there is none. `folder` and `certificate` are below the restore area, `folder` may be
    on a share;
    `sealed_for` is empty where the delivery stands in the open."""

    plan: RestorePlan
    whole: bool
    items: int
    bytes: int
    missing: Sequence[str]
    phases: Mapping[str, float]
    seconds: float
    folder: str
    sealed_for: str = ""
    shares: Sequence[str] = ()
    """On file servers, in which the folder stands; empty for one of the restore area."""
    certificate: str = ""
    refused: str = ""
    zone: tzinfo = UTC


def what_of(plan: RestorePlan) -> str:
    """What was asked for, by opaque id."""
    return f"{plan.scope} {plan.selection}".strip()


def subject_of(ended: Ended) -> str:
    state = "is delivered" if ended.whole else "is NOT WHOLE"
    return f"The restore of {what_of(ended.plan)} {state}"


def lines_of(ended: Ended) -> list[str]:
    """The mail, line by line."""
    return list(_lines(ended))


def _lines(ended: Ended) -> Iterator[str]:
    plan, zone = ended.plan, ended.zone
    state = "Delivered and read back" if ended.whole else "NOT WHOLE. Delivered and read back"
    yield f"{state}: {ended.items:,} of {plan.items:,} items, {size(ended.bytes)}"
    yield f"What: {what_of(plan)}, as of {local(plan.as_of, zone)}"
    for choice in plan.choices:
        yield f"- {choice.source}: {choice.items:,} items of the snapshot of {local(choice.taken_at, zone)}"
    if len(plan.choices) > 1:
        yield f"Widest gap between the sources: {gap(plan)}"
    sealed = (
        f", sealed: it opens with the key of {ended.sealed_for} alone" if ended.sealed_for else ""
    )
    where = ", ".join(ended.shares) or "the restore area"
    yield f"Where: folder {ended.folder} of {where}{sealed}"
    yield _certificate(ended)
    until = "until it was usable" if ended.whole else "until it ended"
    yield f"Time from the request {until}: {duration(ended.seconds)}"
    for name, seconds in ended.phases.items():
        yield f"- {_PHASES.get(name, name)}: {duration(seconds)}"
    yield "What could not come back:"
    told = [f"{source}: nothing of it was delivered" for source in ended.missing]
    short = plan.items - ended.items
    if short > 0:
        told.append(f"{short:,} of the planned items: the log of the red task has their ids")
    told += lost(plan, zone)
    yield from (f"- {line}" for line in told or ["nothing that the snapshots have"])


_PHASES = {
    "plan": "until the plan was made",
    "approval": "until a person let it go",
    "delivery": "until all was delivered and read back",
}


def _certificate(ended: Ended) -> str:
    if ended.certificate:
        return f"Certificate: {ended.certificate} of the restore area"
    if ended.refused:
        return f"Certificate: NONE, it was refused ({ended.refused}); what was delivered stands"
    return "Certificate: none, because not all was delivered"


def duration(seconds: float) -> str:
    """In words, rounded as people read a clock."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(0.0, seconds):.1f} s"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
