"""Overview: every matter of a firm over all its sources, as of a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from muniment.errors import MunimentError, NothingToRestore
from muniment.model.matter import UNASSIGNED, MatterName
from muniment.recovery.crosswalk.compare import Disagreement, compare
from muniment.recovery.crosswalk.joined import Crosswalk
from muniment.recovery.crosswalk.record import load_crosswalk
from muniment.recovery.crosswalk.sightings import Bearer, Status
from muniment.recovery.crosswalk.tally import Share, Tally, tally
from muniment.recovery.selected import is_silence
from muniment.vault.history import sources_in
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault


@dataclass
class MatterLine:
    """One matter. `ids` are all that are its own, the one that it bears now first; `former` the numbers it had.
    Number, title and client are empty for who may not read names. `status` is None where no naming source knows it."""

    ids: tuple[str, ...]
    number: str = ""
    title: str = ""
    client: str = ""
    former: tuple[str, ...] = ()
    status: Status | None = None
    shares: dict[str, Share] = field(default_factory=dict)
    closed_in: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.ids[0]

    @property
    def items(self) -> int:
        return sum(share.items for share in self.shares.values())

    @property
    def bytes(self) -> int:
        return sum(share.bytes for share in self.shares.values())

    @property
    def newest_ns(self) -> int:
        return max((share.newest_ns for share in self.shares.values()), default=0)


@dataclass(frozen=True)
class Overview:
    """`without` are sources that say nothing here, and why; `unassigned` what no matter has, by source; `unseen` naming
    sources that do not open, `closed` recorded names that do not."""

    moment: datetime
    matters: tuple[MatterLine, ...]
    tallies: tuple[Tally, ...]
    unassigned: MatterLine
    disagreements: tuple[Disagreement, ...]
    crosswalk: Crosswalk
    without: tuple[tuple[str, str], ...] = ()
    unseen: tuple[str, ...] = ()
    closed: int = 0


def overview(
    vault: Vault,
    moment: datetime,
    *,
    naming: Collection[str] = (),
    expected_in: Collection[str] = (),
) -> Overview:
    """Raises StoreError, TrustError. A source that cannot be read is among `without`, and the others go on."""
    tallies: list[Tally] = []
    without: list[tuple[str, str]] = []
    clients: dict[str, str] = {}
    latest = load_crosswalk(vault, naming)
    known = {b.client for bearer in latest.crosswalk.bearers for b in bearer.sightings}
    for source in sources_in(vault.store):
        history = vault.history(source)
        try:
            found = tally(vault, history, moment)
        except NothingToRestore:
            without.append((source, "there is no snapshot at or before this time"))
            continue
        except MunimentError as error:
            if is_silence(error):
                raise
            without.append((source, f"{error.code} {error.what}"))
            continue
        rows = {name: row for name, row in found.clients.items() if name in known}
        if rows:
            reader = PartReader(vault.store, vault.keyring, history.packs(found.record))
            clients |= {name: _name(reader, row.parts) for name, row in rows.items()}
        found.clients = {}
        tallies.append(found)
    shares = {t.source: t.shares for t in tallies if t.shares is not None}
    return Overview(
        moment,
        tuple(_lines(latest.crosswalk, tallies, clients, moment)),
        tuple(tallies),
        MatterLine(
            (UNASSIGNED,),
            shares={s: held[UNASSIGNED] for s, held in shares.items() if UNASSIGNED in held},
        ),
        tuple(compare(latest.crosswalk, shares, moment, expected_in=expected_in)),
        latest.crosswalk,
        tuple(without),
        latest.unseen,
        latest.closed,
    )


def _name(reader: PartReader, parts: Sequence[object]) -> str:
    try:
        data = json.loads(b"".join(reader.content(parts)))  # type: ignore[arg-type]
    except (ValueError, MunimentError):
        return ""
    return str(data.get("name") or "") if isinstance(data, Mapping) else ""


def _lines(
    crosswalk: Crosswalk, tallies: Sequence[Tally], clients: Mapping[str, str], moment: datetime
) -> list[MatterLine]:
    names: dict[str, MatterName] = {}
    for each in tallies:
        names |= each.names
    lines: dict[tuple[str, ...], MatterLine] = {}
    met = [matter for each in tallies for matter in (each.shares or {}) if matter != UNASSIGNED]
    met += [matter for each in tallies for matter in each.closed]
    met += [s.matter for b in crosswalk.bearers if (s := b.at(moment)) and not s.gone]
    for matter in dict.fromkeys(met):
        joined = crosswalk.join(matter)
        ids = _borne_first(crosswalk, joined.ids, moment)
        if ids in lines:
            continue
        named = [names[each] for each in ids if each in names]
        now = names.get(ids[0])
        bearers = [b for each in ids for b in crosswalk.of(each)]
        lines[ids] = MatterLine(
            ids,
            number=now.number if now else named[0].number if named else "",
            title=next((n.title for n in named if n.title), ""),
            client=_client(bearers, clients, moment),
            former=tuple(n.number for n in named if n is not now),
            status=crosswalk.status(ids, moment),
            shares=_shares(ids, tallies),
            closed_in=tuple(t.source for t in tallies if t.closed & set(ids)),
        )
    return sorted(lines.values(), key=lambda line: (line.number, line.ids))


def _borne_first(crosswalk: Crosswalk, ids: tuple[str, ...], moment: datetime) -> tuple[str, ...]:
    """As of an earlier time the number of that time is the matter's own."""
    borne = {
        s.matter for each in ids for b in crosswalk.of(each) if (s := b.at(moment)) is not None
    }
    return tuple(sorted(ids, key=lambda each: (each not in borne, ids.index(each))))


def _client(bearers: Iterable[Bearer], clients: Mapping[str, str], moment: datetime) -> str:
    for bearer in bearers:
        seen = bearer.at(moment)
        if seen is not None and clients.get(seen.client):
            return clients[seen.client]
    return ""


def _shares(ids: Iterable[str], tallies: Sequence[Tally]) -> dict[str, Share]:
    found: dict[str, Share] = {}
    for each in tallies:
        mine = [s for matter in ids if (s := (each.shares or {}).get(matter)) is not None]
        if mine:
            found[each.source] = Share(
                sum(s.items for s in mine),
                sum(s.bytes for s in mine),
                max(s.newest_ns for s in mine),
                sum(s.ledger for s in mine),
                any(s.own_row for s in mine),
            )
    return found
