"""Products: by which names the files of a backup set are known.

Of each preset the place where the names were read stands beside it. No product was run: a set that is called
otherwise is told as missing, never taken for another. Names are compared as Windows does, small and capital letters alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from muniment.config.patterns import parse_pattern
from muniment.config.vendor_backup import PLACES, Product, SetPart

SHRINK = 0.3
"""A set that is so much smaller than those before is more often a broken job than a tidied office."""


@dataclass(frozen=True, slots=True)
class Part:
    """Files of a set that have one use.

    `expression` is held against the whole path and may have the groups `job`, `set` and `line` (what is backed up by
    several files one after the other: a machine of a job). `dated`: its time is the set's. `weighed`: its size is
    compared with that of earlier sets. `last`: it is written when the others are done.
    """

    name: str
    expression: re.Pattern[bytes]
    needed: bool = False
    dated: bool = True
    weighed: bool = True
    last: bool = False
    manifest: bool = False


LISTED = Part("listed", re.compile(rb"(?!)"), dated=False, weighed=False)
"""What a list of parts names and no pattern knows."""

Layout = tuple[Part, ...]
"""The parts of one kind of set; a file belongs to the first that it matches."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a folder's sets look like. `temporary` are names that show that a set is being written."""

    product: str
    layouts: tuple[Layout, ...]
    shrink: float = SHRINK
    temporary: re.Pattern[bytes] | None = None


def _part(name: str, text: bytes, **said: bool) -> Part:
    return Part(name, re.compile(text, re.IGNORECASE | re.DOTALL), **said)


_FOLDER = rb"(?:(?P<job>.*)/)?"

_VEEAM: Layout = (
    # "Backup Chain" in Veeam's help centre (docs/VENDOR_BACKUPS.md): a job has a folder of its own. The date in names
    # as Veeam writes it, one file a machine or a job: own knowledge.
    _part("full", _FOLDER + rb"(?P<line>[^/]*?)(?:D\d{4}-\d\d-\d\dT\d{6}(?:_[0-9A-F]+)?)?\.vbk", needed=True),
    _part("increment", _FOLDER + rb"[^/]+\.(?:vib|vrb)", weighed=False),
    # "updated with every backup job session": it names the restore points, and is written over as a whole.
    _part("metadata", _FOLDER + rb"[^/]+\.vbm", needed=True, dated=False, weighed=False, last=True),
    _part("database log", _FOLDER + rb"[^/]+\.(?:vlb|vlm|vsm|vom|bco)", dated=False, weighed=False),
)  # fmt: skip

_ACRONIS: Layout = (
    # name.tibx, name-0001.tibx ...: https://www.acronis.com/en-us/support/documentation/ATI2021/44168.html; the first
    # is needed by all others, also when it has shrunk to some kilobytes (Acronis' forum).
    _part("first", rb"(?P<job>(?:.*/)?[^/]+?)(?<!-\d{4})\.tibx", needed=True),
    _part("further", rb"(?P<job>(?:.*/)?[^/]+?)-\d{4}\.tibx"),
)

_QUICKBOOKS: Layout = (
    # Company.qbb, Company (Backup Mar 02,2026  01 00 AM).QBB, SBU_7_Company Mar 02,2026  01 00 AM.QBB:
    # https://www.qbgarage.com/how-do-i-automatically-perform-a-scheduled-backup/; the form of the date: own knowledge.
    _part(
        "backup",
        rb"(?P<set>(?:.*/)?(?:SBU_\d+_)?(?P<job>[^/]+?)"
        rb"(?: ?\(Backup [^/]*\)| [a-z]{3} \d{1,2}, ?\d{4} +\d{1,2} \d\d [AP]M)?)\.qbb",
        needed=True,
    ),
)

_TABS3: Layout = (
    # STBACK.ARQ is the newest, STBACK.BAK the one before: http://support.tabs3.com/main/R10686.htm
    _part("backup", rb"(?P<job>(?:.*/)?[^/]+BACK(?:UP)?)\.(?P<set>ARQ|BAK)", needed=True),
)

_HOTBACKUP: Layout = (
    # HOTBACKUP/Recent/07102301 with HBRESTORE.EXE in it: http://support.tabs3.com/main/R11199.htm
    _part("restore program", rb"(?P<set>(?:.*/)?\d{8})/HBRESTORE\.EXE", needed=True, weighed=False),
    _part("data", rb"(?P<set>(?:.*/)?\d{8})/.+", needed=True),
)

_PCLAW: Layout = (
    # A copy of PCLaw's folder, made while nobody works in it: own knowledge of its folders.
    _part("configuration", rb"(?P<set>(?:[^/]+/)*?)(?:Data/)?PCLaw\.cf", needed=True, weighed=False),
    _part("entries", rb"(?P<set>(?:[^/]+/)*?)(?:Data/)?DynData/.+", needed=True),
    _part("tables", rb"(?P<set>(?:[^/]+/)*?)(?:Data/)?StatData/.+", needed=True),
)  # fmt: skip

PRESETS: Mapping[Product, tuple[Layout, ...]] = {
    "veeam": (_VEEAM,),
    "acronis": (_ACRONIS,),
    "quickbooks": (_QUICKBOOKS,),
    "tabs3": (_TABS3, _HOTBACKUP),
    "pclaw": (_PCLAW,),
}

_SHRINKS: Mapping[Product, float] = {
    # A new file begins with a full copy, when the one before holds a month of changes too.
    "acronis": 0.6,
}

_TEMPORARY = (
    rb".*\.(?:tmp|temp|part|partial|filepart|crdownload|download|lock|lck|writing)|~.*|\.~.*"
    rb"|.*\.(?:vbk|vbm|vib|vrb)[._][^/]*"
)
"""What copying programs and products call a file that is not done yet; of Veeam own knowledge."""


def preset(product: Product, temporary: Sequence[str] = ()) -> Rules:
    return Rules(
        product, PRESETS[product], _SHRINKS.get(product, SHRINK), _temporary(temporary)
    )  # fmt: skip


def own(product: str, parts: Sequence[SetPart], temporary: Sequence[str] = ()) -> Rules:
    """The rules of a product that no preset knows."""
    layout = tuple(
        Part(
            part.pattern,
            re.compile(parse_pattern(part.pattern, PLACES).expression, re.IGNORECASE | re.DOTALL),
            needed=part.needed,
            dated=part.needed and not part.manifest,
            weighed=part.needed and not part.manifest,
            manifest=part.manifest,
        )
        for part in parts
    )
    return Rules(product, (layout,), SHRINK, _temporary(temporary))


def _temporary(more: Sequence[str]) -> re.Pattern[bytes]:
    texts = [_TEMPORARY, *(parse_pattern(text).expression for text in more)]
    return re.compile(b"|".join(b"(?:%s)" % text for text in texts), re.IGNORECASE | re.DOTALL)


_UNFINISHED: tuple[Callable[[bytes], bytes], ...] = (
    lambda name: name.rpartition(b".")[0],
    lambda name: name.rpartition(b"_")[0],
    lambda name: name.lstrip(b".").lstrip(b"~").lstrip(b"$"),
)


def finished_names(name: bytes) -> set[bytes]:
    """What a file may be called when it is done, by the name that it has until then."""
    return {found for strip in _UNFINISHED if (found := strip(name)) and found != name}
