"""FirmConfig: both documents of a firm, read, checked and joined.

Runs whenever Airflow parses the DAG files, so it reads two small files and nothing else.

Which mistake stops what: a bad row stops its source; a bad destination or retention rule stops the
sources that name it; bad options or a bad matter rule stop their source (to go on without them
could back up what was excluded, or under the wrong matter). A bad exception only does not count, and
bad `trust_papers` say nothing new.
What every source needs - id, time zone, vault, staging, roles, readable YAML - stops the firm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import field

from muniment.config import references, schema
from muniment.config.firm import Destination, Firm
from muniment.config.inventory import SYSTEMS, InventoryRow, System
from muniment.config.inventory_reader import Inventory, Known, read_inventory
from muniment.config.issues import (
    FIRM_YAML,
    INVENTORY_CSV,
    ConfigIssue,
    RowError,
    as_error,
    suggestion,
)
from muniment.config.matters import MatterRules
from muniment.config.policy import AcceptedException, Records, RecoveryPoints, SourceOptions
from muniment.config.yaml_text import Document, YamlMistake, parse, refuse_secret
from muniment.errors import ConfigError
from muniment.model.value import Value

_BY_NAME = ("destinations", "retention", "sources", "people", "keys", "alerts", "labels")
_BY_PLACE = ("matter_rules", "exceptions")
_ALONE = ("approvals", "clock_tolerance")
_OPTIONAL = ("trust_papers",)
"""Parts that may be left out as a whole, so that no key in them is missed by the firm."""
_STOPPING = ("sources", "matter_rules")
"""Parts whose entries are for one source, and without which it must not run."""


class FirmConfig(Value, frozen=True):
    """What a firm's folder says.

    `rows` are the usable ones; `errors` has a RowError for every other row, whichever document is
    to blame; `issues` are mistakes that stop no source but must be seen. `digests` are the SHA-256
    (hex) of both documents, by file name: evidence of which configuration was in force.
    """

    folder: Path
    firm: Firm
    rows: tuple[InventoryRow, ...]
    errors: tuple[RowError, ...]
    issues: tuple[ConfigIssue, ...]
    exceptions: tuple[AcceptedException, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def firm_id(self) -> str:
        return self.firm.firm

    @property
    def protected(self) -> tuple[InventoryRow, ...]:
        """The rows that Muniment backs up."""
        return tuple(row for row in self.rows if row.by_muniment)

    def row(self, source_id: str) -> InventoryRow:
        """Raises ConfigError: the row's own mistakes, or that there is none."""
        for row in self.rows:
            if row.source_id == source_id:
                return row
        for error in self.errors:
            if error.source_id == source_id:
                raise error.error()
        known = [row.source_id for row in self.rows]
        raise ConfigError(
            "there is no such source in the inventory",
            to=f"firm {self.firm_id}, inventory.csv",
            todo=f"{suggestion(source_id, known)}Known: {', '.join(known) or 'none'}.",
        )

    def destination(self, row: InventoryRow) -> Destination:
        return self.firm.destinations[row.destination]

    def retention(self, row: InventoryRow) -> RecoveryPoints | Records:
        return self.firm.retention[row.retention]

    def options(self, source_id: str) -> SourceOptions:
        return self.firm.sources.get(source_id) or SourceOptions()

    def matter_rules(self, source_id: str) -> MatterRules:
        return MatterRules.compile(self.firm.matter_rules, source_id)

    def raise_issues(self) -> None:
        """For `doctor` and for set-up, where every mistake is to be mended. Raises ConfigError."""
        every = [*self.issues, *(issue for error in self.errors for issue in error.issues)]
        if every:
            raise as_error(every)


def load_firm(folder: Path, systems: Mapping[str, System] = SYSTEMS) -> FirmConfig:
    """Reads `folder`/firm.yaml and inventory.csv.

    Raises ConfigError when firm.yaml is missing, unreadable, or lacks what every source needs.
    Everything else is in the result.
    """
    yaml_bytes = _read(folder, FIRM_YAML)
    csv_bytes = _read(folder, INVENTORY_CSV)
    firm, document, issues, stopped = read_firm(yaml_bytes)
    if firm.firm != folder.name:
        right = f"The folder is {folder.name}: write `firm: {folder.name}` or rename the folder."
        what = "is not the name of its folder"
        raise as_error([ConfigIssue(FIRM_YAML, "firm", what, right, document.line(("firm",)))])
    unusable = references.destination_issues(firm, document)
    issues += unusable.values()
    known = Known(
        retention=firm.retention.keys(),
        destinations=firm.destinations.keys() - unusable.keys(),
        systems=systems,
    )
    inventory = _without(read_inventory(csv_bytes, known), stopped)
    ids = {r.source_id for r in inventory.rows}
    ids |= {e.source_id for e in inventory.errors if e.source_id}
    # What stops a source is told by its RowError, unless there is no such row.
    issues += [i for name, found in stopped.items() if name not in ids for i in found]
    exceptions, refused = references.exception_issues(firm, inventory.rows, document)
    issues += [
        *refused,
        *references.people_issues(firm, document),
        *references.approval_issues(firm, document),
        *references.custodian_issues(firm, document),
        *references.key_issues(firm, document),
        *references.source_issues(firm, ids, document),
        *references.paper_issues(firm, inventory.rows, document),
        *inventory.issues,
    ]
    return FirmConfig(
        folder=folder,
        firm=firm,
        rows=inventory.rows,
        errors=inventory.errors,
        issues=tuple(issues),
        exceptions=exceptions,
        digests={
            FIRM_YAML: sha256(yaml_bytes).hexdigest(),
            INVENTORY_CSV: sha256(csv_bytes).hexdigest(),
        },
    )


