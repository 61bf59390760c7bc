"""Back: what a plan names of one NetDocuments source, written into the repository and read back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from muniment.errors import (
    ConfigError,
    MunimentError,
    NothingToRestore,
    SourceRefused,
    SourceRestricted,
    WriteBackRefused,
)
from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.recovery.netdocuments_back import given_as, restored_folder, target_of
from muniment.recovery.netdocuments_back.fate import forecast
from muniment.recovery.netdocuments_back.giving import Giving, Progress
from muniment.recovery.netdocuments_back.old import Snapshot, gather
from muniment.recovery.netdocuments_back.papers import Papers
from muniment.recovery.netdocuments_back.reading_back import ReadingBack
from muniment.recovery.netdocuments_back.repository import Repository
from muniment.recovery.plan import Choice, RestorePlan, make_restore_plan
from muniment.recovery.selected import AtHand
from muniment.recovery.selection import Filter, Selection, nothing_withheld
from muniment.recovery.written_back.files import leave_map
from muniment.recovery.written_back.forecast import Forecast
from muniment.recovery.written_back.journal import Journal, begun
from muniment.recovery.written_back.outcome import WriteReport
from muniment.recovery.written_back.planned import planned_rows
from muniment.sources.netdocuments.client import Client
from muniment.sources.netdocuments.standing import Identity, identify, require_all
from muniment.sources.netdocuments.writing import Writer
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

MAP = "netdocuments-map"
"""Of the files beside a delivery: `<source>.netdocuments-map.csv`, `.json`, `.journal`."""

Systems = Mapping[str, str]
"""source_id -> system of its inventory row."""


# -- the plan ------------------------------------------------------------------------------------------


def plan_back(
    vault: Vault,
    selection: Selection,
    as_of: datetime | None,
    systems: Systems,
    *,
    versions: bool = False,
    folder: str = "",
    withhold: Filter = nothing_withheld,
    at_hand: AtHand | None = None,
) -> RestorePlan:
    """A plan that says of each kind whether it is made anew, and into which folder goes what has no workspace any more.
    `folder` is that of the delivery.

    Raises NothingToRestore where no repository has anything of the matter, and as `make_restore_plan` does.
    """
    target = target_of(selection.shown(), versions=versions)
    plan = make_restore_plan(
        vault,
        selection,
        as_of,
        target=f"{target} in {folder}" if folder else target,
        withhold=withhold,
        at_hand=at_hand,
        fidelity=given_as,
    )
    if not planned_sources(plan, systems):
        raise NothingToRestore(
            "no NetDocuments repository of the firm has anything of this matter",
            to=f"{plan.scope} {plan.selection}".strip(),
            todo="Give it back into a folder (--as matter-file).",
        )
    return plan


def planned_sources(plan: RestorePlan, systems: Systems) -> list[str]:
    """Sources of a plan that are written back."""
    return [c.source for c in plan.choices if systems.get(c.source) == "netdocuments" and c.items]


def what_is_written(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    sources: Sequence[str],
    withhold: Filter = nothing_withheld,
) -> Forecast:
    """What is written where it is gone, and why the rest is not. Asks nothing of the vendor."""
    return forecast(
        read_snapshot(vault, choice, selection, withhold)[0]
        for choice in plan.choices
        if choice.source in sources
    )


def read_snapshot(
    vault: Vault, choice: Choice, selection: Selection, withhold: Filter = nothing_withheld
) -> tuple[Snapshot, PartReader]:
    """Raises PlanChanged where the items are not those of the plan, and what reading a vault raises."""
    rows, reader = planned_rows(vault, choice, selection, withhold)
    return gather(reader, rows), reader


# -- who may -------------------------------------------------------------------------------------------


def require_consent(client: Client, source: str) -> Identity:
    """Whose account it is that may write. Raises WriteBackRefused where it is nobody's, or it does not see all that is
    there: what it does not see would be made a second time."""
    try:
        identity = identify(client.reader, client.repository, client.cabinets)
        require_all(client.reader, identity)
    except (SourceRefused, SourceRestricted, ConfigError) as error:
        raise _not_allowed(error, source) from None
    return identity


def _not_allowed(error: MunimentError, source: str) -> WriteBackRefused:
    return WriteBackRefused(
        error.what,
        to=f"source {source}",
        todo="Have the application that firm.yaml names under `restore` mapped to an account that administers every "
        "cabinet, with the scopes it asks for (docs/NETDOCUMENTS.md, 'Back into NetDocuments'); then the same command "
        "goes on from here.",
    )


# -- writing -------------------------------------------------------------------------------------------


def write_back(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    source: str,
    client: Client,
    folder: Path,
    *,
    versions: bool = False,
    withhold: Filter = nothing_withheld,
    progress: Progress = lambda done: None,
) -> WriteReport:
    """Writes what the plan names of a source into the repository of the client, reads it back, and leaves the map in the
    folder. Repeating it after an interruption goes on where it was, and makes nothing twice.

    Raises WriteBackRefused, SourceUnavailable, TargetUnusable, PlanChanged.
    """
    began = time.monotonic()
    [choice] = [one for one in plan.choices if one.source == source]
    snapshot, reader = read_snapshot(vault, choice, selection, withhold)
    identity = require_consent(client, source)
    # Of the plan's matter, of whichever snapshot: two restores must not make one document each.
    head = {"back": sha256_hex(repr((vault.vault_id, source, plan.selection)).encode())[:16]}
    journal = Journal(_journal(folder, source), head | _head(choice, versions))
    repository = Repository(client, identity)
    writer = Writer(client.transport)

    def content(row: Row) -> Iterator[bytes]:
        return reader.content(row.parts)

    papers = Papers(writer, repository, journal, content)
    giving = Giving(
        snapshot, repository, writer, papers, journal, restored_folder(plan.selection), versions=versions,
        progress=progress,
    )  # fmt: skip
    reading = ReadingBack(giving, repository, papers)
    try:
        giving.run()
        reading.run()
    except (SourceRefused, SourceRestricted) as error:
        raise _not_allowed(error, source) from None
    finally:
        journal.close()
    report = WriteReport(
        source=source,
        new_matter=False,
        outcomes=[giving.outcomes[key] for key in sorted(giving.outcomes)],
        verified=reading.verified,
        seconds=time.monotonic() - began,
    )
    leave_map(folder, f"{source}.{MAP}", report)
    return report


def goes_on(folder: Path, plan: RestorePlan, sources: Sequence[str], *, versions: bool) -> bool:
    """Was this restore begun in the folder before? Then what stands there is its own. Raises PlanChanged where another
    one was."""
    wanted = [choice for choice in plan.choices if choice.source in sources]
    found = [begun(_journal(folder, one.source), _head(one, versions)) for one in wanted]
    return any(found)


def _head(choice: Choice, versions: bool) -> dict[str, str]:
    return {
        "snapshot": choice.commit,
        "items": choice.items_digest,
        "into": "new documents and versions" if versions else "new documents",
    }


def _journal(folder: Path, source: str) -> Path:
    return folder / f"{source}.{MAP}.journal"
