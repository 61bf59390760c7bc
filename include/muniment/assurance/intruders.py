"""Intruders: what lies in a store and was put there by nobody who writes honestly.

Every object is written once. So a second version or a delete marker on any of them is tampering, and
so is a name that no vault has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from muniment.assurance.presence import Listing, Wanted
from muniment.vault import names
from muniment.vault.finding import Finding, Severity
from muniment.vault.retention import GRACE
from muniment.vault.store.base import ObjectVersion
from muniment.vault.store.policies import PROBE_PREFIX


def on_top(wanted: Mapping[str, Wanted], listing: Listing) -> Iterator[Finding]:
    """Versions and delete markers on objects. Of signed ones what is on top is judged where they are
    resolved as well; here all are alike."""
    for name, versions in listing.items():
        if name.startswith(PROBE_PREFIX):
            continue
        want = wanted.get(name)
        source = names.source_of(name)
        touched = ((want.source,), want.seqs) if want else ((source,) if source else (), ())
        if any(v.delete_marker for v in versions):
            what = "a delete marker lies on the object"
            yield Finding("T201", Severity.TAMPERING, name, what, *touched)
        if sum(not v.delete_marker for v in versions) > 1:
            what = "more than one version of an object that is written once"
            yield Finding("T202", Severity.TAMPERING, name, what, *touched)


def strays(wanted: Mapping[str, Wanted], listing: Listing, now: datetime) -> Iterator[Finding]:
    for name, versions in listing.items():
        if not names.known(name):
            yield Finding("T205", Severity.TAMPERING, name, "an object of a kind that no vault has")
        elif name.startswith("packs/") and name not in wanted and _old(versions, now):
            what = "no live snapshot names this pack: it waits to be swept"
            yield Finding("W300", Severity.WARNING, name, what)


def _old(versions: list[ObjectVersion], now: datetime) -> bool:
    return all(v.written_at + GRACE < now for v in versions)