def list_firms(root: Path) -> list[Path]:
    """The firms' folders below `include/firms`: those that have a firm.yaml, by name."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if (path / FIRM_YAML).is_file())


def source_ids(folder: Path) -> list[str]:
    """The readable ids of the inventory's rows, also while firm.yaml is unusable: so that a DAG
    does not vanish from Airflow when its firm's configuration is broken."""
    try:
        inventory = read_inventory(_read(folder, INVENTORY_CSV), Known())
    except ConfigError:
        return []
    ids = [(row.row, row.source_id) for row in inventory.rows if row.by_muniment]
    ids += [(error.row, error.source_id) for error in inventory.errors if error.source_id]
    return [source_id for _, source_id in sorted(ids)]


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "a configuration document is missing",
            to=str(path),
            todo="Write it: `muniment init-firm` makes a commented example of both.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"a configuration document cannot be read ({error.strerror})",
            to=str(path),
            todo="Give this user the right to read it.",
        ) from None
    refuse_secret(name, content)
    return content


def read_firm(
    content: bytes,
) -> tuple[Firm, Document, list[ConfigIssue], dict[str, list[ConfigIssue]]]:
    """firm.yaml without the entries that are wrong: firm, document, the issues that stop no source,
    and those that stop one, by its id. Raises ConfigError when what is left is no firm."""
    try:
        document = parse(content)
    except YamlMistake as mistake:
        raise as_error([mistake.issue]) from None
    data = deepcopy(dict(document.data))
    issues: list[ConfigIssue] = []
    stopped: dict[str, list[ConfigIssue]] = {}
    try:
        return Firm.model_validate(data), document, issues, stopped
    except ValueError as error:
        from muniment.config.explain import issue_of

        fatal = False
        broken: set[tuple[str | int, ...]] = set()
        for detail in schema.mistakes(error):
            issue = issue_of(detail, Firm, document)
            place = _entry(detail["loc"], detail["type"])
            if place is None:
                fatal = True
            else:
                broken.add(place)
                for source_id in _stopped_by(place, data):
                    stopped.setdefault(source_id, []).append(issue)
            issues.append(issue)
    if fatal:
        raise as_error(issues)
    _take_out(data, broken)
    try:
        firm = Firm.model_validate(data)
    except ValueError:
        raise as_error(issues) from None
    told = {id(issue) for listed in stopped.values() for issue in listed}
    return firm, document, [i for i in issues if id(i) not in told], stopped


def _entry(loc: tuple[str | int, ...], kind: str) -> tuple[str | int, ...] | None:
    """The smallest part that can be taken out so that the rest is still what was meant."""
    if kind == "extra_forbidden" and len(loc) == 1:
        return loc
    if loc[0] in _OPTIONAL:
        return loc[:1]
    if len(loc) > 1 and loc[0] in (*_BY_NAME, *_BY_PLACE):
        return loc[:2]
    if loc[0] in (*_ALONE, *_BY_PLACE, "sources", "keys", "alerts", "labels"):
        return None if kind == "missing" or loc[0] in _STOPPING else loc[:1]
    return None


def _stopped_by(place: tuple[str | int, ...], data: Mapping[str, Any]) -> Iterable[str]:
    if place[0] not in _STOPPING or len(place) < 2:
        return ()
    if place[0] == "sources":
        return (str(place[1]),)
    entry = data[str(place[0])][place[1]]
    source = entry.get("source") if isinstance(entry, dict) else None
    return (source,) if isinstance(source, str) else ()


def _take_out(data: dict[str, Any], broken: set[tuple[str | int, ...]]) -> None:
    # Lists from their end, so that the places before stay right.
    for place in sorted(broken, key=lambda p: (str(p[0]), -p[1] if _is_place(p) else 0)):  # type: ignore[operator]
        if place[0] == "labels":
            # What was meant to be hidden must not be shown because of a typing mistake.
            data["labels"] = {"matter_numbers": False}
        elif place[0] == "approvals":
            # What was to be approved must not go without, because of a typing mistake.
            data["approvals"] = {}
        elif len(place) == 1:
            data.pop(str(place[0]), None)
        elif isinstance(data.get(str(place[0])), list):
            del data[str(place[0])][place[1]]
        elif isinstance(data.get(str(place[0])), dict):
            data[str(place[0])].pop(place[1], None)


def _is_place(place: tuple[str | int, ...]) -> bool:
    return len(place) > 1 and isinstance(place[1], int)


def _without(inventory: Inventory, stopped: Mapping[str, list[ConfigIssue]]) -> Inventory:
    """The inventory in which the sources that firm.yaml stops are errors."""
    rows = tuple(row for row in inventory.rows if row.source_id not in stopped)
    errors = [
        RowError(e.row, e.source_id, (*e.issues, *stopped.get(e.source_id, ())))
        for e in inventory.errors
    ]
    errors += [
        RowError(row.row, row.source_id, tuple(stopped[row.source_id]))
        for row in inventory.rows
        if row.source_id in stopped
    ]
    return Inventory(rows, tuple(sorted(errors, key=lambda e: e.row)), inventory.issues)
