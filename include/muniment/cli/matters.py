"""Matters: what is protected of each, in which source, and where the sources do not agree."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from muniment.cli import forms, words
from muniment.cli.options import AsOf, moment_of_plan, session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.recovery.crosswalk.joined import Joined
    from muniment.recovery.crosswalk.overview import MatterLine, Overview
    from muniment.recovery.crosswalk.tally import Share, Tally

SHOWN = 10
"""Matters that are named of one kind of disagreement; --json has all."""


def register(app: forms.Group, panel: str) -> None:
    app.command("matters", panel=panel)(matters)


def naming_sources(session: Session) -> tuple[str, ...]:
    """Those of the inventory; none without a firm's folder: then those that were recorded are asked."""
    from muniment.recovery.crosswalk import naming

    if not session.has_firm or session.given.store:
        return ()
    return naming.naming_sources(session.firm)


def matters(
    ctx: forms.Context,
    as_of: AsOf = "",
) -> None:
    """Lists the matters over all sources: number, title, client, what each source has, where they disagree.

    A matter that was renumbered is one line, with the numbers it had. Shows names where an identity opens them. With a
    worker's keys it shows opaque ids and counts; without any key the sources, their last good snapshots and how many
    items belong to no matter.
    """
    from muniment.recovery.crosswalk.overview import overview

    session = session_of(ctx)
    vault = session.looking()
    moment = moment_of_plan(session, vault, as_of, ()) or session.clock.now()
    firm = session.firm.firm if session.has_firm else None
    with session.screen.progress("Reading the rows of every source"):
        found = overview(
            vault,
            moment,
            naming=naming_sources(session),
            expected_in=firm.matters_expected_in if firm else (),
        )
    keyed = {matter_of(m.key_id) for m in vault.trust.newest.matters}
    listed = [_matter_dict(line, keyed) for line in found.matters]
    if found.unassigned.shares:
        listed.append(
            _matter_dict(found.unassigned, frozenset()) | {"id": "", "number": "(unassigned)"}
        )
    data = {
        "as_of": _text(moment),
        "matters": listed,
        "sources": [_source_dict(each) for each in found.tallies],
        "without": [{"source": source, "why": why} for source, why in found.without],
        "disagreements": [
            {"what": d.what, "source": d.source, "matters": list(d.matters), "items": d.items}
            for d in found.disagreements
        ],
    }
    session.screen.answer("matters", data, lambda: _print(session, found, listed))


def print_joined(session: Session, joined: Joined) -> None:
    """What a person should know of a matter before it is restored."""
    if session.screen.as_json:
        return
    if joined.also:
        session.screen.note(
            f"The matter has had other numbers: {', '.join(joined.also)} come along with {joined.matter}.",
            style="",
        )
    for note in joined.notes:
        session.screen.note(f"{joined.matter}: {note}.")


def matter_of(key_id: str) -> str:
    from muniment.vault.names import matter_of_key

    return matter_of_key(key_id)


def _text(at: datetime) -> str:
    from muniment.clock import to_text

    return to_text(at)


def _matter_dict(line: MatterLine, keyed: set[str] | frozenset[str]) -> dict[str, Any]:
    return {
        "id": line.id,
        "ids": list(line.ids),
        "number": line.number,
        "former_numbers": list(line.former),
        "title": line.title,
        "client": line.client,
        "status": line.status.value if line.status else "",
        "items": line.items,
        "bytes": line.bytes,
        "changed": _changed(line.newest_ns),
        "sources": list(line.shares),
        "per_source": {source: _share_dict(share) for source, share in line.shares.items()},
        "closed_in": list(line.closed_in),
        "own_key": bool(keyed & set(line.ids)),
    }


def _share_dict(share: Share) -> dict[str, Any]:
    return {
        "items": share.items,
        "bytes": share.bytes,
        "changed": _changed(share.newest_ns),
        "ledger_items": share.ledger,
    }


def _changed(newest_ns: int) -> str:
    if not newest_ns:
        return ""
    try:
        at = datetime.fromtimestamp(newest_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        at = datetime.max.replace(microsecond=0, tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def _source_dict(each: Tally) -> dict[str, Any]:
    good = each.last_good
    return {
        "source": each.source,
        "seq": each.record.seq,
        "taken_at": _text(each.record.commit.ended_at),
        "completeness": each.record.commit.completeness.value,
        "last_good_seq": good.seq if good else None,
        "last_good_at": _text(good.commit.ended_at) if good else "",
        "items": each.record.commit.counts.items,
        "unassigned": each.unassigned,
        "matters": None if each.shares is None else len([m for m in each.shares if m]),
        "closed_matters": sorted(each.closed),
    }


# -- for people --------------------------------------------------------------------------------------


def _print(session: Session, found: Overview, listed: list[dict[str, Any]]) -> None:
    screen = session.screen
    screen.table(
        ("source", ">seq", "last good snapshot", ">matters", ">items", ">unassigned"),
        [_source_row(session, each) for each in found.tallies],
    )
    if listed:
        screen.table(
            ("number", "title", "client", "status", "id", ">items", ">size", "last changed",
             "in each source", "own key"),
            [_matter_row(one) for one in listed],
        )  # fmt: skip
    for source, why in found.without:
        screen.note(f"{source}: {why}.")
    if any(each.shares is None for each in found.tallies):
        screen.note(
            "No key at hand opens rows or state, so no matter is listed: give --identity, or use operations' keys."
        )
    for source in found.unseen:
        screen.note(f"{source}: how it names matters does not open with the identities at hand.")
    _print_disagreements(session, found)
    screen.say(words.some(len(found.matters), "matter"), style="bold")


def _source_row(session: Session, each: Tally) -> list[str]:
    good = each.last_good
    behind = good is not None and good.seq != each.record.seq
    return [
        each.source,
        str(each.record.seq),
        (words.moment(good.commit.ended_at, session.zone) + (f" ({good.seq})" if behind else ""))
        if good
        else "NONE",
        "?" if each.shares is None else words.number(len([m for m in each.shares if m])),
        words.number(each.record.commit.counts.items),
        words.number(each.unassigned),
    ]


def _matter_row(one: dict[str, Any]) -> list[str]:
    number = one["number"] or "-"
    if one["former_numbers"]:
        number += f" (was {', '.join(one['former_numbers'])})"
    return [
        number,
        words.name(str(one["title"]).encode("utf-8", "surrogateescape")),
        words.name(str(one["client"]).encode("utf-8", "surrogateescape")),
        one["status"],
        one["id"],
        words.number(one["items"]),
        words.size(one["bytes"]),
        one["changed"][:10],
        ", ".join(
            [f"{source} {share['items']:,}" for source, share in one["per_source"].items()]
            + [f"{source} closed" for source in one["closed_in"]]
        ),
        "yes" if one["own_key"] else "",
    ]


def _print_disagreements(session: Session, found: Overview) -> None:
    from muniment.recovery.crosswalk.compare import DISAGREEMENTS

    for what, count in sorted(Counter(d.what for d in found.disagreements).items()):
        mine = [d for d in found.disagreements if d.what == what]
        shown = ", ".join(
            f"{d.matters[0]}{f' in {d.source}' if d.source else ''}"
            + (f" ({', '.join(d.matters[1:])})" if d.matters[1:] else "")
            for d in mine[:SHOWN]
        )
        more = f" and {count - SHOWN:,} more (--json lists all)" if count > SHOWN else ""
        session.screen.note(f"{what}, {count:,}: {DISAGREEMENTS[what]}: {shown}{more}")
