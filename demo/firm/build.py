"""Build: writes the whole share, in one order, and hands back its truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from random import Random

from . import cabinet, dump, mailbox, matters, oddities, production
from .chance import stream
from .documents import FORMATS, Composer, Make
from .matters import Matter
from .share import FILE_MODE, PRIVATE_MODE, Share
from .size import SMALL, Size
from .truth import Truth

LAST_DAY = date(2025, 11, 14)
"""The Friday on which the share is as `write` leaves it: fixed, so that equal seeds stay equal."""

Progress = Callable[[str, int, int], None]
"""Called with a stage (`documents`, `mailbox`, `database dump`), how much is done, of how much."""

_DUPLICATES = 0.10
_PRODUCED = 0.03
_FIRM_WIDE = 0.08


def _silent(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def write(
    root: Path, *, seed: int = 7, scale: float = 1.0, progress: Progress | None = None
) -> Truth:
    """Writes the example firm's share into `root`, which must be absent or empty.

    Equal seed and scale give equal bytes, names, modes and times on one build of Python and zlib.

    Raises:
        FileExistsError: `root` holds something already.
        ValueError: scale is outside 0.01 to 100.
    """
    return _write(root, seed, Size.scaled(scale), progress or _silent)


def small(root: Path, seed: int = 7) -> Truth:
    """The firm in 3 MB, for tests: 6 matters, 150 documents, everything else in little."""
    return _write(root, seed, SMALL, _silent)


def _write(root: Path, seed: int, size: Size, progress: Progress) -> Truth:
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: choose another folder or remove it")
    share = Share(root)
    cast = matters.draw(seed, size.matters, LAST_DAY)
    composer = Composer(seed, size, LAST_DAY)
    evening = datetime.combine(LAST_DAY, time(18), UTC)

    _documents(share, composer, seed, size, cast, progress)
    oddities.link(share, cast[0], cast, evening)
    mailer = mailbox.Mailer(seed, composer, cast, "2023")
    mailbox.write(
        share, mailer, size.mailbox_bytes, lambda done, total: progress("mailbox", done, total)
    )
    dump.write(
        share, cast, seed, size.dump_bytes, evening,
        lambda done, total: progress("database dump", done, total),
    )  # fmt: skip
    return share.close(seed, LAST_DAY, [(matter.number, matter.title) for matter in cast])


def _documents(
    share: Share,
    composer: Composer,
    seed: int,
    size: Size,
    cast: tuple[Matter, ...],
    progress: Progress,
) -> None:
    evening = datetime.combine(LAST_DAY, time(16), UTC)
    for matter in (*cast, None):
        for folder in cabinet.folders(matter):
            share.folder(folder.path, matter.number if matter else None, evening)
    oddities.write(share, cast[0], evening)
    produced = max(12, round(size.documents * _PRODUCED))
    production.write(share, composer, seed, cast[0], produced - 1)

    left = size.documents - produced - oddities.FILES - oddities.HARD_LINKS
    names = cabinet.Names(tuple(share.entries))
    copies = stream(seed, "duplicates")
    kept: list[tuple[cabinet.Place, bytes]] = []
    for done, place in enumerate(_places(seed, cast, left, names), start=1):
        if done > len(Make) and copies.random() < _DUPLICATES:
            original, content = copies.choice(kept)
            place = _copied(place, original, names)
        else:
            content = composer.compose(place.brief, stream(seed, place.brief.key))
            _keep(kept, place, content, copies)
        put(share, place, content)
        progress("documents", done, left)


def put(share: Share, place: cabinet.Place, content: bytes) -> None:
    """Writes one ordinary document; those of the personnel folder are private."""
    matter = place.brief.matter.number if place.brief.matter else None
    mode = PRIVATE_MODE if place.path.startswith(b"HR/") else FILE_MODE
    kind = FORMATS[place.brief.make]
    share.put(place.path, content, kind, place.brief.at, matter=matter, mode=mode)


def _places(
    seed: int, cast: tuple[Matter, ...], count: int, names: cabinet.Names
) -> Iterator[cabinet.Place]:
    """`count` documents over the firm's own folders and the matters, few large and many small."""
    rng = stream(seed, "sizes of matters")
    yield from cabinet.one_of_each(stream(seed, "one of each"), names, cast[0])
    count -= len(Make)
    own = round(count * _FIRM_WIDE)
    yield from cabinet.fill(stream(seed, "fill", "firm"), names, None, own, LAST_DAY)
    weights = [rng.lognormvariate(0, 0.7) for _ in cast]
    weights[0] = 3 * sum(weights) / len(weights)
    share_of = (count - own) / sum(weights)
    given = 0
    for place, matter in enumerate(cast):
        until = count - own if matter is cast[-1] else round(sum(weights[: place + 1]) * share_of)
        chance = stream(seed, "fill", matter.number)
        yield from cabinet.fill(chance, names, matter, until - given, LAST_DAY)
        given = until


def _copied(place: cabinet.Place, original: cabinet.Place, names: cabinet.Names) -> cabinet.Place:
    """The original's name and time in this place's folder."""
    folder, name = place.path.rpartition(b"/")[0], original.path.rpartition(b"/")[2].decode()
    brief = replace(original.brief, matter=place.brief.matter)
    return cabinet.Place(names.free(folder, name), brief)


def _keep(
    kept: list[tuple[cabinet.Place, bytes]], place: cabinet.Place, content: bytes, rng: Random
) -> None:
    """Keeps a few dozen documents at hand to be copied later, so that memory stays bounded."""
    if len(content) > 500_000:
        return
    if len(kept) < 60:
        kept.append((place, content))
    else:
        kept[rng.randrange(60)] = (place, content)
