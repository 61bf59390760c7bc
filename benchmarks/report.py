"""Report: medians, ratios, the table, and the JSON."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.contender import Contender
from benchmarks.duel import STEPS, Duel, Figures
from benchmarks.measure import Sample
from benchmarks.place import ROOT

PRODUCT = "muniment"


def commit_id() -> str:
    """The commit, with `-dirty` where tracked files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> dict[str, Any]:
    model = ""
    try:
        with open("/proc/cpuinfo") as file:
            model = next(
                line.split(":")[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model,
        "python": platform.python_version(),
    }


def header() -> dict[str, Any]:
    return {
        "commit": commit_id(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def middle(samples: Sequence[Sample], what: str) -> float:
    return median(float(getattr(sample, what)) for sample in samples)


def duel_as_dict(duel: Duel, contenders: Sequence[Contender]) -> dict[str, Any]:
    return {
        each.name: {
            "version": each.version,
            "flags": each.flags,
            "steps": {
                step: {
                    "median": {
                        what: round(middle(samples, what), 3) for what in ("cpu", "wall", "peak")
                    },
                    "rounds": [sample.as_dict() for sample in samples],
                }
                for step, samples in duel.figures[each.name].samples.items()
            },
            "first_bytes": median(duel.figures[each.name].first_bytes),
            "growth_bytes": median(duel.figures[each.name].growth),
        }
        for each in contenders
    }


def duel_table(figures: Mapping[str, Figures], kernels: Mapping[str, float]) -> str:
    """CPU seconds (wall in brackets), sizes, memory; and the product's ratio to each peer."""
    names = list(figures)
    peers = [name for name in names if not name.startswith(PRODUCT)]
    rows = [["", *names, *(f"ratio to {peer}" for peer in peers)]]

    def ratios(values: Mapping[str, float]) -> list[str]:
        return [_ratio(values[PRODUCT], values[peer]) for peer in peers]

    for step in STEPS:
        cpu = {name: middle(figures[name].samples[step], "cpu") for name in names}
        wall = {name: middle(figures[name].samples[step], "wall") for name in names}
        cells = [f"{cpu[name]:.2f} ({wall[name]:.1f})" for name in names]
        both = [f"{_ratio(cpu[PRODUCT], cpu[p])} ({_ratio(wall[PRODUCT], wall[p])})" for p in peers]
        rows.append([f"{step}, CPU s (wall s)", *cells, *both])
    for label, sizes in (
        ("repository, MB", {name: median(figures[name].first_bytes) for name in names}),
        ("growth next day, MB", {name: median(figures[name].growth) for name in names}),
    ):
        rows.append([label, *(f"{sizes[n] / 1e6:.1f}" for n in names), *ratios(sizes)])
    for step in STEPS:
        peak = {name: middle(figures[name].samples[step], "peak") for name in names}
        rows.append([f"{step}, peak MB", *(f"{peak[n] / 1e6:.0f}" for n in names), *ratios(peak)])
    return table(rows) + "\n\n" + _limit(figures, kernels)


def _limit(figures: Mapping[str, Figures], kernels: Mapping[str, float]) -> str:
    parts = {name: seconds for name, seconds in kernels.items() if name != "bytes"}
    total = sum(parts.values())
    took = middle(figures[PRODUCT].samples["first backup"], "cpu")
    named = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
    return (
        f"The limit, the kernels alone over {kernels['bytes'] / 1e6:,.0f} MB: {total:.2f} CPU s ({named}).\n"
        f"First backup: {took / total:.2f} times that."
    )


def _ratio(mine: float, theirs: float) -> str:
    return f"{mine / theirs:.2f}" if theirs else "-"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first row as heading."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def extremes_table(report: Mapping[str, Any]) -> str:
    """Rows of the million files, or of the large file."""
    rows = [["", "CPU s", "wall s", "peak MB", "objects written"]]

    def add(label: str, told: Mapping[str, Any]) -> None:
        rows.append(
            [
                label, f"{told['cpu']:.1f}", f"{told['wall']:.1f}", f"{told['peak'] / 1e6:.0f}",
                str(told.get("objects", "")),
            ]
        )  # fmt: skip

    for name, value in report.items():
        if not isinstance(value, dict):
            continue
        if "cpu" in value:
            add(name, value)
        else:
            for step, told in value.items():
                add(f"{name}: {step}", told)
    return table(rows)


def staged_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["", "CPU s", "of it without imports", "wall s"]]
    for step, ways in found.items():
        for way, staged in ways.items():
            cpu, own, wall = staged.total()
            rows.append([f"{step}, {way}", f"{cpu:.2f}", f"{own:.2f}", f"{wall:.2f}"])
            if len(staged.samples) > 1:
                for stage, sample in staged.samples.items():
                    rows.append(
                        [
                            f"    {stage}", f"{sample.cpu:.2f}", f"{staged.own[stage]:.2f}",
                            f"{sample.wall:.2f}",
                        ]
                    )  # fmt: skip
    return table(rows)
