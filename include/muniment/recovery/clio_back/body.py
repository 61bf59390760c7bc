"""Body: what is sent to make a new row out of an old one.

References are led to new rows by `Links`; what leads nowhere is left out and named in `lost`. Left out of every row
are: ids, authors, the times it was made and changed (the vendor gives new ones), subscribers of notifications,
reminders, external properties of other programs (two rows with one of theirs would confuse them), and what the vendor
works out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from muniment.recovery.clio_back.old import Data, Old, id_of

PROPERTY = "muniment"
"""Name of the external property that bears a row's mark."""
_REFERENCE = 100
"""Characters of a matter's own client reference that are kept beside the mark."""


@dataclass(slots=True)
class Body:
    """`sent` is the request's `data`; `lost` are fields of the old row that are not in it."""

    sent: dict[str, Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any) -> None:
        if value is not None:
            self.sent[name] = value

    def refer(self, name: str, old: object, new: str | None) -> None:
        """`{"id": new}`; without a new one the reference is lost."""
        if not id_of(old):
            return
        if new:
            self.sent[name] = {"id": number(new)}
        else:
            self.lost.append(name)


class Links(Protocol):
    """Old references to new ids; empty where there is none."""

    mark: str

    def user(self, old: object) -> str:
        """A user who is there."""
        ...

    def assignable(self, old: object) -> str:
        """A user who is there and can be given work."""
        ...

    def me(self) -> str:
        """Whoever gave consent."""
        ...

    def contact(self, old: object) -> str:
        """A contact; made where it is not there."""
        ...

    def listed(self, collection: str, old: object) -> str:
        """An entry of a list of the firm."""
        ...

    def new(self, kind: str, old: object) -> str:
        """A row that this restore wrote or found before."""
        ...

    def calendar(self, old: object) -> tuple[str, bool]:
        """A calendar to write into, and whether it is the old one."""
        ...

    def attendee(self, one: Data) -> Mapping[str, Any] | None:
        """Who comes to an entry, as the API wants it."""
        ...

    def value(self, one: Data) -> Mapping[str, Any] | None:
        """A custom field's value, as the API wants it."""
        ...

    @property
    def matter(self) -> str: ...


def number(id_: str) -> int | str:
    return int(id_) if id_.isdigit() else id_


def mark_of(links: Links, old: Old) -> str:
    return f"{links.mark}/{old.kind}/{old.id}"


def _copied(old: Old, names: str) -> Body:
    body = Body()
    for name in names.split():
        body.put(name, old.data.get(name))
    return body


def _marked(body: Body, links: Links, old: Old) -> Body:
    body.sent["external_properties"] = [{"name": PROPERTY, "value": mark_of(links, old)}]
    if old.data.get("external_properties"):
        body.lost.append("external_properties")
    return body


def _many(old: Old, name: str, keys: str, extra: Mapping[str, str] | None = None) -> list[Any]:
    """A list of objects with some of their fields. `extra`: field of the vendor's answer -> of the request."""
    found = []
    for one in old.data.get(name) or ():
        made = {key: one[key] for key in keys.split() if one.get(key) is not None}
        made |= {theirs: True for ours, theirs in (extra or {}).items() if one.get(ours)}
        found.append(made)
    return found


def _values(body: Body, links: Links, old: Old) -> None:
    found = []
    for one in old.data.get("custom_field_values") or ():
        value = links.value(one)
        if value is None:
            body.lost.append("custom_field_values")
        else:
            found.append(dict(value))
    if found:
        body.sent["custom_field_values"] = found


# -- contacts and the matter ---------------------------------------------------------------------------


def contact(old: Old, links: Links) -> Body:
    body = _copied(
        old, "type name first_name middle_name last_name prefix title date_of_birth ledes_client_id sales_tax_number"
    )  # fmt: skip
    if old.data.get("type") == "Company":
        for name in ("first_name", "middle_name", "last_name"):
            body.sent.pop(name, None)
    for name, keys, extra in (
        ("addresses", "name street city province postal_code country", {}),
        ("email_addresses", "name address", {"primary": "default_email"}),
        ("phone_numbers", "name number", {"primary": "default_number"}),
        ("web_sites", "name address", {}),
        ("instant_messengers", "name address", {}),
    ):
        many = _many(old, name, keys, extra)
        if many:
            body.sent[name] = many
    company = old.data.get("company")
    body.refer("company", company, links.contact(company) if id_of(company) else "")
    _values(body, links, old)
    # An address there would be written to when something is shared with it.
    if old.data.get("clio_connect_email"):
        body.lost.append("clio_connect_email")
    return body


