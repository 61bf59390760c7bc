"""Departure: is everything that an account has in the vault, and does it come back?

Algorithm: after the account was read afresh, the vendor is asked for it once more by plain lists, and each id is looked for in
the state; then all rows of the account are planned, restored into the sandbox from the store alone, and every file there is
read again and compared.

Invariants: the worker compares ids and opens no row; operations restore and ask no vendor. What was made after the backup
began is counted apart: it is in no snapshot yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import field

from muniment.assurance.contracts import ExpectationContract
from muniment.assurance.looking import Looker, NotedTarget, extra
from muniment.assurance.openable import GOOD
from muniment.assurance.opening import Opening
from muniment.assurance.sql_load import SqlLoader
from muniment.config.exceptions import Accepted
from muniment.errors import NothingToRestore
from muniment.ids import ItemIds, sha256_hex
from muniment.model.item import Problem, Row
from muniment.model.value import Value
from muniment.recovery.perform import perform
from muniment.recovery.plan import RestorePlan, chosen, make_restore_plan
from muniment.recovery.selected import load_selected, open_rows
from muniment.recovery.selection import Scope, Selection
from muniment.sources.base import Target
from muniment.sources.m365.account import Entry
from muniment.sources.m365.afresh import Owners
from muniment.vault.documents import Commit
from muniment.vault.vault import Vault

_NOT_THEIRS = "of somebody else"
_SHOWN = 20


class Compared(Value, frozen=True):
    """What the vendor lists beside the snapshot: `found` in it, by kind; `later`: made since the backup began; `lacking`: native
    ids (the first of them) that the vault does not have."""

    found: Mapping[str, int]
    later: int
    lacking: tuple[str, ...] = ()
    lacking_count: int = 0


def compare(vault: Vault, source: str, entries: Iterable[Entry], seq: int) -> Compared:
    """Looks for every id in the state of a snapshot, with the worker's key. Raises StoreError, VaultError, NoKey."""
    history = vault.history(source)
    state = vault.state(history, seq)
    began = history.at(seq).commit.started_at
    began_ns = int(began.timestamp()) * 10**9
    ids = ItemIds(vault.keyring.id_key(f"id-{source}"), source)
    found: Counter[str] = Counter()
    later, lacking, seen = 0, list[str](), set[tuple[str, bytes]]()
    for entry in entries:
        mark = entry.kind, entry.native_id
        if mark in seen:
            continue
        seen.add(mark)
        if state.row(ids.of(*mark)) >= 0:
            found[entry.kind] += 1
        elif entry.created_ns >= began_ns:
            later += 1
        else:
            lacking.append(entry.native_id.decode())
    return Compared(dict(sorted(found.items())), later, tuple(lacking[:_SHOWN]), len(lacking))


# -- restoring ---------------------------------------------------------------------------------------


class Restored(Value, frozen=True):
    """What came back: `equal` of `items` stand in the sandbox as they were taken; `extra` counts what nobody asked for,
    `wrong` are item ids with what is not equal. `digest` is over exactly these items with exactly this content.
    `gaps` counts, by cause, what of the account the snapshot could not take; `accepted` those of them that somebody accepted
    for a time."""

    seq: int
    commit: str
    items: int
    bytes: int
    equal: int
    extra: int
    documents: int
    opened: int
    kinds: Mapping[str, int]
    digest: str
    plan_digest: str
    sealed_away: int
    gaps: Mapping[str, int] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)
    wrong: tuple[tuple[str, str], ...] = ()
    differences: Mapping[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return self.items > 0 and self.equal == self.items and not self.extra


def selection_of(source: str) -> Selection:
    """Of the whole source; whose it is not is withheld (`only`)."""
    return Selection(Scope.SOURCE, "", (source,))


def only(owners: Owners) -> Callable[[Row], str]:
    """A filter that leaves what `owners` have."""
    return lambda row: "" if owners.have(row.kind, row.native_id) else _NOT_THEIRS


def plan_account(vault: Vault, source: str, owners: Owners, seq: int) -> RestorePlan:
    """Plans everything of the account from the newest snapshot, which is `seq` or newer; it is proven.

    Raises NothingToRestore where an older snapshot would have to serve, IntegrityError, StoreError.
    """
    plan = make_restore_plan(vault, selection_of(source), target="departure", withhold=only(owners))
    [choice] = plan.choices
    if choice.seq < seq:
        raise NothingToRestore(
            f"snapshot {seq}, in which the account was read afresh, is damaged or not believed",
            to=f"source {source}",
            todo="Run `muniment check`, then clear `full_backup` of this departure with what follows.",
        )
    return plan


def restore_account(
    vault: Vault,
    plan: RestorePlan,
    owners: Owners,
    target: Target,
    folder: Path,
    work: Path,
    contract: ExpectationContract,
    accepts: Accepted,
) -> Restored:
    """Restores the plan and reads every file again.

    Args:
        folder: the folder of the source in the sandbox, into which `target` writes.
        work: an empty folder that may be written to.
        accepts: which gaps somebody accepted for now.

    Raises RestoreError and what the vault raises.
    """
    [choice] = plan.choices
    withhold, selection = only(owners), selection_of(choice.source)
    noted = NotedTarget(target)
    report = perform(vault, plan, selection, lambda _: noted, withhold=withhold)
    history, record = chosen(vault, choice)
    selected, sealed_away = load_selected(vault, history, record, selection, withhold)
    equal = documents = opened = 0
    wrong: list[tuple[str, str]] = [(item, why) for item, why in report.failures]
    with ExitStack() as tools:
        opening = tools.enter_context(Opening())
        looker = Looker(
            contract, folder, noted.delivered, opening, tools.enter_context(SqlLoader(work))
        )
        for row in selected.rows:
            found = looker.look(row)
            pairs = [("expected_" + c, c) for c in ("size", "sha256", "mtime", *contract.columns) if "expected_" + c in found]  # fmt: skip
            differs = [b for a, b in pairs if found[a] != found[b]]
            if found["there"] is not True or differs:
                wrong.append((row.item_id.hex(), " ".join(differs) or "there"))
            else:
                equal += 1
            if found["opened"] is not None:
                documents += 1
                opened += found["opened"] in GOOD
        more = extra(folder, selected.rows, noted.delivered, contract)
    lines = (f"{r.item_id.hex()}:{r.digest.hex()}:{r.mtime_ns}" for r in selected.rows)
    problems = [
        p
        for p in open_rows(vault, history, record, ()).problems.values()
        if owners.have(p.kind, p.native_id)
    ]
    accepted = [p for p in problems if accepts(p.kind, p.native_id, p.cause, "")]
    return Restored(
        choice.seq, choice.commit, len(selected.rows), sum(row.size for row in selected.rows), equal, more,
        documents, opened, dict(sorted(Counter(row.kind for row in selected.rows).items())),
        sha256_hex("\n".join(lines).encode()), plan.digest, len(sealed_away),
        _by_cause(problems), _by_cause(accepted), tuple(wrong[:_SHOWN]), dict(report.differences),
    )  # fmt: skip


def _by_cause(problems: Iterable[Problem]) -> dict[str, int]:
    return dict(sorted(Counter(p.cause for p in problems).items()))


def commit_of(vault: Vault, source: str, seq: int) -> tuple[Commit, str]:
    """A snapshot's commit, and the key id of who signed it."""
    record = vault.history(source).at(seq)
    return record.commit, record.signer
