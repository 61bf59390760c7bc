"""Standing: whose account this is, and whether the backup user sees all of it.

The vendor shows a user what that user may see, and nothing says what is left out: a list is shorter, a
total smaller. So what is counted in two ways, once through the user's eyes and once not, is compared:
the roles that open whole areas; matters against the vendor's own report; transactions against the count
that stands on the account; clients as they stand in matters; calendars as they stand with their people;
hours that are hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from muniment.errors import SourceError, SourceRestricted
from muniment.sources.clio.listing import Reader, Row
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.table import Table
from muniment.sources.web.exact import parse

ROLES = ("admin", "accounts", "billing", "reports")
"""Those of the backup user; without one of them a whole area is closed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose account; `key` is the same as long as it is the same one. No names."""

    region: str
    account: str
    user: str
    api_version: str
    roles: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"clio:{self.region}:{self.account}"


@dataclass(frozen=True, slots=True)
class Standing:
    """`less` says what the backup user does not see, `compared` what was looked at, `not_compared` what
    could not be, each in words without names."""

    identity: Identity
    less: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = field(default=())

    def require_all(self, source_id: str) -> None:
        """Raises SourceRestricted where the backup user sees less than there is."""
        if self.less:
            raise SourceRestricted(
                f"the backup user sees less than there is: {'; '.join(self.less)}",
                to=f"source {source_id}",
                todo="In Clio, give the backup user the roles administrator, accounts, billing and"
                " reports, access to all matters, all contacts, all calendars and everybody's hours;"
                f" or have such a user give consent: `muniment consent {source_id}`.",
            )


def identify(reader: Reader) -> Identity:
    """One request. Raises SourceRefused, SourceUnavailable."""
    transport = reader.transport
    answer, held = transport.json(
        "users/who_am_i.json", [("fields", "id,roles,subscription_type,account{id}")]
    )
    try:
        data = held["data"]
        return Identity(
            transport.place.region,
            str(data["account"]["id"]),
            str(data["id"]),
            answer.headers.get("X-API-VERSION", ""),
            tuple(sorted(str(role) for role in data.get("roles") or ())),
        )
    except (TypeError, KeyError):
        raise transport.unexpected(answer, "users/who_am_i") from None


def examine(reader: Reader, table: Table, *, with_report: bool = True) -> Standing:
    """Compares what can be compared, in about a dozen requests. `with_report=False` asks for no report,
    which is left in the firm's list of reports."""
    identity = identify(reader)
    looked = _Looked(reader, table)
    missing = [role for role in ROLES if role not in identity.roles]
    if missing:
        looked.less.append(f"it lacks the roles {', '.join(missing)}")
    # What a missing role closes is said above; the rest is compared all the same.
    looked.hours()
    looked.contacts()
    looked.calendars()
    if "accounts" in identity.roles:
        looked.transactions()
    if with_report and "reports" in identity.roles:
        looked.matters()
    return Standing(
        identity, tuple(looked.less), tuple(looked.compared), tuple(looked.not_compared)
    )


class _Looked:
    def __init__(self, reader: Reader, table: Table) -> None:
        self._reader = reader
        self._table = table
        self._vendors: list[dict[str, Any]] = []
        self.less: list[str] = []
        self.compared: list[str] = []
        self.not_compared: list[str] = []

    def hours(self) -> None:
        rows = self._page("activities", "id,quantity_redacted,vendor{id,name}")
        self.compared.append("hours")
        if any(row.get("quantity_redacted") for row in rows):
            self.less.append("hours of other people are hidden")
        self._vendors = rows

    def contacts(self) -> None:
        """A contact whom the user may not see stands without a name in what refers to it."""
        places = [
            (self._vendors, ("vendor",)),
            (self._page("matters", "id,client{id,name}"), ("client",)),
            (self._page("contacts", "id,company{id,name}"), ("company",)),
            (self._page("folders", "id,contact{id,name}"), ("contact",)),
            (self._page("communications", "id,senders{id,name},receivers{id,name}"), ("senders", "receivers")),
        ]  # fmt: skip
        self.compared.append("contacts")
        hidden = {
            str(one["id"])
            for rows, names in places
            for row in rows
            for name in names
            for one in _several(row.get(name))
            if one.get("name") is None
        }
        if hidden:
            self.less.append(f"{len(hidden)} or more contacts are hidden")

    def calendars(self) -> None:
        users = self._rows("users", ("id", "default_calendar_id"))
        seen = {row.id for row in self._rows("calendars", ("id",))}
        wanted = {str(row.data["default_calendar_id"]) for row in users if row.data.get("default_calendar_id")}  # fmt: skip
        self.compared.append("calendars")
        if wanted - seen:
            self.less.append(f"{len(wanted - seen)} calendars are hidden")

    def transactions(self) -> None:
        short = 0
        for row in self._rows("bank_accounts", ("id", "bank_transactions_count")):
            total = self._total("bank_transactions", ("bank_account_id", row.id))
            told = row.data.get("bank_transactions_count")
            if total is None or not isinstance(told, int):
                self.not_compared.append(f"transactions of account {row.id}")
            else:
                short += max(0, told - total)
        self.compared.append("bank transactions")
        if short:
            self.less.append(f"{short} bank transactions are hidden")

    def matters(self) -> None:
        try:
            held = parse(Reports(self._reader.transport).make("matter", "json") or b"{}")
        except (SourceError, ValueError) as error:
            # Without the right to write there is no report; and its form is not documented.
            self.not_compared.append(f"matters ({getattr(error, 'code', 'no JSON')})")
            return
        reported = _ids_in(held)
        total = self._total("matters")
        if reported is None or total is None:
            self.not_compared.append("matters")
            return
        self.compared.append("matters")
        if len(reported) > total:
            self.less.append(f"{len(reported) - total} matters are hidden")

    # -- asking ------------------------------------------------------------------------------------
    def _rows(self, name: str, fields: tuple[str, ...]) -> Iterator[Row]:
        return self._reader.rows(self._table[name], fields=fields)

    def _page(self, name: str, fields: str) -> list[dict[str, Any]]:
        """The newest rows, as many as one page holds."""
        return list(self._asked(name, [("fields", fields), ("order", "id(desc)")]).get("data", []))

    def _total(self, name: str, *more: tuple[str, str]) -> int | None:
        meta = self._asked(name, [*more, ("limit", "1")]).get("meta") or {}
        total = meta.get("records")
        return total if isinstance(total, int) else None

    def _asked(self, name: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        answer, held = self._reader.transport.json(f"{name}.json", query)
        if not isinstance(held, dict):
            raise self._reader.transport.unexpected(answer, name)
        return held


def _several(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def _ids_in(held: Any) -> set[str] | None:
    """The ids of matters in a report; None where it has another form."""
    lines = held.get("data") if isinstance(held, dict) else held
    if not isinstance(lines, list):
        return None
    found = {str(line["matter_id"]) for line in lines if isinstance(line, dict) and "matter_id" in line}  # fmt: skip
    return found if found or not lines else None
