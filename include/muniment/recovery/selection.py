"""Selection: what somebody wants back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum

from muniment.config.matters import normal_number
from muniment.config.patterns import PatternError, compile_pattern
from muniment.errors import NothingToRestore, RestoreError
from muniment.ids import matter_id, sha256_hex
from muniment.model.item import Row
from muniment.model.value import Value
from muniment.vault import names
from muniment.vault.rows import Snapshot
from muniment.vault.vault import Vault


class Scope(StrEnum):
    MATTER = "matter"
    PATH = "path"
    ITEM = "item"
    SOURCE = "source"


class Selection(Value, frozen=True):
    """`value` is a matter's opaque id, a path pattern, an item id in hex, or empty.

    `sources` are the sources it is taken from; empty means all. `related` asks for the rows besides that
    the wanted ones name (contacts, users, categories), for a matter that is to be read by people. `also` are
    further opaque ids of the same matter: those of the numbers that it had before or has since.
    """

    scope: Scope
    value: str = ""
    sources: tuple[str, ...] = ()
    related: bool = False
    also: tuple[str, ...] = ()

    @property
    def matters(self) -> tuple[str, ...]:
        """Every opaque id of the matter that is wanted; empty where it is not a matter."""
        return (self.value, *self.also) if self.scope is Scope.MATTER else ()

    def shown(self) -> str:
        """What may stand in plans, logs and labels: a path pattern names clients, so its digest."""
        return sha256_hex(self.value.encode())[:16] if self.scope is Scope.PATH else self.value

    def predicate(self) -> Callable[[Row], bool]:
        """Raises RestoreError for a pattern or id that cannot be understood."""
        if self.scope is Scope.SOURCE:
            return lambda row: True
        if self.scope is Scope.MATTER:
            wanted_matters = frozenset(self.matters)
            return lambda row: row.matter in wanted_matters
        if self.scope is Scope.ITEM:
            try:
                wanted = bytes.fromhex(self.value)
            except ValueError:
                raise RestoreError(
                    "this is not an item id: 32 hex characters", todo="See `muniment ls --ids`."
                ) from None
            return lambda row: row.item_id == wanted
        try:
            pattern = compile_pattern(self.value)
        except PatternError as error:
            raise RestoreError(
                f"the path pattern {error}", todo="See docs/MATTERS.md, 'Patterns'."
            ) from None
        return lambda row: pattern.fullmatch(row.native_id) is not None


def select_matter(
    vault: Vault, asked: str, sources: tuple[str, ...] = (), *, related: bool = False
) -> Selection:
    """A matter by its number (`2024-0113`) or its opaque id (`M-7F3K2QXA`), under this number alone; see
    `muniment.recovery.crosswalk.asking` for one that was renumbered.

    Raises NothingToRestore for an empty question.
    """
    asked = asked.strip()
    if not asked:
        raise NothingToRestore("no matter was named")
    if asked.startswith("M-") and len(asked) == 10:
        return Selection(Scope.MATTER, asked, sources, related)
    key = vault.keyring.id_key(names.MATTERS_ID_KEY)
    return Selection(Scope.MATTER, matter_id(key, normal_number(asked)), sources, related)


Filter = Callable[[Row], str]
"""Reason to withhold an item (an erasure order, an ethical wall), or empty. The seam for
governance."""


def nothing_withheld(row: Row) -> str:
    return ""


class Selected(Value, frozen=True):
    """The rows of one snapshot that were asked for. `withheld` counts by reason."""

    rows: tuple[Row, ...]
    withheld: tuple[tuple[str, int], ...]
    problems: int

    @property
    def digest(self) -> str:
        """Identity of exactly these items with exactly this content."""
        lines = (f"{r.item_id.hex()}:{r.digest.hex()}:{r.mtime_ns}" for r in self.rows)
        return sha256_hex("\n".join(lines).encode())


class Matching(Value, frozen=True):
    """The rows of one snapshot that match, in a stable order (by path), before any is withheld; how many
    problems the snapshot has, and how many of each cause; the key ids whose rows stay closed here."""

    rows: tuple[Row, ...]
    problems: int
    sealed_away: tuple[str, ...]
    causes: tuple[tuple[str, int], ...] = ()


def matching(snapshot: Snapshot, selection: Selection) -> Matching:
    rows = in_order(filter(selection.predicate(), snapshot.items.values()))
    causes = Counter(problem.cause for problem in snapshot.problems.values())
    return Matching(
        rows,
        len(snapshot.problems),
        tuple(sorted(snapshot.sealed_away)),
        tuple(sorted(causes.items())),
    )


def in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row.native_id, row.kind)))


def select(found: Matching, withhold: Filter = nothing_withheld) -> Selected:
    """What matches, without what is withheld."""
    if withhold is nothing_withheld:
        return Selected(found.rows, (), found.problems)
    rows: list[Row] = []
    withheld: dict[str, int] = {}
    for row in found.rows:
        reason = withhold(row)
        if reason:
            withheld[reason] = withheld.get(reason, 0) + 1
        else:
            rows.append(row)
    return Selected(tuple(rows), tuple(sorted(withheld.items())), found.problems)
