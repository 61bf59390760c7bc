"""Opening what lies in a drive: rows, bytes, older versions, rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from muniment.errors import ItemUnreadable
from muniment.model.item import NO_MATTER, Fingerprint, Observed
from muniment.sources.causes import LOCKED, NOT_AN_ID, VANISHED
from muniment.sources.m365 import naming
from muniment.sources.m365.downloads import Download
from muniment.sources.m365.drive_items import (
    file_of,
    file_tag,
    is_file,
    item_of,
    rights_of,
    version_of,
)
from muniment.sources.m365.drives import above_of, drive_of, site_of
from muniment.sources.m365.items import Shown
from muniment.sources.m365.rounds import Locked, NotThere, asked, rows
from muniment.sources.m365.transport import Transport
from muniment.sources.web.opened import Opened, Streamed


def open_file(
    files: Transport, kind: str, ids: tuple[str, ...], listed: Fingerprint | None
) -> Opened:
    """Raises FileNotFoundError, ItemUnreadable, NotThere, Closed."""
    try:
        if kind == naming.FILE:
            return _file(files, ids[0], ids[1], listed)
        if kind == naming.VERSION:
            return _version(files, ids[0], ids[1], listed)
        return Opened(_row(files, kind, ids))
    except Locked:
        raise ItemUnreadable(LOCKED) from None


def _row(files: Transport, kind: str, ids: tuple[str, ...]) -> Observed:
    if kind == naming.DRIVE_ITEM:
        return item_of(ids[0], _item(files, ids[0], ids[1]), NO_MATTER)
    if kind == naming.PERMISSIONS:
        found = list(rows(files, f"drives/{ids[0]}/items/{ids[1]}/permissions"))
        return rights_of(ids[0], ids[1], found, NO_MATTER)
    if kind == naming.SITE:
        return site_of(asked(files, f"sites/{ids[0]}"))
    row = asked(files, f"drives/{ids[0]}")
    return drive_of(row, above_of(files, row))


def _item(files: Transport, drive: str, item: str) -> Shown:
    row = asked(files, f"drives/{drive}/items/{item}")
    return {name: value for name, value in row.items() if name != "@odata.context"}


def _file(files: Transport, drive: str, item: str, listed: Fingerprint | None) -> Opened:
    observed = None
    if listed is None:
        row = _item(files, drive, item)
        if not is_file(row):
            raise ItemUnreadable(NOT_AN_ID)
        observed = file_of(drive, row, NO_MATTER)
    now = listed or (observed and observed.fingerprint)
    assert now is not None

    def unchanged() -> bool:
        try:
            return file_tag(_item(files, drive, item)) == now.tag
        except NotThere:
            return False

    path = f"drives/{drive}/items/{item}/content"
    return Streamed(observed, listed, _pieces(files, path, now.size, unchanged))


def _version(files: Transport, drive: str, name: str, listed: Fingerprint | None) -> Opened:
    item, _, number = name.partition("~")
    observed = None
    if listed is None:
        row = _item(files, drive, item)
        told = rows(files, f"drives/{drive}/items/{item}/versions")
        version = next((one for one in told if one.get("id") == number), None)
        if version is None:
            raise FileNotFoundError(VANISHED)
        observed = version_of(drive, row, version, NO_MATTER)
    now = listed or (observed and observed.fingerprint)
    assert now is not None
    path = f"drives/{drive}/items/{item}/versions/{number}/content"
    # A version stays what it is.
    return Streamed(observed, listed, _pieces(files, path, now.size, lambda: True))


def _pieces(
    files: Transport, path: str, size: int, unchanged: Callable[[], bool]
) -> Iterator[bytes]:
    return Download(files, path, size, unchanged).pieces()
