"""Page: a restore plan as the approver reads it, and the same in the few lines of a question or a mail.

Ids, counts, times and codes; nobody's name but those of firm.yaml's people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from muniment.clock import from_text
from muniment.model.item import Fidelity
from muniment.recovery.matter_file import html
from muniment.recovery.plan import Choice, RestorePlan
from muniment.recovery.release.needs import WORDS, Need

GIVEN: Mapping[str, str] = {
    Fidelity.NATIVE: "the same object, as it was",
    Fidelity.RECREATED: "a new object with new ids",
    Fidelity.FILE: "a file",
    Fidelity.EVIDENCE: "a copy to read: no system takes it back",
}


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants it and why, in words; `zone` is the firm's. `needs` empty: it needs nobody's approval. `custodians` keep
    the seal of something in it."""

    requester: str
    reason: str
    requested_at: datetime
    zone: tzinfo
    needs: tuple[Need, ...] = ()
    approvers: tuple[str, ...] = ()
    for_whom: str = ""
    sealed_to: str = ""
    """An age recipient; empty for a delivery in the clear."""
    custodians: tuple[str, ...] = ()
    on_share: bool = False

    @property
    def receiver(self) -> str:
        return self.for_whom or "whoever asked, whom firm.yaml does not name"

    @property
    def sealing(self) -> str:
        if self.sealed_to:
            return f"sealed: it opens with the key of {self.for_whom} alone"
        if self.on_share:
            return "NOT SEALED: on the share each file has the permissions that it had"
        return "NOT SEALED: whoever reads the restore area can read it"


def page_of(plan: RestorePlan, request: Request) -> str:
    """A whole HTML page."""
    return html.page("Restore plan", [*_head(plan, request), *_sources(plan, request.zone), *_kinds(plan), *_lost(plan, request.zone)])  # fmt: skip


def lines_of(plan: RestorePlan, request: Request) -> list[str]:
    """The same for a question: what, how much, from when, why, and what is approved."""
    what = (
        f"matter {plan.selection}"
        if plan.scope == "matter"
        else f"{plan.scope} {plan.selection}".strip()
    )
    return [
        f"{request.requester or 'somebody unknown'} asks for {what}: {plan.items:,} items, {size(plan.bytes)}, "
        f"about {minutes(plan)}",
        f"Why: {request.reason}",
        f"As of {local(plan.as_of, request.zone)}, to: {plan.target}",
        f"For {request.receiver}; {request.sealing}",
        *(f"{c.source}: {c.items:,} items of {local(c.taken_at, request.zone)}" for c in plan.choices),
        *([f"Widest gap between the sources: {gap(plan)}"] if len(plan.choices) > 1 else []),
        *([f"{len(lost(plan, request.zone))} things to know of what cannot come back: see the page"] if lost(plan, request.zone) else []),
        "It needs an approval because " + "; ".join(WORDS[need] for need in request.needs),
        *([_seal(request)] if Need.SEALED in request.needs else []),
        f"What is approved is this plan: {plan.digest}",
    ]  # fmt: skip


def _head(plan: RestorePlan, request: Request) -> Iterator[str]:
    facts = [
        ("What", f"{plan.scope} {plan.selection}".strip()),
        ("As of", local(plan.as_of, request.zone)),
        ("Asked by", request.requester or "unknown"),
        ("Asked at", _moment(request.requested_at, request.zone)),
        ("Why", request.reason),
        ("For", request.receiver),
        ("To", plan.target),
        ("Sealed", request.sealing),
        ("How much", f"{plan.items:,} items, {size(plan.bytes)}"),
        ("Takes about", minutes(plan)),
        ("Widest gap", gap(plan)),
    ]
    yield html.facts(facts)
    if request.needs:
        yield "<h2>Why it needs an approval</h2><ul>"
        yield from (
            f"<li>{html.line(WORDS[n])} <span class='quiet'>({n})</span></li>"
            for n in request.needs
        )
        yield f"</ul><p>It may be given by: {html.line(', '.join(request.approvers))}; never by who asked.</p>"
        if Need.SEALED in request.needs:
            yield f"<p>{html.line(_seal(request))}</p>"
    else:
        yield "<p>It needs no approval.</p>"
    yield f"<p>What is approved is this plan and no other. Its digest:<br><code>{html.line(plan.digest)}</code></p>"


