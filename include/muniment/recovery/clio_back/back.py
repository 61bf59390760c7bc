"""Back: what a plan names of one Clio source, written into the account and read back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from muniment.errors import (
    MunimentError,
    NeverWrittenBack,
    NothingToRestore,
    SourceRefused,
    SourceRestricted,
    WriteBackRefused,
)
from muniment.ids import sha256_hex
from muniment.model.item import Row
from muniment.recovery.clio_back import CLIO, CLIO_EXISTING, given_as
from muniment.recovery.clio_back.account import Account
from muniment.recovery.clio_back.fate import forecast
from muniment.recovery.clio_back.giving import Giving, Progress
from muniment.recovery.clio_back.old import Snapshot, gather
from muniment.recovery.clio_back.papers import Papers
from muniment.recovery.clio_back.reading_back import ReadingBack
from muniment.recovery.plan import Choice, RestorePlan, make_restore_plan
from muniment.recovery.selected import AtHand
from muniment.recovery.selection import Filter, Selection, nothing_withheld
from muniment.recovery.written_back.files import leave_map
from muniment.recovery.written_back.forecast import Forecast
from muniment.recovery.written_back.journal import Journal, begun
from muniment.recovery.written_back.outcome import WriteReport
from muniment.recovery.written_back.planned import planned_rows
from muniment.sources.clio.client import Client
from muniment.sources.clio.naming import MATTERS
from muniment.sources.clio.standing import identify
from muniment.sources.clio.writing import Writer
from muniment.vault.pack_reader import PartReader
from muniment.vault.vault import Vault

MAP = "clio-map"
"""Of the files beside a delivery: `<source>.clio-map.csv`, `.json`, `.journal`."""


def read_snapshot(
    vault: Vault, choice: Choice, selection: Selection, withhold: Filter = nothing_withheld
) -> tuple[Snapshot, PartReader]:
    """Raises PlanChanged where the items are not those of the plan, and what reading a vault raises."""
    rows, reader = planned_rows(vault, choice, selection, withhold)
    return gather(reader, rows), reader


def write_back(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    source: str,
    client: Client,
    folder: Path,
    *,
    existing: bool = False,
    withhold: Filter = nothing_withheld,
    progress: Progress = lambda done: None,
) -> WriteReport:
    """Writes what the plan names of a source into the account of the client, reads it back, and leaves the map
    in the folder. Repeating it after an interruption, into the same folder, goes on where it was.

    Raises WriteBackRefused, GivenBackBefore, RestoreError, SourceUnavailable, TargetUnusable, PlanChanged.
    """
    began = time.monotonic()
    [choice] = [one for one in plan.choices if one.source == source]
    snapshot, reader = read_snapshot(vault, choice, selection, withhold)
    mark = mark_of(vault.vault_id, source, snapshot)
    head = {"back": mark, **_head(choice, existing)}
    journal = Journal(_journal(folder, source), head)
    try:
        report = _written(
            snapshot, reader, client, journal, mark, source, existing=existing, progress=progress
        )
    except (SourceRefused, SourceRestricted) as error:
        raise _not_allowed(error, source) from None
    finally:
        journal.close()
    report.seconds = time.monotonic() - began
    leave_map(folder, f"{source}.{MAP}", report)
    return report


def goes_on(folder: Path, plan: RestorePlan, sources: Sequence[str], *, existing: bool) -> bool:
    """Was this restore begun in the folder before? Then what stands there is its own. Raises PlanChanged where another
    one was."""
    wanted = [choice for choice in plan.choices if choice.source in sources]
    found = [begun(_journal(folder, one.source), _head(one, existing)) for one in wanted]
    return any(found)


def _head(choice: Choice, existing: bool) -> dict[str, str]:
    return {
        "snapshot": choice.commit,
        "items": choice.items_digest,
        "into": "existing" if existing else "new",
    }


def _journal(folder: Path, source: str) -> Path:
    return folder / f"{source}.{MAP}.journal"


def _written(
    snapshot: Snapshot, reader: PartReader, client: Client, journal: Journal, mark: str, source: str,
    *, existing: bool, progress: Progress,
) -> WriteReport:  # fmt: skip
    account = Account(client)
    writer = Writer(client.transport)

    def content(row: Row) -> Iterator[bytes]:
        return reader.content(row.parts)

    papers = Papers(writer, account, content)
    giving = Giving(
        snapshot, account, writer, papers, journal, mark, existing=existing, progress=progress
    )
    giving.run()
    reading = ReadingBack(snapshot, giving, account, papers, journal)
    reading.run()
    return WriteReport(
        source=source,
        matter=giving.matter,
        new_matter=not existing,
        outcomes=[giving.outcomes[key] for key in sorted(giving.outcomes, key=_in_order)],
        strays=reading.strays(),
        verified=reading.verified,
    )


def mark_of(vault_id: str, source: str, snapshot: Snapshot) -> str:
    """The same for the same matter, from whichever snapshot: it is written back once."""
    ids: Sequence[str] = [one.id for one in snapshot.of(MATTERS)]
    return f"muniment-{sha256_hex(repr((vault_id, source, ids)).encode())[:16]}"


def _in_order(key: tuple[str, str]) -> tuple[str, int, str]:
    return key[0], len(key[1]), key[1]


# -- the plan ------------------------------------------------------------------------------------------

Systems = Mapping[str, str]
"""source_id -> system of its inventory row."""


def refuse_trust(sources: Sequence[str], systems: Systems) -> None:
    """Raises NeverWrittenBack for sources that are trust books."""
    for source in sources:
        if systems.get(source) == "clio-trust":
            raise NeverWrittenBack(
                "trust books are never written back into Clio", to=f"source {source}"
            )


def plan_back(
    vault: Vault,
    selection: Selection,
    as_of: datetime | None,
    systems: Systems,
    *,
    existing: bool = False,
    folder: str = "",
    withhold: Filter = nothing_withheld,
    at_hand: AtHand | None = None,
) -> RestorePlan:
    """A plan that says of each kind whether it is made anew. Raises NothingToRestore where no Clio account has
    anything of the matter, and as `make_restore_plan` does."""
    target = CLIO_EXISTING if existing else CLIO
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
            "no Clio account of the firm has anything of this matter",
            to=f"{plan.scope} {plan.selection}".strip(),
            todo="Give it back into a folder (--as matter-file).",
        )
    return plan


def planned_sources(plan: RestorePlan, systems: Systems) -> list[str]:
    """Sources of a plan that are written back: Clio accounts, and never their trust books."""
    return [c.source for c in plan.choices if systems.get(c.source) == "clio" and c.items]


def what_is_written(
    vault: Vault,
    plan: RestorePlan,
    selection: Selection,
    sources: Sequence[str],
    withhold: Filter = nothing_withheld,
) -> Forecast:
    """Row by row, what will be written and why the rest is not. Asks nothing of the vendor."""
    return forecast(
        read_snapshot(vault, choice, selection, withhold)[0]
        for choice in plan.choices
        if choice.source in sources
    )


def require_consent(client: Client, source: str) -> None:
    """One request. Raises WriteBackRefused where nobody consented to writing, or not any more."""
    try:
        identify(client.reader)
    except (SourceRefused, SourceRestricted) as error:
        raise _not_allowed(error, source) from None


def _not_allowed(error: MunimentError, source: str) -> WriteBackRefused:
    return WriteBackRefused(
        error.what.replace("nobody has given consent", "nobody has given consent to write"),
        to=f"source {source}",
        todo=f"Have somebody who may write give it: `muniment consent {source} --for restore`; then the same "
        "command goes on from here.",
    )
