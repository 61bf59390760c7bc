"""Records: a vendor's rows, read back from a delivered matter file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from muniment.recovery.matter_file.text import members, number_of, one_line, shown
from muniment.sources.web.exact import parse

Data = Mapping[str, Any]


@dataclass(slots=True)
class Records:
    """Rows by collection and vendor's id. `unread` are rows that are no JSON object."""

    by_kind: dict[str, dict[str, Data]] = field(default_factory=dict)
    unread: int = 0
    _roles: dict[str, str] | None = None

    def add(self, kind: str, body: bytes) -> None:
        try:
            data = parse(body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            self.unread += 1
            return
        held = self.by_kind.setdefault(kind, {})
        held[shown(data.get("id", len(held)))] = data

    def of(self, kind: str) -> list[Data]:
        """In the order of their ids."""
        held = self.by_kind.get(kind, {})
        return [held[id_] for id_ in sorted(held, key=lambda id_: (len(id_), id_))]

    def one(self, kind: str, reference: object) -> Data:
        """The row that `{"id": 7}` names; empty where it is not here."""
        return self.by_kind.get(kind, {}).get(number_of(reference), {})

    def name(self, kind: str, reference: object) -> str:
        """What people call it; where its row is not here, its number, so that it can be asked for."""
        id_ = number_of(reference)
        if not id_:
            return ""
        found = one_line(self.one(kind, reference).get("name"))
        return found or f"{kind.replace('_', ' ')} {id_}"

    @property
    def matter(self) -> Data:
        """The matter's own row; empty where there is none."""
        return next(iter(self.of("matters")), {})

    # -- people ------------------------------------------------------------------------------------

    def roles(self) -> dict[str, str]:
        """Contact's id -> what they are in this matter: `Client`, `Opposing counsel`. Asked for once all rows
        are there."""
        if self._roles is not None:
            return self._roles
        found: dict[str, list[str]] = {}
        client = number_of(self.matter.get("client"))
        if client:
            found[client] = ["Client"]
        for relation in self.of("relationships"):
            id_, role = number_of(relation.get("contact")), one_line(relation.get("description"))
            if id_ and role and role not in found.setdefault(id_, []):
                found[id_].append(role)
        self._roles = {id_: ", ".join(each) for id_, each in found.items() if each}
        return self._roles

    def people(self, value: object) -> list[tuple[str, str]]:
        """(name, e-mail address or empty) of whoever wrote or received."""
        return [(self.called(one), self.address(one)) for one in members(value)]

    def called(self, who: Data) -> str:
        name = one_line(who.get("name") or who.get("identifier"))
        return name or self.name("users" if who.get("type") == "User" else "contacts", who)

    def address(self, who: Data) -> str:
        """The e-mail address, as far as any row tells it."""
        told = [who.get("secondary_identifier"), who.get("identifier"), who.get("email")]
        row = self.one("users" if who.get("type") == "User" else "contacts", who)
        told += [row.get("email"), row.get("primary_email_address")]
        told += [e.get("address") for e in _primary_first(members(row.get("email_addresses")))]
        lines = (one_line(each) for each in told)
        return next((each for each in lines if is_address(each)), "")


def is_address(text: str) -> bool:
    """Can it stand in the head of a message? ASCII, one @, nothing that means anything there."""
    local, at, domain = text.partition("@")
    return bool(at and local and domain) and text.isascii() and not set(text) & set(' <>()[],;:"\\@') - {"@"} and "@" not in domain  # fmt: skip


def _primary_first(addresses: Iterable[Data]) -> list[Data]:
    return sorted(addresses, key=lambda each: each.get("primary") is not True)
