"""RestorePlan: what will be given back, from which snapshots, at which fidelity - before anything is.

A plan is plain data with a digest. A person approves the digest; `perform` refuses anything else. It
holds opaque ids, numbers and times, so it may pass through Airflow.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from msgspec import field, to_builtins

from muniment.clock import from_text, to_text
from muniment.errors import IntegrityError, MunimentError, NothingToRestore, PlanChanged
from muniment.ids import sha256_hex
from muniment.model.item import Fidelity, Row
from muniment.model.value import Value
from muniment.recovery.proof import Proof, prove
from muniment.recovery.selected import (
    AtHand,
    is_silence,
    load_matching,
    not_believed,
    require_documents,
)
from muniment.recovery.selection import Filter, Scope, Selection, nothing_withheld, select
from muniment.vault.history import CommitRecord, History, sources_in
from muniment.vault.pack_reader import PartReader
from muniment.vault.suspicion import suspicions
from muniment.vault.vault import Vault

READ_RATE = 60_000_000
WRITE_RATE_ITEMS = 1_500
"""Bytes and items a second on a small machine: for the minutes a plan promises, on the safe side."""


class Choice(Value, frozen=True):
    """The snapshot of one source that a restore comes from.

    `passed_over` says which newer ones were found damaged, and why; `loss_seconds` is how much older
    than the newest of them the chosen one is (the loss window). `kinds` counts items by kind and fidelity, `causes` the
    problems of the snapshot by what caused them. `suspicious` says that it looks like an attack, or follows one that does.
    """

    source: str
    seq: int
    commit: str
    taken_at: str
    completeness: str
    items: int
    bytes: int
    items_digest: str
    fidelity: Mapping[str, int]
    packs: int
    read_bytes: int
    proof: str
    withheld: Mapping[str, int]
    problems: int
    sealed_away: tuple[str, ...]
    passed_over: tuple[tuple[int, str], ...] = ()
    loss_seconds: int = 0
    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    suspicious: str = ""


class RestorePlan(Value, frozen=True, dict=True):
    """All that a person needs to know and approve. `without` are sources that had nothing of it
    (source, reason)."""

    vault_id: str
    made_at: str
    as_of: str
    scope: str
    selection: str
    choices: tuple[Choice, ...]
    without: tuple[tuple[str, str], ...]
    widest_gap_seconds: int
    target: str

    @property
    def items(self) -> int:
        return sum(c.items for c in self.choices)

    @property
    def bytes(self) -> int:
        return sum(c.bytes for c in self.choices)

    @property
    def estimate_seconds(self) -> int:
        """How long performing it takes at least on a small machine."""
        read = sum(c.read_bytes for c in self.choices)
        return int(5 + read / READ_RATE + self.items / WRITE_RATE_ITEMS)

    @cached_property
    def digest(self) -> str:
        """What is approved: SHA-256 of the plan as canonical JSON, but for when it was made.

        So whoever plans the same again, with the same `as_of`, gets the digest that was approved.
        """
        content = {key: value for key, value in self.as_dict().items() if key != "made_at"}
        content["choices"] = [_as_approved(choice) for choice in content["choices"]]
        return sha256_hex(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = to_builtins(self)
        return found

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> RestorePlan:
        """Inverse of `as_dict`, also after a way through JSON."""
        choices = tuple(
            Choice(
                **{
                    **c,
                    "sealed_away": tuple(c["sealed_away"]),
                    "passed_over": tuple((p[0], p[1]) for p in c["passed_over"]),
                }
            )
            for c in value["choices"]
        )
        without = tuple((w[0], w[1]) for w in value["without"])
        return cls(**{**value, "choices": choices, "without": without})


def given_as_kept(row: Row) -> Fidelity:
    """As the source declared it at the time of the backup."""
    return row.fidelity


def _as_approved(choice: dict[str, Any]) -> dict[str, Any]:
    """Without a suspicion where there is none: such a plan has the digest that it always had."""
    return {k: v for k, v in choice.items() if v or k != "suspicious"}


def make_restore_plan(
    vault: Vault,
    selection: Selection,
    as_of: datetime | None = None,
    *,
    target: str = "folder",
    withhold: Filter = nothing_withheld,
    proof: Proof = Proof.READ,
    at_hand: AtHand | None = None,
    fidelity: Callable[[Row], Fidelity] = given_as_kept,
) -> RestorePlan:
    """Chooses, for each source, the newest snapshot that ended at or before `as_of` and is proven
    whole for what is asked; falls back to earlier ones, and says so. What is read of rows is kept
    `at_hand`. `fidelity` says what this target gives of an item.

    Without `as_of` it is the newest there is, also where a worker whose clock is ahead says that it
    ended after now; the plan then says that time.

    Raises:
        NothingToRestore: no source has anything of it at that time.
        IntegrityError: something was there, and no snapshot of it is whole.
        StoreDenied, StoreUnavailable: the store cannot be asked; no snapshot is passed over for it.
        TrustError: a vault document is gone in which a signer may have been revoked.
    """
    require_documents(vault)
    now = vault.clock.now()
    sources = selection.sources or tuple(sources_in(vault.store))
    histories = {source: vault.history(source) for source in sources}
    ends = [r.commit.ended_at for history in histories.values() for r in history.live]
    when = as_of or max([now, *ends])
    choices: list[Choice] = []
    without: list[tuple[str, str]] = []
    damaged: IntegrityError | None = None
    for source, history in histories.items():
        try:
            choices.append(
                _choose(vault, history, selection, when, withhold, proof, at_hand, fidelity)
            )
        except NothingToRestore as error:
            without.append((source, error.what))
        except IntegrityError as error:
            damaged = error
            without.append((source, error.what))
    if not choices:
        if damaged is not None:
            raise damaged
        raise NothingToRestore(
            f"nothing of {selection.scope.value} {selection.shown()} is in any snapshot at or "
            f"before {to_text(when)}".replace("  ", " "),
            to=", ".join(f"{source}: {reason}" for source, reason in without),
        )
    times = [from_text(c.taken_at) for c in choices]
    return RestorePlan(
        vault_id=vault.vault_id,
        made_at=to_text(now),
        as_of=to_text(when),
        scope=selection.scope.value,
        selection=selection.shown(),
        choices=tuple(choices),
        without=tuple(without),
        widest_gap_seconds=int((max(times) - min(times)).total_seconds()),
        target=target,
    )


def _choose(
    vault: Vault,
    history: History,
    selection: Selection,
    when: datetime,
    withhold: Filter,
    proof: Proof,
    at_hand: AtHand | None,
    fidelity: Callable[[Row], Fidelity],
) -> Choice:
    source = history.source
    candidates = list(_candidates(history, when))
    passed = not_believed(history, candidates[0].seq if candidates else 0, when)
    unbelieved = len(passed)
    newest: CommitRecord | None = None
    for record in candidates:
        newest = newest or record
        try:
            found = load_matching(vault, history, record, selection)
            selected = select(found, withhold)
            if not selected.rows:
                if selection.scope is Scope.SOURCE or len(passed) == unbelieved:
                    raise NothingToRestore(_nothing(found.sealed_away), to=source)
                continue
            reader = PartReader(vault.store, vault.keyring, history.packs(record))
            how, packs, size = prove(vault, history.packs(record), reader, selected.rows, proof)
        except NothingToRestore:
            raise
        except MunimentError as error:
            if is_silence(error):
                raise
            passed.append((record.seq, f"{error.code} {error.what}"))
            continue
        if at_hand is not None:
            at_hand.keep(source, record, selection, found, reader)
        loss = newest.commit.ended_at - record.commit.ended_at if passed else timedelta()
        return Choice(
            source=source,
            seq=record.seq,
            commit=record.digest,
            taken_at=to_text(record.commit.ended_at),
            completeness=record.commit.completeness.value,
            items=len(selected.rows),
            bytes=sum(row.size for row in selected.rows),
            items_digest=selected.digest,
            fidelity=dict(Counter(fidelity(row).value for row in selected.rows)),
            packs=packs,
            read_bytes=size,
            proof=how.value,
            withheld=dict(selected.withheld),
            problems=selected.problems,
            sealed_away=found.sealed_away,
            passed_over=tuple(passed),
            loss_seconds=int(loss.total_seconds()),
            kinds=_kinds(selected.rows, fidelity),
            causes=dict(found.causes),
            suspicious=_suspicion(vault, history, record),
        )
    if not passed:
        raise NothingToRestore("there is no snapshot at or before this time", to=source)
    raise IntegrityError(
        f"no snapshot at or before this time is whole; the newest: {passed[0][1]}",
        to=f"{source}/{passed[0][0]}",
    )


def _suspicion(vault: Vault, history: History, record: CommitRecord) -> str:
    found = suspicions(vault, history)
    if record.seq not in found.tainted:
        return ""
    guard = record.commit.guard
    what = (
        "this snapshot looks like an attack"
        if guard and guard.suspicious
        else "an earlier snapshot looks like an attack"
    )
    clean = found.last_clean
    return f"{what}; " + (f"the last clean one is {clean.seq}" if clean else "no clean one is left")


def _kinds(rows: Sequence[Row], fidelity: Callable[[Row], Fidelity]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        counted.setdefault(row.kind, Counter())[fidelity(row).value] += 1
    return {kind: dict(sorted(by.items())) for kind, by in sorted(counted.items())}


def _candidates(history: History, when: datetime) -> Iterator[CommitRecord]:
    for record in reversed(history.live):
        if record.commit.ended_at <= when:
            yield record


def _nothing(sealed: Sequence[str]) -> str:
    if not sealed:
        return "nothing of it is in the snapshot"
    return (
        f"nothing of it is in the rows that open here; these keys stay closed: {', '.join(sealed)}"
    )


def chosen(vault: Vault, choice: Choice) -> tuple[History, CommitRecord]:
    """The history and commit a choice names. Raises PlanChanged when they are not what they were."""
    history = vault.history(choice.source)
    record = history.at(choice.seq)
    if record.digest != choice.commit or record.untrusted:
        raise PlanChanged(
            "the snapshot that the plan names is not the one in the store now",
            to=f"{choice.source}/{choice.seq}",
        )
    return history, record
