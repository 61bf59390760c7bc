"""`python -m benchmarks`: the duel, and the extremes where they are asked for. See docs/BENCHMARKS.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import corpus, extremes, report, staged
from benchmarks.contender import PEERS, Contender, present
from benchmarks.corpus import Shape
from benchmarks.documents import VARIANTS
from benchmarks.duel import Duel, copy_day
from benchmarks.measure import BenchmarkError, run, warm
from benchmarks.place import ROOT, Place, here
from benchmarks.product import Muniment, MunimentInS3
from muniment.embedded.s3 import program
from muniment.errors import EmbeddedError

MILLION = 1_000_000
GB = 1_000_000_000
BIG_FILE = 20
REHEARSAL = 0.005


def say(text: str) -> None:
    print(text, flush=True)


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the duel (5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the corpus: 1 is 40,000 documents, 2.3 GB"
    )
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="less-shared")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", metavar="NAME", help="these contenders only")
    parser.add_argument("--no-staged", action="store_true", help="without the stages' comparison")
    parser.add_argument("--no-duel", action="store_true", help="extremes only")
    parser.add_argument(
        "--million", type=int, nargs="?", const=MILLION, metavar="FILES", help="many small files"
    )
    parser.add_argument(
        "--big-file", type=float, nargs="?", const=BIG_FILE, metavar="GB", help="one large file"
    )
    return parser.parse_args(given)


def contenders(place: Place, only: Sequence[str] | None) -> list[Contender]:
    """Those that can be had here; says which cannot."""
    found: list[Contender] = [Muniment(place.work / "muniment", place.live)]
    try:
        program()
        found.append(MunimentInS3(place.work / "muniment-s3", place.live))
    except EmbeddedError as error:
        say(f"Without S3: {error}")
    for peer in PEERS:
        if present(peer):
            found.append(peer(place.work / peer.name, place.live))
        else:
            say(f"Without {peer.name}: the program is not on the path.")
    return [each for each in found if not only or each.name in only or each.name == report.PRODUCT]


def duel(place: Place, options: argparse.Namespace, result: dict[str, Any]) -> None:
    shape = Shape(options.variant, options.scale, options.seed)
    say(f"Corpus {shape.name} ...")
    day = corpus.make(place.corpora, shape)
    taking = contenders(place, options.only)
    for each in taking:
        say(f"  {each.name} {each.version}: {each.flags}")
    match = Duel(place, day, shape, taking, say)
    try:
        rehearse(place, options, taking)
        for number in range(options.rounds):
            match.round(number)
    finally:
        for each in taking:
            each.done()
    warm(day)
    kernels = json.loads(run([sys.executable, "-m", "benchmarks.kernels", day], folder=ROOT))
    result["duel"] = {
        "corpus": {"variant": shape.variant, "scale": shape.scale, "seed": shape.seed},
        "rounds": options.rounds,
        "contenders": report.duel_as_dict(match, taking),
        "kernels": kernels,
    }
    say(f"\n{options.rounds} rounds on {shape.name}; next day: {match.work}\n")
    say(report.duel_table(match.figures, kernels))


def rehearse(place: Place, options: argparse.Namespace, taking: Sequence[Contender]) -> None:
    """A round on a small corpus whose figures do not count: afterwards programs lie in memory, and
    Python's byte code is written."""
    shape = Shape(options.variant, REHEARSAL, options.seed)
    Duel(place, corpus.make(place.corpora, shape), shape, taking, lambda text: None).round(0)


def compare_stages(place: Place, options: argparse.Namespace, result: dict[str, Any]) -> None:
    shape = Shape(options.variant, options.scale, options.seed)
    copy_day(corpus.make(place.corpora, shape), place.live)
    found = staged.compare(place.work / "staged", place.live)
    result["staged"] = {
        step: {
            way: {
                "total": dict(zip(("cpu", "own_cpu", "wall"), each.total(), strict=True)),
                "stages": {name: sample.as_dict() for name, sample in each.samples.items()},
            }
            for way, each in ways.items()
        }
        for step, ways in found.items()
    }
    say("\nFour stages apart, beside one process\n\n" + report.staged_table(found))


def main(given: Sequence[str] | None = None, place: Place | None = None) -> int:
    options = arguments(given)
    place = place or here()
    result = report.header()
    say(f"Commit {result['commit']}; {result['machine']}")
    try:
        if not options.no_duel:
            place.clear_work()
            duel(place, options, result)
            _write(place.result, result)
        if not options.no_duel and not options.no_staged:
            place.clear_work()
            compare_stages(place, options, result)
            _write(place.result, result)
        if options.million:
            place.clear_work()
            result["many"] = extremes.many(place, options.million)
            say(f"\n{options.million:,} files\n\n" + report.extremes_table(result["many"]))
            _write(place.result, result)
        if options.big_file:
            result["large"] = extremes.large(place, int(options.big_file * GB))
            say(f"\nOne file of {options.big_file} GB\n\n" + report.extremes_table(result["large"]))
            _write(place.result, result)
    except BenchmarkError as error:
        say(f"\nNo result: {error}")
        return 1
    finally:
        place.clear_work()
    say(f"\nWritten: {place.result}")
    return 0


def _write(path: Path, result: dict[str, Any]) -> None:
    """After each part: what is measured stays, whatever ends a later one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
