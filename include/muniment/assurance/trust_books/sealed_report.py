"""Sealed report: everything that the rules came to, for the trust lawyer's eyes only.

It is JSON in one age file, sealed to the `recipient` of the person in the role `trust_lawyer` and to nobody
else, so that `age -d` opens it as well as `muniment trust findings`. One is written after every look, whatever
it says, and padded: neither that it is there nor its size tells anything.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muniment.assurance.trust_books.catalogue import catalogue
from muniment.assurance.trust_books.judge import Judged
from muniment.assurance.trust_books.verdicts import KEPT, Place, Verdict
from muniment.clock import to_text
from muniment.errors import FormatError
from muniment.vault.age import Identity, Recipient, open_sealed, seal
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import append, load_stream
from muniment.vault.vault import Vault

STREAM = "operations-trust"
REPORTED = "trust.reported"
SMALLEST, LARGEST = 64 << 10, 512 << 10
"""Bytes of a report, padded to one of the powers of two from one to the other."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """Which books a report is about: `seq` and `commit` of the snapshot, `before` the one it was compared
    with (0: none)."""

    source: str
    seq: int
    commit: str
    before: int
    run_id: str = ""


def report_of(judged: Judged, about: About, firm: str, at: str) -> bytes:
    """The report, padded. Where it would be too large, fewer places are listed; the counts are whole."""
    kept = KEPT
    while True:
        verdicts = [_verdict(one, kept) for one in judged.verdicts]
        whole: Json = {
            "format": 1, "firm": firm, "source": about.source, "snapshot": about.seq, "commit": about.commit,
            "compared_with": about.before or None, "made_at": at, "verdicts": verdicts,
        }  # fmt: skip
        text = json.dumps(whole, ensure_ascii=False, indent=1).encode()
        if len(text) <= LARGEST or not kept:
            return text.ljust(_size(len(text)))
        kept //= 2


def _size(length: int) -> int:
    size = SMALLEST
    while size < length:
        size *= 2
    return size


def _verdict(one: Verdict, kept: int) -> Json:
    rule = catalogue()[one.id]
    return {
        "id": one.id, "class": str(rule.class_), "means": rule.means, "outcome": str(one.outcome),
        "judged": one.of, "places": one.count, "listed": [_place(place) for place in one.places[:kept]],
        "not_judged_because": list(one.reasons),
    }  # fmt: skip


def _place(place: Place) -> Json:
    return {"where": place.where, "what": place.said or place.where, "from": str(place.origin)}


def store_report(vault: Vault, report: bytes, about: About, recipient: str) -> str:
    """Seals it and appends it as evidence; gives the entry's name. Raises ConfigError for a recipient that is
    none, StoreError, VaultError."""
    sealed = seal(report, [Recipient.parse(recipient)])
    facts: Json = {
        "run_id": about.run_id, "seq": about.seq, "commit": about.commit, "before": about.before,
        "recipient": recipient, "report": base64.b64encode(sealed).decode(),
    }  # fmt: skip
    return append(vault, STREAM, REPORTED, subject=about.source, facts=facts).name


def reports_in(vault: Vault, source: str = "") -> Sequence[EvidenceEntry]:
    """Every report, of one source or of all, oldest first. Needs no key."""
    found = load_stream(vault.store, vault.trust, STREAM).events(REPORTED)
    return [entry for entry in found if source in ("", entry.subject)]


def open_report(entry: EvidenceEntry, identities: Sequence[Identity]) -> Json:
    """Raises NoKey where it is sealed to somebody else, SealError, FormatError."""
    held = entry.facts.get("report")
    try:
        opened = open_sealed(base64.b64decode(str(held), validate=True), identities)
        found: Json = json.loads(opened)
    except ValueError:
        raise FormatError("a sealed report is not as it should be", to=entry.stream) from None
    return {**found, "reported_at": to_text(entry.at)}


def compared_before(reports: Sequence[EvidenceEntry], seq: int) -> int:
    """The snapshot that the last report before this one was about, so that nothing that changed between two
    reports is passed over; 0 where there is none. A look that is taken twice compares with the same."""
    for entry in reversed(reports):
        of, before = _number(entry.facts, "seq"), _number(entry.facts, "before")
        if of < seq:
            return of
        if of == seq:
            return before
    return 0


def _number(facts: Mapping[str, object], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0
