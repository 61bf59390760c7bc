"""Restored data that is wrong: does the weekly verification find it, and is it silent where nothing is wrong?

Seeds 0 to 199 spoil what was restored of a file share or of a Clio account in one of seven ways, seeds 200 to 399
leave it as it is: other samples, another time of day, with the firm at work since the backup or not, with the live
source at hand or not. The restored set is made once in each piece and copied; it is looked at and judged as the tasks
`restore_sample` and `expectations` do it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from muniment.assurance.expectations import judge
from muniment.assurance.trial import Facts
from tests.campaign import Case
from tests.campaigns.restored_sets import Ground, Share, Spoil, account
from tests.campaigns.restored_spoils import CLASSES

SPOILED = 200
PIECE = 50
SOURCES = ("files", "clio")
PROMISED = 0.97
NOT_JUDGED = {"clio": {"items.opened", "formats.share"}, "files": set[str]()}
"""The simulator's files are noise under the names of documents: none opens."""
AT_WORK = 7
"""One clean case in so many is judged after another day of work, at a firm of its own."""


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    with ExitStack() as open_:
        grounds: dict[tuple[str, int], Ground] = {}
        for seed in seeds:
            source, firm = SOURCES[seed % 2], seed // PIECE
            if (source, firm) not in grounds:
                place = folder / f"{source}-{firm}"
                grounds[source, firm] = ground(source, place, firm + 1, open_)
            if seed < SPOILED:
                yield spoiled(grounds[source, firm], seed)
            elif seed // 2 % AT_WORK:
                yield clean(grounds[source, firm], seed)
            else:
                with ExitStack() as own:
                    busy = ground(source, folder / f"busy-{seed}", seed, own, at_work=True)
                    busy.work(seed)
                    yield clean(busy, seed)


def ground(source: str, folder: Path, seed: int, open_: ExitStack, at_work: bool = False) -> Ground:
    if source == "files":
        return Share(folder, seed, at_work)
    return open_.enter_context(account(folder, seed))


def class_of(seed: int) -> str:
    return list(CLASSES)[seed // 2 % len(CLASSES)]


def spoiled(of: Ground, seed: int) -> Case:
    """One corruption. The way is the class's next one for which the source has something to change."""
    name = class_of(seed)
    ways = CLASSES[name]
    for attempt in range(len(ways)):
        number = (seed // 2 // len(CLASSES) + attempt) % len(ways)
        spoil = ways[number](Random(f"spoil {seed}"))
        try:
            facts = of.facts(1, spoil)
        except LookupError:
            continue
        found = judged(of, facts)
        row = {"class": name, "source": of.source, "way": number, "found": ", ".join(found)}
        return Case(seed, row, () if found else ("not found",))
    return Case(seed, {"class": name, "source": of.source}, ("nothing could be spoiled",))


def clean(of: Ground, seed: int) -> Case:
    rng = Random(f"clean {seed}")
    facts = of.facts(seed, Spoil(), hours=rng.uniform(0.1, 24.0), live=rng.random() < 0.8)
    found = judged(of, facts)
    row = {"class": "clean", "source": of.source, "found": ", ".join(found)}
    return Case(seed, row, tuple(f"alarm: {one}" for one in found))


def judged(of: Ground, facts: Facts) -> list[str]:
    """Which expectations failed."""
    if of.is_clean(facts):
        return []
    failed = (result.name for result in judge(of.contract, facts.tables).failed)
    return [name for name in failed if name not in NOT_JUDGED[of.source]]


def summary(cases: Sequence[Case]) -> str:
    of = Counter((str(c.row["class"]), str(c.row["source"])) for c in cases)
    found = Counter(
        (str(c.row["class"]), str(c.row["source"])) for c in cases if c.row.get("found")
    )
    lines = [f"{n}, {s}: {found[n, s]} of {of[n, s]} found" for n, s in sorted(of) if n != "clean"]
    planted = sum(v for (n, _), v in of.items() if n != "clean")
    seen = sum(v for (n, _), v in found.items() if n != "clean")
    if planted:
        lines.append(
            f"corruptions found: {seen / planted:.1%} of {planted}; promised: {PROMISED:.0%}"
        )
    alarms = sum(v for (n, _), v in found.items() if n == "clean")
    lines.append(f"clean sets with an alarm: {alarms} of {sum(of.values()) - planted}")
    return "\n".join(lines)
