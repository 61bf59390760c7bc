"""Book: everything that the vault says of releases, judged, and the release of a run among it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from muniment.clock import from_text
from muniment.errors import IntegrityError, MunimentError
from muniment.evidence.events import reading
from muniment.evidence.releases import (
    ReleaseAsked,
    ReleaseIssued,
    ReleaseSpent,
    ReleaseUsed,
    Way,
    streams_at,
)
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Stream, load_stream
from muniment.vault.signing import Envelope
from muniment.vault.vault import Vault

_BROKEN = ("T250",)
"""Findings after which entries may be missing in a chain, and nobody knows which."""
_UNSIGNED = ("T221", "T251")
"""Findings about entries that nobody entitled signed, or not any more."""


MAX_ENTRY = 1 << 20
"""Bytes of what gives itself out as an entry about a release: ours have a few hundred."""
NOBODY = "nobody"
"""Holder of a release whose use was told by somebody who may not sign."""


class Asked(Value, frozen=True):
    """A question as the vault has it."""

    stream: str
    run_id: str
    plan_digest: str
    requester: str
    requested_at: datetime
    answer_by: datetime
    at: datetime


class Release(Value, frozen=True):
    """A release as the vault has it; `holder` has begun to use it at `used_at`, `spent` when he ended."""

    stream: str
    run_id: str
    plan_digest: str
    requester: str
    responders: tuple[str, ...]
    expires: datetime
    nonce: str
    way: Way
    at: datetime
    holder: str = ""
    used_at: datetime | None = None
    spent: bool = False


class Book:
    """The entries of the last two years' streams, in order."""

    def __init__(self, vault: Vault) -> None:
        # Strictly: an entry that cannot be read now may be the one that says that a release was used.
        self._store, trust = vault.store, vault.strictly().trust
        self._streams = [load_stream(vault.store, trust, n) for n in streams_at(vault.clock.now())]

    def entries(self, run_id: str = "") -> Iterator[EvidenceEntry]:
        """All of them, or those of one run."""
        for stream in self._streams:
            yield from (e for e in stream.events() if not run_id or e.subject == run_id)

    def asked(self, run_id: str) -> Asked | None:
        """The first question of a run: it asks for one plan and no other."""
        for entry in self.entries(run_id):
            known = reading(entry)
            if entry.event == ReleaseAsked.event:
                return Asked(
                    entry.stream, run_id, known.text("plan_digest"), known.text("requester"),
                    known.time("requested_at") or entry.at, known.time("answer_by") or entry.at, entry.at,
                )  # fmt: skip
        return None

    def releases(self, run_id: str = "") -> list[Release]:
        """Oldest first. Raises IntegrityError where a chain is broken: that a release was used before could
        stand behind the break."""
        found: dict[str, Release] = {}
        for entry in self.entries(run_id):
            known = reading(entry)
            nonce = known.text("nonce")
            if entry.event == ReleaseIssued.event:
                found.setdefault(nonce, _issued(entry))
            elif entry.event == ReleaseUsed.event and nonce in found and not found[nonce].holder:
                found[nonce] = _with(found[nonce], known.text("holder"), entry.at)
            elif entry.event == ReleaseSpent.event and nonce in found:
                found[nonce] = _with(found[nonce], found[nonce].holder, found[nonce].used_at, True)
        if found:
            self._require_unbroken()
            # A use whose signer was revoked since was a use all the same.
            for _, entry in self._left_out():
                nonce = str(entry.facts.get("nonce") or "")
                if entry.event == ReleaseUsed.event and nonce in found and not found[nonce].holder:
                    found[nonce] = _with(found[nonce], NOBODY, entry.at)
        return list(found.values())

    def forged(self, run_id: str) -> str:
        """The name of an entry that gives itself out as a release of this run and is signed by nobody who may;
        empty without one."""
        for name, entry in self._left_out():
            if entry.event == ReleaseIssued.event and entry.subject == run_id:
                return name
        return ""

    def _left_out(self) -> Iterator[tuple[str, EvidenceEntry]]:
        """What stands in the streams and counts for nothing, as it gives itself out."""
        names = [f.object for s in self._streams for f in s.findings if f.code in _UNSIGNED]
        for name in dict.fromkeys(names):
            for version in self._store.list(name):
                if version.name != name or version.delete_marker or version.size > MAX_ENTRY:
                    continue
                try:
                    data = self._store.get(name, version=version.version or None)
                    yield (
                        name,
                        EvidenceEntry.from_payload(Envelope.parse(data, "evidence").payload()),
                    )
                except MunimentError:
                    continue

    def _require_unbroken(self) -> None:
        for stream in self._streams:
            if broken := _broken(stream):
                raise IntegrityError(
                    "the record of releases is broken, so nobody can say which of them were used",
                    to=broken,
                    safe="Nothing was delivered.",
                    todo="Run `muniment evidence verify`, tell the managing partner, and restore from the command "
                    "line (docs/RESTORE_APPROVAL.md).",
                )


def _broken(stream: Stream) -> str:
    return next((f.object for f in stream.findings if f.code in _BROKEN), "")


def _issued(entry: EvidenceEntry) -> Release:
    known = reading(entry)
    way = Way.BREAK_GLASS if known.text("way") == Way.BREAK_GLASS else Way.NORMAL
    return Release(
        entry.stream, entry.subject, known.text("plan_digest"), known.text("requester"),
        known.words("responders"), known.time("expires") or from_text("1970-01-01T00:00:00Z"),
        known.text("nonce"), way, entry.at,
    )  # fmt: skip


def _with(release: Release, holder: str, used_at: datetime | None, spent: bool = False) -> Release:
    return Release(
        release.stream, release.run_id, release.plan_digest, release.requester, release.responders,
        release.expires, release.nonce, release.way, release.at, holder, used_at, spent,
    )  # fmt: skip
