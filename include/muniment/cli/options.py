"""What several commands are asked in the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms
from muniment.cli.session import Session
from muniment.cli.words import parse_moment

if TYPE_CHECKING:
    from muniment.assurance.rotation import Rotation
    from muniment.vault.history import CommitRecord, History
    from muniment.vault.vault import Vault

AsOf = Annotated[
    str,
    forms.Option(
        "--as-of",
        metavar="TIME",
        help="2026-03-02 (the end of that day), '2026-03-02 14:30' (the firm's clocks), RFC 3339, or "
        "last-clean: before anything that looks like an attack.",
    ),
]
Seq = Annotated[int | None, forms.Option("--seq", metavar="N", min=1, help="This snapshot.")]
Yes = Annotated[bool, forms.Option("--yes", "-y", help="Do not ask.")]

LAST_CLEAN = "last-clean"
"""In place of a time: the last moment before anything that looks like an attack."""

_SLICE = re.compile(r"([0-9]{1,4})/([0-9]{1,4})\Z")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")


def session_of(ctx: forms.Context) -> Session:
    found: Any = ctx.obj
    assert isinstance(found, Session)
    return found


def moment_of(session: Session, text: str, option: str = "--as-of") -> datetime | None:
    """The moment that was typed, None when nothing was. Raises forms.BadParameter."""
    if not text:
        return None
    try:
        return parse_moment(text, session.zone)
    except ValueError as error:
        raise forms.BadParameter(f"{option} {error}") from None


def moment_of_plan(
    session: Session, vault: Vault, text: str, sources: Sequence[str] = ()
) -> datetime | None:
    """As `moment_of`, and `last-clean`: of the sources named, or of all. Raises NothingToRestore too."""
    if text != LAST_CLEAN:
        return moment_of(session, text)
    from muniment.vault.suspicion import last_clean_moment

    return last_clean_moment(vault, sources)


def slice_of(text: str, option: str) -> Rotation | None:
    """`3/13` or `all`. Raises forms.BadParameter."""
    from muniment.assurance.rotation import EVERYTHING, Rotation

    if not text:
        return None
    if text == "all":
        return EVERYTHING
    found = _SLICE.match(text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise forms.BadParameter(
            f"{option} is `all`, or a part such as 3/13 (the third of thirteen)"
        )
    return Rotation(int(found[1]), int(found[2]))


def source_of(text: str) -> str:
    """A source id in its form. Raises forms.BadParameter."""
    if not _ID.match(text):
        raise forms.BadParameter(
            "a source is named by its source_id, as `muniment snapshots` lists it"
        )
    return text


def one_snapshot(
    session: Session, history: History, as_of: str, seq: int | None = None
) -> CommitRecord:
    """The snapshot asked for: by number, by time, else the newest live one.

    Raises NothingToRestore, forms.BadParameter when both are given.
    """
    from muniment.errors import NothingToRestore

    if as_of and seq:
        raise forms.BadParameter("give --as-of or --seq, not both")
    if seq:
        return history.at(seq)
    if as_of == LAST_CLEAN:
        return _last_clean(session, history)
    at = moment_of(session, as_of)
    if at is not None:
        return history.as_of(at)
    if not history.live:
        raise NothingToRestore(
            "this source has no snapshot that can be restored",
            to=history.source,
            todo="See `muniment snapshots`; make one with `muniment backup`.",
        )
    return history.live[-1]


def _last_clean(session: Session, history: History) -> CommitRecord:
    from muniment.errors import NothingToRestore
    from muniment.vault.suspicion import suspicions

    found = suspicions(session.keyless(), history).last_clean
    if found is None:
        raise NothingToRestore(
            "no snapshot of this source is free of suspicion",
            to=history.source,
            todo="See `muniment anomaly show`; name a snapshot by its number or time.",
        )
    return found
