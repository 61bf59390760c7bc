"""Creating, changing and deleting rows through the API.

What is common to all resources is here: which keys a body may have, references, objects inside a row. What is
particular to one is a `Rule`, in rules_work.py, rules_money.py and documents.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulators.clio.access import Reader
from tests.simulators.clio.clock import stamp
from tests.simulators.clio.errors import ApiError, not_found, unprocessable
from tests.simulators.clio.practice_clients import field_value
from tests.simulators.clio.store import Ref, Row, etag_of
from tests.simulators.clio.tables import HOMES, SCHEMAS, Field, Resource
from tests.simulators.clio.world import World

Values = dict[str, Any]

# platform.yaml: changes_2026, 4.0.11 and 4.0.13
ASSOCIATION_LIMIT = 200
PROPERTY_LIMIT = 5  # platform.yaml: uploads.steps - external_properties[<=5]

KINDS: dict[str, tuple[type, ...]] = {
    "i": (int,), "n": (int, float), "b": (bool,), "l": (list,), "o": (dict,), "s": (str,), "d": (str,), "t": (str,),
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """`prepare` turns what was sent into what is kept; `before` is the row, or None on create. `made` follows a
    create, `create`, `update` and `delete` take the place of the common way."""

    prepare: Callable[[Writer, Values, Values, Row | None], None] | None = None
    made: Callable[[Writer, Ref, Values], None] | None = None
    create: Callable[[Writer, Values, Values], Ref] | None = None
    update: Callable[[Writer, Ref, Values, Values], None] | None = None
    delete: Callable[[Writer, Ref], None] | None = None


class Writer:
    """Changes the firm for one user."""

    def __init__(self, world: World, reader: Reader, rules: Mapping[str, Rule]) -> None:
        self.world = world
        self.reader = reader
        self._rules = rules

    @property
    def user(self) -> Ref:
        return self.reader.user

    def today(self) -> str:
        return stamp(self.world.clock.now())[:10]

    # -- the three ways ------------------------------------------------------------------------------
    def create(self, resource: Resource, data: Values) -> Ref:
        with shaped():
            return self._create(resource, data)

    def update(self, resource: Resource, ref: Ref, data: Values) -> None:
        with shaped():
            self._update(resource, ref, data)

    def _create(self, resource: Resource, data: Values) -> Ref:
        rule = self._rules.get(resource.name, Rule())
        self._known(resource.create, data)
        for key in sorted(resource.required - _given(data)):
            if not _excused(resource.name, key, data):
                raise unprocessable(f"'{key}' is required")
        values = self.values(resource, data, None)
        if rule.prepare is not None:
            rule.prepare(self, values, data, None)
        if rule.create is not None:
            return rule.create(self, values, data)
        made = self.world.create(resource.name, **values)
        if rule.made is not None:
            rule.made(self, made, data)
        return made

    def _update(self, resource: Resource, ref: Ref, data: Values) -> None:
        rule = self._rules.get(resource.name, Rule())
        self._known(resource.update, data)
        before = self.world.row(ref)
        values = self.values(resource, data, before)
        if rule.prepare is not None:
            rule.prepare(self, values, data, before)
        if rule.update is not None:
            rule.update(self, ref, values, data)
        else:
            quiet = self.world.settings.quiet_nested_changes and all(
                isinstance(value, list) for value in values.values()
            )
            self.world.change(ref, quiet=quiet, **values)

    def delete(self, ref: Ref) -> None:
        rule = self._rules.get(ref.collection, Rule())
        if rule.delete is not None:
            rule.delete(self, ref)
        else:
            self.world.delete(ref)

    # -- bodies --------------------------------------------------------------------------------------
    def _known(self, keys: frozenset[str], data: Values) -> None:
        for key in data:
            if key not in keys:
                raise unprocessable(f"'{key}' cannot be written")

    def values(self, resource: Resource, data: Values, before: Row | None) -> Values:
        """What of the body belongs to fields of the row, references found."""
        fields = SCHEMAS[resource.schema].fields
        kept: Values = {}
        for key, value in data.items():
            known = fields.get(key)
            if known is None or (resource.name, key) in APART:
                continue
            if not known.nested:
                kept[key] = scalar(known, value)
            elif known.kind in HOMES:
                kept[key] = self._references(known, value)
            elif known.many:
                kept[key] = self.parts(known.kind, (before or {}).get(key) or [], value)
            else:
                kept[key] = self._part(known.kind, (before or {}).get(key), value)
        return kept

    def _references(self, known: Field, value: Any) -> Any:
        home = HOMES[known.kind]
        if known.many:
            return [self.ref(home, one) for one in value or [] if not _away(one)]
        return self.ref(home, value)

    def ref(self, home: str, value: Any) -> Ref | None:
        """`{"id": 5}` as a reference; no id is none. Raises ApiError (404) where there is no such row."""
        id_ = value.get("id") if isinstance(value, dict) else value
        if id_ in (None, "null"):
            return None
        try:
            found = Ref(home, int(id_))
        except (TypeError, ValueError) as error:
            raise unprocessable("An id is no whole number") from error
        if self.world.store.at(found) is None or not self.reader.sees(found):
            raise not_found(f"{home} {id_}")
        return found

    def needed(self, home: str, value: Any) -> Ref:
        found = self.ref(home, value)
        if found is None:
            raise unprocessable(f"A reference to {home} is missing")
        return found

    # -- objects inside a row ------------------------------------------------------------------------
    def parts(self, kind: str, held: list[Any], sent: Any) -> list[Any]:
        """The list after the changes sent: an id changes or, with _destroy, takes away; no id adds."""
        if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
            raise unprocessable("A list of objects is wanted")
        kept = list(held)
        for one in sent:
            id_ = one.get("id")
            place = next((n for n, old in enumerate(kept) if str(old["id"]) == str(id_)), None)
            if id_ is not None and place is None:
                raise not_found(f"{kind} {id_}")
            if place is None:
                kept.append(self._new_part(kind, one))
            elif _away(one) and kind != "PicklistOption":
                kept.pop(place)
            else:
                kept[place] = self._changed_part(kind, kept[place], one)
        limit = PROPERTY_LIMIT if kind == "ExternalProperty" else ASSOCIATION_LIMIT
        if len(kept) > limit:
            raise unprocessable(f"More than {limit} {kind} are not allowed")
        return kept

    def _part(self, kind: str, held: Any, sent: Any) -> Any:
        if sent is None or _away(sent):
            return None
        if not isinstance(sent, dict):
            raise unprocessable(f"{kind} is an object")
        return self._changed_part(kind, held, sent) if held else self._new_part(kind, sent)

    def _new_part(self, kind: str, sent: Values) -> Values:
        if kind == "CustomFieldValue":
            field = self.needed("custom_fields", sent.get("custom_field"))
            try:
                return field_value(self.world, field, _text(sent.get("value")))
            except ValueError as error:
                raise unprocessable("The value does not fit the custom field") from error
        return self.world.part(
            PARTS.get(kind, kind.lower()), self.world.clock.now(), **self._words(kind, sent)
        )

    def _changed_part(self, kind: str, held: Values, sent: Values) -> Values:
        now = stamp(self.world.clock.now())
        words = self._words(kind, sent)
        if kind == "CustomFieldValue" and held["field_type"] in ("picklist", "contact", "matter"):
            fresh = field_value(self.world, held["custom_field"], _text(sent["value"]))
            words |= {
                name: fresh.get(name)
                for name in ("picklist_option", "contact", "matter")
                if name in fresh
            }
        if kind == "PicklistOption" and sent.get("_deleted"):
            words["deleted_at"] = now
        changed = {**held, **words, "updated_at": now}
        changed["etag"] = etag_of(kind, held.get("id", 0), f"{self.world.seed}/{held.get('etag')}")
        return changed

    def _words(self, kind: str, sent: Values) -> Values:
        fields = SCHEMAS[kind].fields
        words = {
            key: (_text(value) if key == "value" else value)
            for key, value in sent.items()
            if key in fields and not fields[key].nested and key not in ("id", "etag")
        }
        if kind in ("EmailAddress", "PhoneNumber"):
            words["primary"] = bool(sent.get("default_email", sent.get("default_number", False)))
        return words


# Kinds of objects inside a row whose numbers are counted under another name than theirs.
PARTS = {
    "EmailAddress": "email_addresses", "PhoneNumber": "phone_numbers", "Address": "addresses",
    "CustomFieldValue": "custom_field_values", "PicklistOption": "picklist_options", "MatterBudget": "matter_budgets",
}  # fmt: skip

# Keys of a body that are a field's name and yet something else; their rules see to them.
APART = {
    ("matters", "relationships"), ("matters", "status"), ("matters", "statute_of_limitations"),
    ("matters", "task_template_list_instances"), ("matters", "custom_rate"), ("tasks", "assignee"),
    ("communications", "senders"), ("communications", "receivers"), ("calendar_entries", "attendees"),
    ("conversation_messages", "receivers"), ("documents", "parent"), ("documents", "latest_document_version"),
    ("folders", "parent"), ("reminders", "subject"), ("reminders", "notification_method"),
    ("medical_records_details", "medical_bills"), ("medical_records_details", "medical_records"),
    ("bank_accounts", "balance"), ("contacts", "co_counsel_rate"), ("contacts", "avatar"), ("expense_categories", "groups"),
    ("contacts", "currency"), ("matters", "currency"), ("activity_descriptions", "currency"), ("clio_payments/links", "subject"),
    ("expense_categories", "currency"), ("document_templates", "file"),
}  # fmt: skip


def _given(data: Values) -> frozenset[str]:
    return frozenset(key for key, value in data.items() if value is not None)


def _excused(resource: str, key: str, data: Values) -> bool:
    """resources.yaml names both `matter` and `contact` as required of a note; one of them makes its type."""
    return resource == "notes" and {"matter": "Contact", "contact": "Matter"}.get(key) == data.get(
        "type"
    )


def _away(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("_destroy") or one.get("_deleted"))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def scalar(known: Field, value: Any) -> Any:
    """Raises ApiError (422) where the value is of another kind than the field."""
    if value is None:
        return None
    if known.kind == "b" and value in ("true", "false"):
        return value == "true"
    if known.kind == "n" and isinstance(value, str):
        try:
            return float(value)
        except ValueError as error:
            raise unprocessable(f"'{known.name}' is no number") from error
    if not isinstance(value, KINDS[known.kind]) or (known.kind in "in" and isinstance(value, bool)):
        raise unprocessable(f"'{known.name}' is not of the right kind")
    return float(value) if isinstance(value, int) and known.kind == "n" else value


@contextlib.contextmanager
def shaped() -> Iterator[None]:
    """A body of a shape that no rule expects is refused with 422."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unprocessable(f"The body has not the shape wanted: {error!r}") from error


def refused_delete(why: str) -> ApiError:
    """platform.yaml: errors.types_seen"""
    return unprocessable(f"Delete failed: {why}", "DeleteFailed")
