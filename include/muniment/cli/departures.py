"""departures: who left or is about to, what their accounts have, and the certificates that say so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.options import session_of

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.evidence.departures import Departure
    from muniment.vault.documents import EvidenceEntry

PANEL = "Prove"

app = forms.Group(
    help="Who leaves: what the account has, and its certificate (docs/DEPARTURES.md).",
)


def register(parent: forms.Group) -> None:
    parent.add_group(app, name="departures", panel=PANEL)


Id = Annotated[str, forms.Argument(metavar="DEPARTURE", help="Its id; see `departures list`.")]


@app.command("list")
def list_all(ctx: forms.Context) -> None:
    """Lists the departures, with what became of each. Needs no key, and names nobody."""
    session = session_of(ctx)
    found = _departures(_entries(session))
    data = {"departures": [_as_dict(one) for one in found]}
    session.screen.answer("departures list", data, lambda: _print(session, found))


@app.command("show")
def show(ctx: forms.Context, departure: Id) -> None:
    """Shows whose account it is, whom its rules send mail to, who its delegates are, and what was remarked. Needs an
    identity that opens evidence."""
    from muniment.evidence.departures import AccountInventoried
    from muniment.evidence.discovery import unpacked
    from muniment.sources.m365.account import Account
    from muniment.vault.evidence import open_detail

    session = session_of(ctx)
    vault = session.reading()
    mine = [e for e in _entries(session) if e.subject == departure]
    counted = [e for e in mine if e.event == AccountInventoried.event]
    if not counted:
        raise _unknown(departure)
    account = Account.of(unpacked(open_detail(vault, counted[-1])))
    remarks = [
        {"at": e.event, "remarks": str(held["remarks"])}
        for e in mine
        if e.detail is not None and "remarks" in (held := open_detail(vault, e))
    ]
    data: dict[str, Any] = {**account.as_dict(), "remarks": remarks}

    def human() -> None:
        screen = session.screen
        state = {True: "enabled", False: "disabled", None: "unknown"}[account.enabled]
        screen.facts(
            [
                ("account", account.name),
                ("addresses", ", ".join(account.addresses)),
                ("state", f"{state}; the vendor calls its mailbox: {account.purpose or 'nothing'}"),
                ("computers", ", ".join(account.devices)),
                *((f"has {kind}", f"{count:,}") for kind, count in account.counts.items()),
                ("not listed by the vendor", ", ".join(account.unasked)),
            ]
        )
        screen.table(
            ("rule", "sends to", "on"),
            [(r.name, ", ".join(r.to), "yes" if r.enabled else "no") for r in account.rules],
        )
        screen.table(("delegate", "role"), [(d.address, d.role) for d in account.delegates])
        for one in remarks:
            screen.say(f"{one['at']}: {one['remarks']}")

    session.screen.answer("departures show", data, human)


@app.command("check")
def check(
    ctx: forms.Context,
    departure: Id,
    to: Annotated[
        Path | None,
        forms.Option(metavar="FOLDER", help="Also writes it there: a new or an empty folder."),
    ] = None,
) -> None:
    """Verifies the certificate of a departure: that operations signed it, that it is the one in the evidence, and what it
    says. Needs an identity that opens evidence."""
    from muniment.assurance.departure_certificate import check_certificate, lines
    from muniment.recovery.certificate.place import OpenFolder

    session = session_of(ctx)
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise forms.BadParameter("--to holds something: name a new or an empty folder")
    found = check_certificate(_entries(session), departure, session.reading())
    written = ""
    if to is not None:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = str(OpenFolder(to.absolute()).leave(found.parts))
    data = {
        **_as_dict(found.departure),
        "signer": found.signer,
        "statement": dict(found.said),
        "written": written,
    }

    def human() -> None:
        screen = session.screen
        screen.say("GOOD: the certificate is operations', and the one in the evidence.", style="bold green")  # fmt: skip
        screen.facts([("account", str(found.said["account"]["name"])), *lines(found.said)])
        screen.say(_answer(found.departure))
        if written:
            screen.say(f"Written: {written}")

    session.screen.answer("departures check", data, human)


# -- parts -------------------------------------------------------------------------------------------


def _entries(session: Session) -> Sequence[EvidenceEntry]:
    """What the store has of departures, as far as it is believed."""
    from muniment.evidence.departures import DEPARTURES
    from muniment.vault.evidence import load_stream

    vault = session.keyless()
    return list(load_stream(vault.store, vault.trust, DEPARTURES).events())


def _departures(entries: Sequence[EvidenceEntry]) -> list[Departure]:
    from muniment.evidence.departures import departures_in

    return departures_in(entries)


def _unknown(departure: str) -> Exception:
    from muniment.errors import NothingToRestore

    return NothingToRestore(
        "there is no such departure", to=f"departure {departure}", todo="See `muniment departures list`."
    )  # fmt: skip


def _as_dict(one: Departure) -> dict[str, Any]:
    from muniment.clock import to_text

    return {
        "departure": one.departure_id,
        "source": one.source,
        "user": one.user,
        "began_at": to_text(one.began_at),
        "requested_by": one.requested_by,
        "confirmed_by": one.confirmed_by,
        "certified_at": to_text(one.certified_at) if one.certified_at else None,
        "certificate": one.certificate,
        "snapshot": one.seq or None,
        "items": one.items,
        "answer": one.answer,
        "answered_by": one.answered_by,
    }


def _print(session: Session, found: Sequence[Departure]) -> None:
    if not found:
        session.screen.say("Nobody's departure is in the evidence.")
        return
    session.screen.table(
        ("departure", "began", "account", "confirmed by", "certified", "answer"),
        [
            (
                one.departure_id, words.moment(one.began_at, session.zone), f"{one.source}: {one.user}",
                one.confirmed_by or "nobody",
                words.moment(one.certified_at, session.zone) if one.certified_at else "NO",
                f"{one.answer.replace('_', ' ')}, {one.answered_by}" if one.answer else "none",
            )
            for one in found
        ],
    )  # fmt: skip


def _answer(one: Departure) -> str:
    if not one.answer:
        return "Nobody answered it yet."
    return f"Answered: {one.answer.replace('_', ' ')}, by {one.answered_by}. Nothing was deactivated by it."
