"""Departures: what stands in the evidence of somebody who leaves, from the inventory of the account to the answer.

Nouns
- Departure: one run for one account. Its certificate says that everything the account has is in the vault and came
  back; it deactivates nothing.

All entries lie under the departure's id. A user is an opaque id (`user-7F3K2QXA`), the same as in discovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import field

from muniment.evidence.events import reading
from muniment.model.value import Value
from muniment.vault.documents import EvidenceEntry
from muniment.vault.evidence import Facts

DEPARTURES = "operations-departures"


class SignedOff(StrEnum):
    """The office manager's answer to a certificate."""

    DEACTIVATE = "deactivate"
    NOT_YET = "not_yet"


class Confirmation(StrEnum):
    """What a person says about something that no program can know."""

    NONE = "none"
    DEALT_WITH = "dealt_with"


class AccountInventoried(Value, frozen=True):
    """What the account has, by count. Addresses, rules and delegates are the sealed detail."""

    event: ClassVar[str] = "departure.inventoried"
    departure_id: str
    source: str
    user: str
    requested_by: str
    counts: Mapping[str, int]

    @property
    def subject(self) -> str:
        return self.departure_id

    def facts(self) -> Facts:
        return {
            "source": self.source,
            "user": self.user,
            "requested_by": self.requested_by,
            **{f"count.{name}": value for name, value in self.counts.items()},
        }


class DepartureConfirmed(Value, frozen=True):
    """Legal hold, delegates and forwarding, as a person confirmed them. Remarks are sealed."""

    event: ClassVar[str] = "departure.confirmed"
    departure_id: str
    confirmed_by: str
    hold: str
    delegates: str
    forwarding: str

    @property
    def subject(self) -> str:
        return self.departure_id

    def facts(self) -> Facts:
        return {
            "confirmed_by": self.confirmed_by,
            "hold": self.hold,
            "delegates": self.delegates,
            "forwarding": self.forwarding,
        }


class DepartureCertified(Value, frozen=True):
    """`certificate` is the SHA-256 of the statement's bytes; it is the sealed detail, with its signature. `seq` and
    `commit` name the snapshot."""

    event: ClassVar[str] = "departure.certified"
    departure_id: str
    source: str
    user: str
    certificate: str
    seq: int
    commit: str
    items: int

    @property
    def subject(self) -> str:
        return self.departure_id

    def facts(self) -> Facts:
        return {
            "source": self.source,
            "user": self.user,
            "certificate": self.certificate,
            "seq": self.seq,
            "commit": self.commit,
            "items": self.items,
        }


class DepartureAnswered(Value, frozen=True):
    """What the office manager decided, holding the certificate. Remarks are sealed."""

    event: ClassVar[str] = "departure.answered"
    departure_id: str
    answer: str
    answered_by: str
    certificate: str

    @property
    def subject(self) -> str:
        return self.departure_id

    def facts(self) -> Facts:
        return {
            "answer": self.answer,
            "answered_by": self.answered_by,
            "certificate": self.certificate,
        }


class Departure(Value, frozen=True):
    """One departure, folded from its entries. `certified_at` is None while there is no certificate."""

    departure_id: str
    source: str
    user: str
    began_at: datetime
    requested_by: str = ""
    confirmed_by: str = ""
    certified_at: datetime | None = None
    certificate: str = ""
    seq: int = 0
    items: int = 0
    answer: str = ""
    answered_by: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


def departures_in(entries: Iterable[EvidenceEntry]) -> list[Departure]:
    """Every departure, oldest first; of several certificates of one the newest."""
    found: dict[str, dict[str, object]] = {}
    for entry in entries:
        known, id_ = reading(entry), entry.subject
        if entry.event == AccountInventoried.event:
            found[id_] = {
                **found.get(id_, {}), "source": known.text("source"), "user": known.text("user"),
                "requested_by": known.text("requested_by"),
                "counts": {k: v for k, v in known.under("count").items() if isinstance(v, int)},
            }  # fmt: skip
            found[id_].setdefault("began_at", entry.at)
        elif id_ not in found:
            continue
        elif entry.event == DepartureConfirmed.event:
            found[id_]["confirmed_by"] = known.text("confirmed_by")
        elif entry.event == DepartureCertified.event:
            found[id_] |= {
                "certified_at": entry.at, "certificate": known.text("certificate"),
                "seq": int(known.number("seq") or 0), "items": int(known.number("items") or 0),
                "answer": "", "answered_by": "",
            }  # fmt: skip
        elif entry.event == DepartureAnswered.event:
            found[id_] |= {
                "answer": known.text("answer"),
                "answered_by": known.text("answered_by"),
            }
    return [Departure(departure_id=id_, **told) for id_, told in found.items()]  # type: ignore[arg-type]


def certified_users(entries: Iterable[EvidenceEntry]) -> dict[str, datetime]:
    """User -> when the newest certificate for the account was signed."""
    found: dict[str, datetime] = {}
    for one in departures_in(entries):
        if one.certified_at is not None:
            found[one.user] = max(one.certified_at, found.get(one.user, one.certified_at))
    return found


CATALOGUE: Mapping[str, str] = {
    AccountInventoried.event: "what the account of somebody who leaves has",
    DepartureConfirmed.event: "a person confirmed legal hold, delegates and forwarding",
    DepartureCertified.event: "everything of the account is in the vault and came back",
    DepartureAnswered.event: "the office manager answered the certificate",
}
"""Event -> what it says."""
