"""Which rows a listing holds: the filters of the query.

resources.yaml: filters. Most follow from their name: `matter_id` looks at the reference `matter`, `billable` at
the field of that name. The others are in `SPECIAL` (special_filters.py). A filter the description knows and the
simulator does not is answered with 501, so that no test takes an unfiltered list for a filtered one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.simulators.clio.clock import moment
from tests.simulators.clio.errors import ApiError, bad_request
from tests.simulators.clio.special_filters import ENUMS, REFERENCES, SPECIAL, number, truth
from tests.simulators.clio.store import Ref, Row
from tests.simulators.clio.tables import HOMES, SCHEMAS, Resource
from tests.simulators.clio.world import View

Keeps = Callable[[Ref, Row], bool]
PAGING = frozenset({"fields", "limit", "order", "page_token", "offset"})


def keepers(
    view: View, resource: Resource, query: tuple[tuple[str, str], ...]
) -> tuple[list[Keeps], list[int] | None]:
    """The conditions a row must meet and, where an index knows, the ids that may meet them.

    Raises ApiError: 400 for an unknown parameter, a value of the wrong kind, a required filter that is missing.
    """
    given: dict[str, list[str]] = {}
    for name, value in query:
        if name not in PAGING:
            given.setdefault(name, []).append(value)
    for name in resource.required_filters - set(given):
        raise bad_request(f"The parameter '{name}' is required")
    conditions: list[Keeps] = []
    candidates: list[int] | None = None
    for name, values in given.items():
        _check_known(resource, name, values)
        if name == "parent_id" and given.get("scope", ["children"])[-1] == "descendants":
            conditions.append(_below(view, number(name, values[-1])))
        else:
            conditions.append(_condition(view, resource, name, values))
        known = _candidates(view, resource, name, values)
        if known is not None and (candidates is None or len(known) < len(candidates)):
            candidates = known
    return conditions + _without_asking(view, resource, given), candidates


def _check_known(resource: Resource, name: str, values: list[str]) -> None:
    plain = name.split("[")[0] if name.startswith("custom_field_values[") else name
    since = resource.since and name in ("created_since", "updated_since")
    if plain not in resource.filters and not since:
        raise bad_request(f"Unknown parameter '{name}'")
    allowed = ENUMS.get((resource.name, name))
    for value in values:
        # platform.yaml and resources.yaml: matters.notes, bank_accounts.notes - the words to ask with are
        # not the words in the answers (`open` and `Open`, `TrustAccount` and `Trust`).
        if allowed is not None and value not in allowed:
            raise bad_request(
                f"'{value}' is not valid for '{name}'; valid are {', '.join(allowed)}"
            )


def _condition(view: View, resource: Resource, name: str, values: list[str]) -> Keeps:
    if name in ("created_since", "updated_since"):
        return _since(f"{name[:7]}_at", _moment(name, values[-1]))
    if name == "ids[]":
        wanted = {number(name, value) for value in values}
        return lambda ref, row: ref.id in wanted
    if name == "exclude_ids[]":
        unwanted = {number(name, value) for value in values}
        return lambda ref, row: ref.id not in unwanted
    make = SPECIAL.get((resource.name, name)) or SPECIAL.get(("*", name.split("[")[0]))
    if make is not None:
        keeps = make(view, name, values)
        return lambda ref, row: keeps(ref, row)
    column = _reference(resource, name)
    if column is not None:
        return _refers(name, column, values[-1])
    known = SCHEMAS[resource.schema].fields.get(name)
    if known is None or known.nested:
        raise ApiError(
            501, "NotSimulated", f"The filter '{name}' of {resource.name} is not simulated"
        )
    if known.kind == "b":
        flag = truth(name, values[-1])
        return lambda ref, row: bool(row.get(name)) == flag
    text = values[-1].lower()
    return lambda ref, row: row.get(name) is not None and str(row[name]).lower() == text


def _below(view: View, folder: int) -> Keeps:
    """resources.yaml: folders.notes - scope=descendants lists a whole tree."""

    def keeps(ref: Ref, row: Row) -> bool:
        above = row.get("parent")
        while above is not None and above.id != folder:
            higher = view.store.at(above)
            above = higher.get("parent") if higher is not None else None
        return above is not None

    return keeps


def _since(column: str, after: datetime) -> Keeps:
    """platform.yaml: filters.time_format - the semantics are "after"."""
    return lambda ref, row: datetime.fromisoformat(row[column]) > after


def _moment(name: str, value: str) -> datetime:
    try:
        return moment(value.replace(" ", "+"))
    except ValueError as error:
        raise bad_request(f"'{name}' is no ISO-8601 timestamp") from error


def _reference(resource: Resource, name: str) -> str | None:
    """The field with the reference that a filter such as `matter_id` looks at."""
    if not name.endswith("_id"):
        return None
    column = REFERENCES.get((resource.name, name)) or name[:-3]
    if column.startswith("_"):
        return column
    fields = SCHEMAS[resource.schema].fields
    return next(
        (one for one in (column, f"{column}s") if one in fields and fields[one].nested), None
    )


def _refers(name: str, column: str, value: str) -> Keeps:
    if value == "null":  # platform.yaml: filters.null_keyword
        return lambda ref, row: not row.get(column)
    wanted = number(name, value)

    def keeps(ref: Ref, row: Row) -> bool:
        held = row.get(column)
        if type(held) is Ref:
            return held.id == wanted
        return any(one.id == wanted for one in held or () if type(one) is Ref)

    return keeps


def _candidates(view: View, resource: Resource, name: str, values: list[str]) -> list[int] | None:
    if name == "ids[]":
        return sorted({number(name, value) for value in values})
    column = _reference(resource, name)
    if column is None or values[-1] == "null" or (resource.name, name) in SPECIAL:
        return None
    known = SCHEMAS[resource.schema].fields.get(column)
    home = HOMES.get(known.kind) if known is not None else None
    if home is None:
        return None
    return view.store.referrers(resource.name, column, Ref(home, number(name, values[-1])))


def _without_asking(view: View, resource: Resource, given: dict[str, list[str]]) -> list[Keeps]:
    """What a listing leaves out unless it is asked for."""
    left_out: list[Keeps] = []
    deleted = given.get("include_deleted", ["false"])[-1]
    if "include_deleted" in resource.filters and not truth("include_deleted", deleted):
        # platform.yaml: deletions.soft_deleted_visible
        left_out.append(lambda ref, row: row.get("deleted_at") is None)
    if "show_uncompleted" in resource.filters and not truth(
        "show_uncompleted", given.get("show_uncompleted", ["false"])[-1]
    ):
        # platform.yaml: uploads.steps - without the PATCH the file never shows
        left_out.append(lambda ref, row: row.get("_uploaded") is not False)
    if resource.name == "bank_accounts" and "status" not in given:
        # platform.yaml: trust_accounting.accounts - status=closed has to be asked for
        left_out.append(lambda ref, row: not row.get("_closed"))
    if resource.name == "custom_fields" and "deleted" not in given:
        left_out.append(lambda ref, row: not row["deleted"])
    return left_out