def _seal(request: Request) -> str:
    """Whose word it takes besides an approver's."""
    if not request.custodians:
        return "Something in it is under seal, and firm.yaml names no custodian of it: an approver's word is enough."
    told = [
        who + (" (who asked for it)" if who == request.requester else "")
        for who in request.custodians
    ]
    return (
        f"Something in it is under the seal of {', '.join(told)}: it goes only with the word of the custodian and of an approver who "
        "is another person. The managing partner's word is both; a custodian who asked for it has agreed by that."
    )


def _sources(plan: RestorePlan, zone: tzinfo) -> Iterator[str]:
    yield "<h2>Where it comes from</h2>"
    rows = [
        [html.line(v) for v in (c.source, c.seq, local(c.taken_at, zone), c.completeness.replace("_", " "), f"{c.items:,}", size(c.bytes), c.proof)]
        for c in plan.choices
    ]  # fmt: skip
    yield html.table(
        ("source", ">snapshot", "taken", "completeness", ">items", ">size", "proven by"), rows
    )


def _kinds(plan: RestorePlan) -> Iterator[str]:
    yield "<h2>As what it is given</h2>"
    rows = [
        [
            html.line(v)
            for v in (c.source, kind.replace("_", " "), f"{count:,}", GIVEN.get(fidelity, fidelity))
        ]
        for c in plan.choices
        for kind, by in c.kinds.items()
        for fidelity, count in by.items()
    ]
    yield html.table(("source", "kind", ">items", "given as"), rows)


def _lost(plan: RestorePlan, zone: tzinfo) -> Iterator[str]:
    found = lost(plan, zone)
    yield "<h2>What cannot come back</h2>"
    if not found:
        yield "<p>Nothing that the snapshots have is left out.</p>"
        return
    yield "<ul>" + "".join(f"<li>{html.line(text)}</li>" for text in found) + "</ul>"


def lost(plan: RestorePlan, zone: tzinfo) -> list[str]:
    """In sentences, source by source."""
    found = [text for c in plan.choices for text in _lost_of(c, zone)]
    return [*found, *(f"{source}: nothing: {why}" for source, why in plan.without)]


def _lost_of(choice: Choice, zone: tzinfo) -> Iterator[str]:
    source, copies = choice.source, choice.fidelity.get(Fidelity.EVIDENCE, 0)
    if choice.suspicious:
        yield f"{source}: SUSPICIOUS: {choice.suspicious}"
    if copies:
        yield f"{source}: {copies:,} items come as copies to read; no system takes them back"
    for seq, _ in choice.passed_over:
        yield f"{source}: snapshot {seq} is not whole and is passed over"
    if choice.loss_seconds:
        hours = choice.loss_seconds / 3600
        yield f"{source}: what changed after {local(choice.taken_at, zone)} ({hours:,.1f} hours of work)"
    if choice.problems:
        yield f"{source}: {choice.problems:,} items could not be read when the snapshot was made"
    for reason, count in choice.withheld.items():
        yield f"{source}: {count:,} items are withheld: {reason}"
    if choice.sealed_away:
        yield f"{source}: rows under {len(choice.sealed_away)} keys do not open here"


# -- words -----------------------------------------------------------------------------------------


def minutes(plan: RestorePlan) -> str:
    count = max(1, round(plan.estimate_seconds / 60))
    return f"{count:,} minute{'s' if count > 1 else ''}"


def gap(plan: RestorePlan) -> str:
    if len(plan.choices) < 2:
        return "none: one source"
    seconds = plan.widest_gap_seconds
    return f"{seconds // 3600} h {seconds % 3600 // 60} min between the sources' times" if seconds else "none: one moment"  # fmt: skip


def size(count: int) -> str:
    """1024-based, as the command line says it."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def local(text: str, zone: tzinfo) -> str:
    return _moment(from_text(text), zone)


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
