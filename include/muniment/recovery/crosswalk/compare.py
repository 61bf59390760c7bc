"""Compare: where the sources of a firm do not say the same about its matters. Pure functions.

A disagreement is shown and counted by opaque id; it is nobody's failure and stops nothing. What to do about each is in
docs/MATTERS.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from muniment.recovery.crosswalk.joined import Crosswalk
from muniment.recovery.crosswalk.tally import Share, assigned

DISAGREEMENTS: Mapping[str, str] = {
    "unknown number": "items lie under a number that no matter of a naming source bears or bore",
    "former number": "items lie under a number that the matter had before; they come back with it",
    "number without matter": "items lie under a number whose matter is gone from its naming source",
    "number borne twice": "two matters of one naming source bear the same number now",
    "number used again": "a number was borne by one matter, and then by another",
    "nothing there": "an active matter has nothing in a source where each should have something",
    "merged": "a matter is gone from its naming source, and its items are under another one",
    "split": "a new matter began with items of another one",
    "not to be joined": "two matters of one naming source meet in the numbers of another",
}
"""Word of a disagreement -> what it means."""


@dataclass(frozen=True, slots=True, order=True)
class Disagreement:
    """`matters` are opaque ids, the one that it is about first; `items` as far as any are concerned."""

    what: str
    source: str
    matters: tuple[str, ...]
    items: int = 0


def compare(
    crosswalk: Crosswalk,
    shares: Mapping[str, Mapping[str, Share]],
    moment: datetime,
    *,
    expected_in: Collection[str] = (),
) -> list[Disagreement]:
    """All disagreements as of a time, in a stable order.

    Args:
        shares: by source and matter, of the sources whose rows or state open.
        expected_in: sources in which every active matter should have something. One that is not in `shares` says nothing.
    """
    found = [
        *_numbers(crosswalk, shares, moment),
        *_claims(crosswalk, moment),
        *_told(crosswalk, moment),
        *_missing(crosswalk, shares, moment, expected_in),
    ]
    return sorted(found)


def _numbers(
    crosswalk: Crosswalk, shares: Mapping[str, Mapping[str, Share]], moment: datetime
) -> Iterator[Disagreement]:
    seen = [b for b in crosswalk.bearers if b.sightings[0].at <= moment]
    if not seen:
        # No naming source says anything: that is no disagreement.
        return
    claimed = crosswalk.claims(moment)
    for source, held in shares.items():
        for matter, share in assigned(held).items():
            if matter in claimed:
                continue
            bearers = [b for b in crosswalk.of(matter) if b.sightings[0].at <= moment]
            if not bearers:
                what = "unknown number"
            elif all((now := b.at(moment)) is None or now.gone for b in bearers):
                what = "number without matter"
            else:
                what = "former number"
            yield Disagreement(what, source, (matter,), share.items)


def _claims(crosswalk: Crosswalk, moment: datetime) -> Iterator[Disagreement]:
    twice = set()
    for matter, bearers in crosswalk.claims(moment).items():
        for source in sorted({b.source for b in bearers}):
            if sum(b.source == source for b in bearers) > 1:
                twice.add((source, matter))
                yield Disagreement("number borne twice", source, (matter,))
    for matter in crosswalk.shared:
        for source in sorted({b.source for b in crosswalk.of(matter)}):
            began = [
                b
                for b in crosswalk.of(matter)
                if b.source == source
                and any(s.matter == matter and s.at <= moment for s in b.sightings)
            ]
            if len(began) > 1 and (source, matter) not in twice:
                yield Disagreement("number used again", source, (matter,))
    for matter in crosswalk.unjoined:
        yield Disagreement("not to be joined", "", (matter,))


def _told(crosswalk: Crosswalk, moment: datetime) -> Iterator[Disagreement]:
    for merge in crosswalk.merges():
        if merge.at <= moment and merge.into:
            others = tuple(matter for matter, _ in merge.into)
            was = merge.of.named.matter
            items = sum(count for _, count in merge.into)
            yield Disagreement("merged", merge.of.source, (was, *others), items)
    for split in crosswalk.splits():
        if split.at <= moment:
            others = tuple(matter for matter, _ in split.of)
            items = sum(count for _, count in split.of)
            now = split.into.sightings[0].matter
            yield Disagreement("split", split.into.source, (now, *others), items)


def _missing(
    crosswalk: Crosswalk,
    shares: Mapping[str, Mapping[str, Share]],
    moment: datetime,
    expected_in: Collection[str],
) -> Iterator[Disagreement]:
    for bearer in crosswalk.bearers:
        now = bearer.at(moment)
        if now is None or now.gone or not now.status.active:
            continue
        ids = crosswalk.join(now.matter).ids
        for source in sorted(set(expected_in) & shares.keys()):
            if not any(_has(shares[source].get(matter)) for matter in ids):
                yield Disagreement("nothing there", source, (now.matter,))


def _has(share: Share | None) -> bool:
    return share is not None and share.items > share.own_row
