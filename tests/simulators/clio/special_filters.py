"""Filters whose meaning does not follow from their name, and the words some of them accept."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from tests.simulators.clio.errors import bad_request
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.world import View

Keeps = Callable[[Ref, Row], bool]
Make = Callable[[View, str, list[str]], Keeps]


def truth(name: str, value: str) -> bool:
    if value.lower() in ("true", "1"):
        return True
    if value.lower() in ("false", "0"):
        return False
    raise bad_request(f"'{name}' is neither true nor false")


def number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise bad_request(f"'{name}' is no whole number") from error


# The words a filter accepts (openapi: enum of the parameter).
ENUMS: dict[tuple[str, str], tuple[str, ...]] = {
    (resource, name): tuple(words.split())
    for resource, name, words in (
        ("activities", "status", "billed draft unbilled non_billable billable written_off"),
        ("activities", "type", "TimeEntry ExpenseEntry HardCostEntry SoftCostEntry"),
        ("activity_descriptions", "type", "utbms clio"),
        ("allocations", "status", "valid invalid"),
        ("bank_accounts", "status", "opened closed"),
        ("bank_accounts", "type", "OperatingAccount TrustAccount"),
        ("bank_transactions", "type", "asset liability"),
        ("bills", "state", "draft awaiting_approval awaiting_payment paid void deleted"),
        ("bills", "status", "all overdue"),
        ("bills", "type", "revenue trust"),
        ("calendars", "type", "AccountCalendar AdhocCalendar UserCalendar"),
        ("communications", "type", "EmailCommunication PhoneCommunication"),
        ("contacts", "type", "Company Person"),
        ("custom_fields", "parent_type", "matter contact"),
        ("custom_field_sets", "parent_type", "Matter Contact"),
        ("documents", "scope", "descendants children"),
        ("folders", "scope", "descendants children"),
        ("folders/list", "scope", "descendants children"),
        ("matters", "status", "open closed pending"),
        ("notes", "type", "Matter Contact"),
        ("tasks", "status", "pending in_progress in_review complete draft"),
        ("tasks", "statuses[]", "pending in_progress in_review complete draft"),
        ("tasks", "priority", "high normal low"),
        ("tasks", "assignee_type", "user contact"),
        ("users", "role", "admin accounts billing reports"),
        ("users", "subscription_type", "attorney nonattorney"),
        ("utbms/codes", "type", "UtbmsTask UtbmsActivity UtbmsExpense"),
    )
}

# The reference that a filter ending in _id looks at, where it has another name.
REFERENCES = {
    ("calendar_entries", "calendar_id"): "calendar_owner",
    ("comments", "item_id"): "_item",
    ("documents", "parent_id"): "parent",
    ("matter_stages", "practice_area_id"): "_practice_area",
    ("notes", "contact_id"): "contact",
    ("reminders", "subject_id"): "subject",
    ("groups", "user_id"): "_none",
}

SPECIAL: dict[tuple[str, str], Make] = {}


def _special(*where: tuple[str, str]) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        SPECIAL.update(dict.fromkeys(where, make))
        return make

    return keep


def _equals(column: str, translate: Callable[[str], Any] = str) -> Make:
    def make(view: View, name: str, values: list[str]) -> Keeps:
        wanted = translate(values[-1])
        return lambda ref, row: row.get(column) == wanted

    return make


SPECIAL |= {
    ("matters", "status"): _equals("status", str.capitalize),
    ("bank_accounts", "type"): _equals("type", lambda word: word.removesuffix("Account")),
    ("bank_accounts", "status"): _equals("_closed", lambda word: word == "closed"),
    ("custom_fields", "parent_type"): _equals("parent_type", str.capitalize),
    ("tasks", "priority"): _equals("priority", str.capitalize),
    ("users", "subscription_type"): _equals(
        "subscription_type", lambda word: {"attorney": "Attorney"}.get(word, "NonAttorney")
    ),
    ("bills", "type"): _equals("kind", lambda word: f"{word}_kind"),
    ("bills", "bill_number"): _equals("number"),
    ("reports", "output_format"): _equals("format"),
    ("report_presets", "output_format"): _equals("format"),
    ("court_rules/jurisdictions", "for_current_account"): _equals(
        "default", lambda word: word == "true"
    ),
    ("contacts", "initial"): lambda view, name, values: (
        lambda ref, row: str(row["name"]).upper().startswith(values[-1])
    ),
    ("documents", "contact_id"): lambda view, name, values: _plain_reference(
        "contact", name, values
    ),
    ("lauk_expense_categories", "region"): _equals("_region"),
}


def _plain_reference(column: str, name: str, values: list[str]) -> Keeps:
    wanted = None if values[-1] == "null" else number(name, values[-1])
    return lambda ref, row: (row.get(column).id if row.get(column) else None) == wanted  # type: ignore[union-attr]


@_special(("*", "query"))
def _query(view: View, name: str, values: list[str]) -> Keeps:
    """Wildcard search: here, each word of it in one of the texts of the row."""
    words = values[-1].lower().split()

    def keeps(ref: Ref, row: Row) -> bool:
        text = " ".join(str(v).lower() for k, v in row.items() if type(v) is str and k[0] != "_")
        return all(word in text for word in words)

    return keeps


@_special(("tasks", "statuses[]"))
def _statuses(view: View, name: str, values: list[str]) -> Keeps:
    return lambda ref, row: row["status"] in values


@_special(("tasks", "complete"))
def _complete(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    return lambda ref, row: (row["status"] == "complete") == flag


@_special(("tasks", "assignee_type"))
def _assignee_type(view: View, name: str, values: list[str]) -> Keeps:
    return lambda ref, row: (row["assignee"].collection == "users") == (values[-1] == "user")


@_special(("tasks", "client_id"), ("tasks", "responsible_attorney_id"), ("bills", "responsible_attorney_id"),
          ("bills", "originating_attorney_id"))  # fmt: skip
def _of_its_matter(view: View, name: str, values: list[str]) -> Keeps:
    wanted, column = number(name, values[-1]), name[:-3]

    def keeps(ref: Ref, row: Row) -> bool:
        of = row.get("matters") or [row.get("matter")]
        held = [view.store.at(one) for one in of if one is not None]
        return any(one and one.get(column) and one[column].id == wanted for one in held)

    return keeps


@_special(("users", "role"))
def _role(view: View, name: str, values: list[str]) -> Keeps:
    return lambda ref, row: values[-1] in row["roles"]


@_special(("groups", "user_id"))
def _member(view: View, name: str, values: list[str]) -> Keeps:
    user = view.store.get("users", number(name, values[-1]))
    groups = user["groups"] if user else []
    return lambda ref, row: ref in groups


@_special(("contacts", "client_only"))
def _clients(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    return lambda ref, row: bool(view.store.referrers("matters", "client", ref)) or not flag


@_special(("contacts", "email_only"))
def _with_mail(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    return lambda ref, row: bool(row["email_addresses"]) or not flag


@_special(("communications", "contact_id"))
def _participant(view: View, name: str, values: list[str]) -> Keeps:
    who = Ref("contacts", number(name, values[-1]))
    return lambda ref, row: who in (*row["senders"], *row["receivers"])


@_special(
    ("communications", "having_time_entries"),
    ("notes", "has_time_entries"),
    ("tasks", "time_entries_present"),
)
def _with_time(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    column = {"having_time_entries": "communication", "has_time_entries": "matter_note"}.get(
        name, "task"
    )
    return lambda ref, row: bool(view.store.referrers("activities", column, ref)) == flag


@_special(("bank_transactions", "unreconciled_only"))
def _unreconciled(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    return lambda ref, row: not (flag and row["_reconciled"])


@_special(("bank_accounts", "show_empty_accounts"))
def _empty_accounts(view: View, name: str, values: list[str]) -> Keeps:
    flag = truth(name, values[-1])
    return lambda ref, row: flag or view.ledger.held(ref.id) != 0


@_special(("allocations", "status"))
def _valid(view: View, name: str, values: list[str]) -> Keeps:
    return lambda ref, row: (row["voided_at"] is None) == (values[-1] == "valid")


@_special(("allocations", "parent_type"), ("reminders", "subject_type"))
def _kind(view: View, name: str, values: list[str]) -> Keeps:
    places = {
        "Payment": "payments",
        "CreditMemo": "credit_memos",
        "calendar_entry": "calendar_entries",
        "task": "tasks",
    }
    column = name.removesuffix("_type")
    return lambda ref, row: row[column].collection == places.get(values[-1])


@_special(("activities", "status"))
def _activity_status(view: View, name: str, values: list[str]) -> Keeps:
    word = values[-1]
    if word in ("billed", "draft", "unbilled"):
        state = {"billed": True, "draft": None, "unbilled": False}[word]
        return lambda ref, row: row["billed"] is state
    return lambda ref, row: row["non_billable"] is (word != "billable")


@_special(("*", "include_deleted"), ("*", "show_uncompleted"), ("*", "custom_field_ids"), ("calendar_entries", "expanded"),
          ("bills", "status"), ("users", "include_co_counsel"), ("calendar_entries", "owner_entries_across_all_users"),
          ("settings/billing", "duration"), ("users", "pending_setup"))  # fmt: skip
def _elsewhere(view: View, name: str, values: list[str]) -> Keeps:
    """Looked after elsewhere, or without effect on this firm."""
    return lambda ref, row: True


def _flag(test: Callable[[Row], bool]) -> Make:
    def make(view: View, name: str, values: list[str]) -> Keeps:
        wanted = truth(name, values[-1])
        return lambda ref, row: test(row) == wanted

    return make


SPECIAL |= {
    ("calendar_entries", "is_all_day"): _flag(lambda row: bool(row["all_day"])),
    ("calendar_entries", "has_court_rule"): _flag(lambda row: bool(row["court_rule"])),
    ("tasks", "due_at_present"): _flag(lambda row: row["due_at"] is not None),
    ("task_types", "enabled"): _flag(lambda row: row["deleted_at"] is None),
    ("custom_fields", "visible_and_required"): _flag(
        lambda row: row["displayed"] and row["required"]
    ),
}


@_special(("*", "external_property_name"), ("*", "external_property_value"))
def _external(view: View, name: str, values: list[str]) -> Keeps:
    column = name.removeprefix("external_property_")
    return lambda ref, row: any(one[column] == values[-1] for one in row["external_properties"])


def _children(view: View, name: str, values: list[str]) -> Keeps:
    """The children alone; `descendants` is looked after where the filters meet (filters.py)."""
    parent = number(name, values[-1])

    def keeps(ref: Ref, row: Row) -> bool:
        above = row.get("parent")
        return above is not None and above.id == parent

    return keeps


for _name in ("documents", "folders", "folders/list"):
    SPECIAL[(_name, "parent_id")] = _children
    SPECIAL[(_name, "scope")] = _elsewhere

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
OPERATION = re.compile(r"(>=|<=|>|<|=)(.*)$", re.DOTALL)


@_special(("matters", "open_date[]"), ("matters", "close_date[]"), ("matters", "pending_date[]"))
def _dates(view: View, name: str, values: list[str]) -> Keeps:
    """`open_date[]=>=2020-01-01`; all conditions hold."""
    column = name.removesuffix("[]")
    pairs = []
    for value in values:
        match = OPERATION.match(value)
        if match is None:
            raise bad_request(f"'{name}' wants an operator and a date")
        pairs.append((OPERATORS[match[1]], match[2]))
    return lambda ref, row: (
        row[column] is not None and all(op(row[column], day) for op, day in pairs)
    )


def _between(column: str, compare: str, cut: int | None = 10) -> Make:
    def make(view: View, name: str, values: list[str]) -> Keeps:
        limit = values[-1][:cut]
        test = OPERATORS[compare]
        return lambda ref, row: row.get(column) is not None and test(row[column][:cut], limit)

    return make


SPECIAL |= {
    ("activities", "start_date"): _between("date", ">="),
    ("activities", "end_date"): _between("date", "<="),
    ("bills", "issued_after"): _between("issued_at", ">="),
    ("bills", "issued_before"): _between("issued_at", "<="),
    ("bills", "due_after"): _between("due_at", ">="),
    ("bills", "due_before"): _between("due_at", "<="),
    ("calendar_entries", "from"): _between("end_at", ">="),
    ("calendar_entries", "to"): _between("start_at", "<="),
    ("communications", "received_since"): _between("received_at", ">="),
    ("communications", "received_before"): _between("received_at", "<="),
    ("tasks", "due_at_from"): _between("due_at", ">="),
    ("tasks", "due_at_to"): _between("due_at", "<="),
    ("reports", "created_before"): _between("created_at", "<", None),
}


@_special(("*", "custom_field_values"))
def _custom_values(view: View, name: str, values: list[str]) -> Keeps:
    """`custom_field_values[12]=>=105.4`: an operator only where the sort of field has an order."""
    match = re.fullmatch(r"custom_field_values\[(\d+)\]", name)
    field = view.store.get("custom_fields", int(match[1])) if match else None
    if match is None or field is None:
        raise bad_request(f"'{name}' names no custom field")
    operation = OPERATION.match(values[-1])
    ordered = field["field_type"] in ("currency", "date", "time", "numeric")
    if operation is not None and not ordered and operation[1] != "=":
        raise bad_request(f"'{operation[1]}' is no operator of a {field['field_type']} field")
    test, text = (OPERATORS[operation[1]], operation[2]) if operation else (operator.eq, values[-1])
    read: Callable[[str], Any] = float if field["field_type"] in ("currency", "numeric") else str
    try:
        wanted = read(text)
    except ValueError as error:
        raise bad_request(f"'{text}' is no number") from error
    asked = Ref("custom_fields", int(match[1]))

    def keeps(ref: Ref, row: Row) -> bool:
        held = [one["value"] for one in row["custom_field_values"] if one["custom_field"] == asked]
        return any(test(read(one), wanted) for one in held)

    return keeps