def matter(old: Old, links: Links) -> Body:
    """It is open until all of it is there: a closed one may refuse work. See `closing`."""
    data = old.data
    body = _copied(old, "description location billable open_date pending_date")
    body.sent.setdefault("description", "")
    body.sent["status"] = "pending" if data.get("status") == "Pending" else "open"
    body.refer("client", data.get("client"), links.contact(data.get("client")))
    body.sent["client_reference"] = reference_of(old, links.mark)
    for name in ("responsible_attorney", "originating_attorney", "responsible_staff"):
        body.refer(name, data.get(name), links.user(data.get(name)))
    for name, collection in (
        ("practice_area", "practice_areas"), ("matter_stage", "matter_stages"), ("group", "groups")
    ):  # fmt: skip
        body.refer(name, data.get(name), links.listed(collection, data.get(name)))
    _values(body, links, old)
    # Money, or rights: they are entered by a person.
    body.lost += [
        name
        for name in ("matter_budget", "evergreen_retainer", "split_invoice_payers")
        if data.get(name)
    ]
    if (data.get("custom_rate") or {}).get("rates"):
        body.lost.append("custom_rate")
    return body


def reference_of(old: Old, mark: str) -> str:
    """What a matter that was written back bears: its own reference, the number it had, and the mark."""
    own = str(old.data.get("client_reference") or "")[:_REFERENCE]
    was = str(old.data.get("display_number") or old.id)
    return " | ".join(filter(None, (own, f"restored from {was}", mark)))


def closing(old: Old) -> dict[str, Any]:
    """The last change of a matter that was closed; empty for others."""
    if old.data.get("status") != "Closed":
        return {}
    made: dict[str, Any] = {"status": "closed"}
    if old.data.get("close_date"):
        made["close_date"] = old.data["close_date"]
    return made


# -- what belongs to a matter --------------------------------------------------------------------------


def relationship(old: Old, links: Links) -> Body:
    body = _copied(old, "description")
    body.sent["matter"] = {"id": number(links.matter)}
    body.refer("contact", old.data.get("contact"), links.contact(old.data.get("contact")))
    return body


def folder(old: Old, links: Links) -> Body:
    body = _copied(old, "name")
    body.sent["parent"] = parent_of(old, links)
    _category(body, old, links)
    return _marked(body, links, old)


def document(old: Old, links: Links) -> Body:
    """Without what is of its first version: see `version`."""
    body = _copied(old, "name received_at")
    body.sent["parent"] = parent_of(old, links)
    _category(body, old, links)
    return _marked(body, links, old)


def parent_of(old: Old, links: Links) -> dict[str, Any]:
    """The new folder, or the matter's own where there is none."""
    above = links.new("folders", old.data.get("parent"))
    if above:
        return {"id": number(above), "type": "Folder"}
    return {"id": number(links.matter), "type": "Matter"}


def _category(body: Body, old: Old, links: Links) -> None:
    category = old.data.get("document_category")
    body.refer("document_category", category, links.listed("document_categories", category))


def note(old: Old, links: Links) -> Body:
    body = _copied(old, "subject detail detail_text_type date")
    body.sent |= {"type": "Matter", "matter": {"id": number(links.matter)}}
    return body


def task(old: Old, links: Links) -> Body:
    body = _copied(
        old, "name description description_text_type priority status due_at permission time_estimated statute_of_limitations"
    )  # fmt: skip
    body.sent.setdefault("name", "")
    body.sent.setdefault("description", "")
    body.sent |= {"matter": {"id": number(links.matter)}, "notify_assignee": False}
    body.sent["notify_completion"] = False
    if old.data.get("notify_completion"):
        body.lost.append("notify_completion")
    kind = old.data.get("task_type")
    body.refer("task_type", kind, links.listed("task_types", kind))
    assignee = old.data.get("assignee") or {}
    if assignee.get("type") in ("Person", "Company", "Contact"):
        who, type_ = links.contact(assignee), "Contact"
    else:
        who, type_ = links.assignable(assignee), "User"
    if not who:
        # The API makes no task that is nobody's.
        who, type_ = links.me(), "User"
        body.lost.append("assignee")
    body.sent["assignee"] = {"id": number(who), "type": type_}
    return body


