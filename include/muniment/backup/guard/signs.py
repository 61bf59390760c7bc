"""Signs: what one run shows, as numbers. Those of names are counted at plan, those of contents at encrypt.

Only items with content count. Names stand in no sign; extensions do, as digests under the firm's key.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from muniment.backup.guard.contents import STRICT, Look
from muniment.backup.guard.names import (
    HARMLESS_SUFFIXES,
    USUAL,
    extension_of,
    file_name,
    known_notes,
    without_suffixes,
)
from muniment.backup.work import WITHOUT_CONTENT, Reason, Work
from muniment.vault.state import State

_MARK = 4
"""Bytes of an extension's digest: two of some hundred are the same once in many million firms."""

MOST_EXTENSIONS = 200


class Naming(Protocol):
    """What of a run gives ids and digests."""

    @property
    def matter_mark_key(self) -> bytes: ...

    def item_id(self, kind: str, native_id: bytes) -> bytes: ...

    def parent_id(self, native_id: bytes) -> bytes: ...


def extension_mark(run: Naming, extension: bytes) -> str:
    return hmac.digest(run.matter_mark_key, b"extension\0" + extension, "sha256")[:_MARK].hex()


@dataclass(slots=True)
class NameSigns:
    """Counted at plan. Numbers of items, but for `note_folders` and `perhaps_folders`."""

    items: int = 0
    """With content, as the listing has them now."""
    new: int = 0
    changed: int = 0
    renamed: int = 0
    gone: int = 0
    """No longer there under their name; those that were renamed are among them."""
    emptied: int = 0
    """Changed, and without a byte now."""
    exchanged: int = 0
    """Folder by folder, as many as are both new and gone."""
    suffixed: int = 0
    """New or renamed, under a name that is gone with one unusual ending behind it; of the most frequent one."""
    strange: int = 0
    """New, with an extension that no office uses and this source never had; of the most frequent one."""
    accepted: int = 0
    """1 where a person said for this run that a mass deletion is meant."""
    note_folders: int = 0
    perhaps_folders: int = 0

    def as_dict(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of(cls, value: Mapping[str, int]) -> NameSigns:
        return cls(**value)


def name_signs(
    run: Naming,
    state: State,
    work: Iterable[Work],
    gone: Iterable[bytes],
    items: int,
    known: Iterable[str],
) -> NameSigns:
    """Counts what the names of a run say.

    Args:
        gone: item ids that are no longer there.
        items: how many with content the listing has.
        known: marks of the extensions that this source has had.
    """
    left: dict[bytes, bytes] = {}
    for item_id in gone:
        row = state.row(item_id)
        if row >= 0 and state.kind(row) not in WITHOUT_CONTENT:
            left[item_id] = state.parent(row)
    signs = NameSigns(items=items, gone=len(left))
    names = _Names(run, left)
    new_in: Counter[bytes] = Counter()
    for item in work:
        if item.kind in WITHOUT_CONTENT:
            continue
        if item.reason is Reason.CHANGED:
            signs.changed += 1
            signs.emptied += not item.fingerprint.size and _had_bytes(state, item.item_id)
            continue
        if item.reason is Reason.NEW:
            signs.new += 1
            new_in[item.parent] += 1
        elif item.reason is Reason.RENAMED:
            signs.renamed += 1
        else:
            continue
        # An API's native ids are no names.
        if not item.place:
            names.add(item)
    signs.exchanged = sum((new_in & Counter(left.values())).values())
    names.into(signs, frozenset(known))
    return signs


class _Names:
    """Names of new and renamed items. `left`: items that are gone, with their folders."""

    def __init__(self, run: Naming, left: Mapping[bytes, bytes]) -> None:
        self._run = run
        self._left = left
        self._suffixes: Counter[bytes] = Counter()
        self._extensions: Counter[bytes] = Counter()
        self._note_folders: set[bytes] = set()
        self._perhaps: dict[bytes, set[bytes]] = {}
        self._about: Callable[[bytes, bytes], str] | None = None

    def add(self, item: Work) -> None:
        extension = extension_of(item.native_id)
        if self._left and extension not in HARMLESS_SUFFIXES and self._has_left(item):
            self._suffixes[extension] += 1
        if item.reason is not Reason.NEW:
            return
        if extension and extension not in USUAL:
            self._extensions[extension] += 1
        if self._about is None:
            # Read where something is new: a day without costs nothing.
            self._about = known_notes().about
        said = self._about(item.native_id, extension)
        if said == "surely":
            self._note_folders.add(item.parent)
        elif said == "perhaps":
            name = file_name(item.native_id).lower()
            self._perhaps.setdefault(name, set()).add(item.parent)

    def _has_left(self, item: Work) -> bool:
        """Is something gone that was called so, without the last ending or the last few?"""
        shorter = without_suffixes(item.native_id)
        return any(self._run.item_id(item.kind, each) in self._left for each in shorter)

    def into(self, signs: NameSigns, known: frozenset[str]) -> None:
        signs.suffixed = max(self._suffixes.values(), default=0)
        strange = (
            count
            for extension, count in self._extensions.items()
            if extension_mark(self._run, extension) not in known
        )
        signs.strange = max(strange, default=0)
        signs.note_folders = len(self._note_folders)
        signs.perhaps_folders = max(map(len, self._perhaps.values()), default=0)


def _had_bytes(state: State, item_id: bytes) -> bool:
    row = state.row(item_id)
    return row >= 0 and state.fingerprint(row).size > 0


@dataclass(slots=True)
class ContentSigns:
    """Counted at encrypt. `wrong` are those whose content does not look like what they are."""

    looked_new: int = 0
    looked_changed: int = 0
    wrong_new: int = 0
    wrong_changed: int = 0
    rewritten: int = 0
    """Changed, and with another content than before: not only touched."""
    moved: int = 0
    """New, and all their bytes were in the vault already."""
    extensions: dict[str, list[int]] = field(default_factory=dict)
    """Mark of an extension -> how many were wrong, and how many were looked at."""

    def add(self, other: ContentSigns) -> None:
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mark, (wrong, looked) in other.extensions.items():
            here = self.extensions.setdefault(mark, [0, 0])
            here[0] += wrong
            here[1] += looked

    def to_bytes(self) -> bytes:
        value: dict[str, Any] = {name: getattr(self, name) for name in _COUNTED}
        value["extensions"] = self.extensions
        return json.dumps(value, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> ContentSigns:
        return cls(**json.loads(data))


_COUNTED = ("looked_new", "looked_changed", "wrong_new", "wrong_changed", "rewritten", "moved")


class ContentCounter:
    """Counts looks in one thread."""

    def __init__(self) -> None:
        self._rewritten = self._moved = 0
        self._looked: dict[tuple[bytes, Reason], int] = {}
        self._wrong: dict[tuple[bytes, Reason], int] = {}

    def count(self, item: Work, extension: bytes, found: Look | None, *, fresh: bool) -> None:
        """One content that was read. `found` is None where it was not looked at; `fresh` says that a changed
        item has another content than before, or that of a new one the vault lacked something."""
        reason = item.reason
        if reason is Reason.CHANGED:
            self._rewritten += fresh
        elif reason is not Reason.NEW:
            return
        elif not fresh:
            self._moved += 1
        if found is None or not fresh:
            # What was there before was looked at when it came.
            return
        # For every item of a first backup: nothing here but one count.
        key = (extension, reason)
        self._looked[key] = self._looked.get(key, 0) + 1
        if found is not Look.FIT:
            self._wrong[key] = self._wrong.get(key, 0) + 1

    def signs(self, run: Naming, habitual: frozenset[str]) -> ContentSigns:
        """What was counted. `habitual` are marks of extensions whose contents always look wrong here; formats
        that always begin in a known way have no habit of not doing so."""
        signs = ContentSigns(rewritten=self._rewritten, moved=self._moved)
        for (extension, reason), looked in self._looked.items():
            wrong = self._wrong.get((extension, reason), 0)
            mark = extension_mark(run, extension)
            tally = signs.extensions.setdefault(mark, [0, 0])
            tally[0] += wrong
            tally[1] += looked
            if mark in habitual and extension not in STRICT:
                continue
            if reason is Reason.CHANGED:
                signs.looked_changed += looked
                signs.wrong_changed += wrong
            else:
                signs.looked_new += looked
                signs.wrong_new += wrong
        return signs
