"""Links: to which rows of the account the references of old rows lead.

In the account of the backup an id is enough: a contact who married is still that contact. In another account, or
where the row is gone, it is matched by its name. Contacts that nobody matches are made; people and lists of the firm
are not, but for custom fields, without which values would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from muniment.recovery.clio_back import body
from muniment.recovery.clio_back.account import Account
from muniment.recovery.clio_back.body import number
from muniment.recovery.clio_back.old import Data, Old, Snapshot, id_of
from muniment.recovery.written_back.journal import Journal

Making = Callable[[Old, Mapping[str, Any], Callable[[], str]], str]
"""Makes a row, once: (old, what is sent, how to find it where no answer came) -> new id; empty where the vendor
refuses it."""


class LiveLinks:
    """See `body.Links`. `met` are the rows of the firm's lists that something named: (kind, old id) -> new id."""

    def __init__(
        self, snapshot: Snapshot, account: Account, journal: Journal, mark: str, make: Making
    ) -> None:
        self._snapshot = snapshot
        self._account = account
        self._journal = journal
        self._make = make
        self.mark = mark
        self.matter = ""
        self.old_matter = ""
        self.met: dict[tuple[str, str], str] = {}
        self.bodies: dict[str, body.Body] = {}
        """Of contacts by old id."""
        self.live_contacts: dict[str, Data] = {}
        self._contacts: dict[str, str] = {}
        self._asked: set[str] = set()
        self._same = self._same_account()

    @property
    def same_account(self) -> bool:
        """Is it surely the account of the backup?"""
        return self._same

    def _same_account(self) -> bool:
        told = {id_of(user.data.get("account")) for user in self._snapshot.of("users")} - {""}
        return told == {self._account.who.account}

    # -- people and lists --------------------------------------------------------------------------
    def me(self) -> str:
        return self._account.who.user

    def user(self, old: object) -> str:
        return self.listed("users", old)

    def assignable(self, old: object) -> str:
        found = self.user(old)
        return found if found and self._account.listed("users")[found].get("enabled") else ""

    def listed(self, collection: str, old: object) -> str:
        id_ = id_of(old)
        if not id_:
            return ""
        key = (collection, id_)
        if key not in self.met:
            self.met[key] = self._listed(collection, id_)
        return self.met[key]

    def _listed(self, collection: str, id_: str) -> str:
        there = self._account.listed(collection)
        old = self._snapshot.one(collection, id_)
        name = _name(old.data) if old else ""
        if id_ in there and (self._same or (name and _name(there[id_]) == name)):
            return id_
        alike = [new for new, row in there.items() if name and _name(row) == name]
        return alike[0] if len(alike) == 1 else ""

    def new(self, kind: str, old: object) -> str:
        id_ = id_of(old)
        return self._journal.new((kind, id_)) if id_ else ""

    # -- calendars ---------------------------------------------------------------------------------
    def calendar(self, old: object) -> tuple[str, bool]:
        found = self.listed("calendars", old)
        if found:
            return found, True
        mine = self._account.listed("users").get(self.me(), {}).get("default_calendar_id")
        there = self._account.listed("calendars")
        return (
            str(mine) if mine else min(there, key=lambda id_: (len(id_), id_), default="")
        ), False

    def attendee(self, one: Data) -> Mapping[str, Any] | None:
        """What the number in an attendee's row is, the vendor's description leaves open; so it counts only together
        with the name, and else the name does, if it is one person's among those of the matter."""
        name = _name(one)
        if not name:
            return None
        if one.get("type") == "Calendar":
            there = self._account.listed("calendars")
            alike = [id_ for id_, row in there.items() if _name(row) == name]
            return {"id": number(alike[0]), "type": "Calendar"} if len(alike) == 1 else None
        people = [c for c in self._snapshot.of("contacts") if _name(c.data) == name]
        if len(people) > 1:
            own = [c for c in people if c.id == id_of(one)]
            people = own or [c for c in people if c.id in self._parties()]
        who = self.contact({"id": people[0].id}) if len(people) == 1 else ""
        return {"id": number(who), "type": "Contact"} if who else None

    def _parties(self) -> set[str]:
        """Old ids of the client and of whoever has a part in the matter."""
        found = {id_of(m.data.get("client")) for m in self._snapshot.of("matters")}
        return found | {id_of(r.data.get("contact")) for r in self._snapshot.of("relationships")}

    # -- custom fields -----------------------------------------------------------------------------
    def value(self, one: Data) -> Mapping[str, Any] | None:
        old_field = id_of(one.get("custom_field"))
        kind = str(one.get("field_type") or "")
        field = self._field(old_field, kind)
        if not field or one.get("value") is None:
            return None
        value: str | None = str(one["value"])
        if kind == "contact":
            value = self.contact(one.get("contact") or {"id": value})
        elif kind == "matter":
            value = self._other_matter(id_of(one.get("matter")) or value or "")
        elif kind == "picklist":
            value = self._option(field, old_field, one)
        return {"custom_field": {"id": number(field)}, "value": value} if value else None

    def _other_matter(self, id_: str) -> str:
        if id_ == self.old_matter or not self._same:
            return ""
        return id_ if self._account.some("matters", [id_]) else ""

    def _field(self, id_: str, kind: str) -> str:
        key = ("custom_fields", id_)
        if key not in self.met:
            self.met[key] = self._found_field(id_, kind)
        return self.met[key]

    def _found_field(self, id_: str, kind: str) -> str:
        there = self._account.listed("custom_fields")
        old = self._snapshot.one("custom_fields", id_)
        if id_ in there and there[id_].get("field_type") == kind and (
            self._same or (old is not None and _name(old.data) == _name(there[id_]))
        ):  # fmt: skip
            return id_
        if old is None:
            return ""

        def alike() -> str:
            rows = self._account.listed("custom_fields", anew=True)
            wanted = [old.data.get(name) for name in ("name", "parent_type", "field_type")]
            return next(
                (
                    new
                    for new, row in rows.items()
                    if [row.get(name) for name in ("name", "parent_type", "field_type")] == wanted
                ),
                "",
            )

        return alike() or self._make(old, _field_body(old.data), alike)

    def _option(self, field: str, old_field: str, one: Data) -> str:
        """The option of the same text; an option that is gone leads nowhere."""
        there = self._account.listed("custom_fields").get(field)
        if there is None:
            there = self._account.listed("custom_fields", anew=True).get(field, {})
        options = [o for o in there.get("picklist_options") or () if not o.get("deleted_at")]
        wanted = id_of(one.get("picklist_option")) or str(one["value"])
        old = self._snapshot.one("custom_fields", old_field)
        texts = (
            {id_of(o): o.get("option") for o in (old.data.get("picklist_options") or ())}
            if old
            else {}
        )
        if self._same and field == old_field and wanted in {id_of(o) for o in options}:
            return wanted
        return next((id_of(o) for o in options if o.get("option") == texts.get(wanted)), "")

    # -- contacts ----------------------------------------------------------------------------------
    def contact(self, old: object) -> str:
        id_ = id_of(old)
        if not id_:
            return ""
        if id_ not in self._contacts:
            # A company that names itself must not lead round in a circle.
            self._contacts[id_] = ""
            self._contacts[id_] = self._contact(id_)
        return self._contacts[id_]

    def _contact(self, id_: str) -> str:
        old = self._snapshot.one("contacts", id_)
        key = ("contacts", id_)
        known = self._journal.new(key)
        found = self._there(id_, known)
        if known in found:
            if old is not None and key in self._journal.made:
                self.bodies[id_] = body.contact(old, self)
            return known
        if id_ in found and (self._same or (old is not None and same_person(old.data, found[id_]))):
            self._journal.stands(key, id_, made=False)
            return id_
        if old is None:
            return ""

        def alike(rows: Mapping[str, Data]) -> str:
            people = [new for new, row in rows.items() if same_person(old.data, row)]
            return min(people, key=lambda new: (len(new), new), default="")

        type_, name = str(old.data.get("type") or ""), str(old.data.get("name") or "")
        there = self._account.matching("contacts", query=name, type=type_) if name else {}
        self.bodies[id_] = body.contact(old, self)
        match = alike(there)
        if match:
            self._journal.stands(key, match, made=key in self._journal.asked)
            self.live_contacts[match] = there[match]
            return match
        return self._make(
            old, self.bodies[id_].sent, lambda: alike(self._account.newest("contacts"))
        )

    def _there(self, *ids: str) -> dict[str, Data]:
        """Which of them are in the account; all that may be needed are asked for at once."""
        wanted = {*ids, *self._journal.claimed("contacts")}
        wanted |= {one.id for one in self._snapshot.of("contacts")}
        missing = sorted(wanted - self._asked - {""})
        self._asked |= wanted
        self.live_contacts |= self._account.some("contacts", missing)
        return {id_: self.live_contacts[id_] for id_ in ids if id_ in self.live_contacts}


def same_person(old: Data, there: Data) -> bool:
    """Of the same sort and name, and sharing an address, a number or a date of birth; or neither has any to be
    told by. Two people of one name are two people: a matter under the wrong one shows it to a stranger."""
    if old.get("type") != there.get("type") or _name(old) != _name(there):
        return False
    known, told = _told_by(old), _told_by(there)
    return bool(known & told) or (not known and not told)


def _told_by(contact: Data) -> set[str]:
    found = {str(e.get("address") or "").casefold() for e in contact.get("email_addresses") or ()}
    found |= {
        "".join(c for c in str(p.get("number") or "") if c.isdigit())
        for p in contact.get("phone_numbers") or ()
    }
    found.add(str(contact.get("date_of_birth") or ""))
    return found - {""}


def _field_body(field: Data) -> dict[str, Any]:
    made = {
        name: field[name]
        for name in ("name", "parent_type", "field_type", "displayed")
        if field.get(name) is not None
    }
    options = [o for o in field.get("picklist_options") or () if not o.get("deleted_at")]
    if options:
        made["picklist_options"] = [{"option": o.get("option")} for o in options]
    return made


def _name(row: Data) -> str:
    return " ".join(str(row.get("name") or "").split()).casefold()