def communication(old: Old, links: Links) -> Body:
    body = _copied(old, "type subject body received_at")
    body.sent.setdefault("subject", "")
    body.sent.setdefault("body", "")
    if "received_at" not in body.sent:
        body.put("received_at", old.data.get("date"))
    body.sent["matter"] = {"id": number(links.matter)}
    for name in ("senders", "receivers"):
        found = []
        for one in old.data.get(name) or ():
            is_user = one.get("type") == "User"
            who = links.user(one) if is_user else links.contact(one)
            if who:
                found.append({"id": number(who), "type": "User" if is_user else "Contact"})
            else:
                body.lost.append(name)
        if found:
            body.sent[name] = found
    return _marked(body, links, old)


def entry(old: Old, links: Links) -> Body:
    """Nobody is invited: `send_email_notification` is off."""
    body = _copied(old, "summary description location start_at end_at all_day recurrence_rule")
    body.sent.setdefault("summary", "")
    body.sent |= {"matter": {"id": number(links.matter)}, "send_email_notification": False}
    owner, same = links.calendar(old.data.get("calendar_owner"))
    body.sent["calendar_owner"] = {"id": number(owner)}
    if not same:
        body.lost.append("calendar_owner")
    kind = old.data.get("calendar_entry_event_type")
    body.refer("calendar_entry_event_type", kind, links.listed("calendar_entry_event_types", kind))
    attendees = []
    for one in old.data.get("attendees") or ():
        who = links.attendee(one)
        if who is None:
            body.lost.append("attendees")
        else:
            attendees.append(dict(who))
    if attendees:
        body.sent["attendees"] = attendees
    body.lost += [
        name
        for name in ("reminders", "court_rule", "matter_docket", "conference_meeting")
        if old.data.get(name)
    ]
    return _marked(body, links, old)


def damage(old: Old, links: Links) -> Body:
    body = _copied(old, "amount damage_type description")
    body.sent.setdefault("description", "")
    body.sent["matter_id"] = number(links.matter)
    return body


def activity(old: Old, links: Links) -> Body:
    data = old.data
    body = _copied(old, "type date price note")
    timed = data.get("type") == "TimeEntry"
    if data.get("type") != "HardCostEntry":
        body.put("quantity", data.get("quantity"))
    else:
        body.put("reference", data.get("reference"))
    if not timed:
        body.put("tax_setting", data.get("tax_setting"))
    for name in ("non_billable", "no_charge"):
        if data.get(name):
            body.sent[name] = True
    body.sent["matter"] = {"id": number(links.matter)}
    body.refer("user", data.get("user"), links.user(data.get("user")))
    for name, collection in (
        ("activity_description", "activity_descriptions"), ("expense_category", "expense_categories")
    ):  # fmt: skip
        body.refer(name, data.get(name), links.listed(collection, data.get(name)))
    vendor = data.get("vendor")
    body.refer("vendor", vendor, links.contact(vendor) if id_of(vendor) else "")
    for name, kind in (
        ("communication", "communications"), ("matter_note", "notes"), ("task", "tasks"),
        ("calendar_entry", "calendar_entries"),
    ):  # fmt: skip
        body.refer(name, data.get(name), links.new(kind, data.get(name)))
    if id_of(data.get("utbms_expense")):
        # The vendor's own list, the same for everybody.
        body.sent["utbms_expense"] = {"id": number(id_of(data["utbms_expense"]))}
    body.lost += [
        name
        for name in ("contact_note", "client_portal", "text_message_conversation", "flat_rate")
        if data.get(name)
    ]
    return body


Make = Callable[[Old, Links], Body]

WORK: Mapping[str, Make] = {
    "relationships": relationship,
    "communications": communication,
    "notes": note,
    "tasks": task,
    "calendar_entries": entry,
    "damages": damage,
    "activities": activity,
}
"""Kinds without a way of their own, in the order in which they are written: time stands for work on what was
written before it."""

MARKED = frozenset({"communications", "calendar_entries", "documents", "folders"})
"""Kinds whose rows bear their mark; the others are found by being equal."""
