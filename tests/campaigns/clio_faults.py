"""Faults of the connector: does the weekly verification find a connector that makes a wrong backup?

Each case is a firm at the simulator that is backed up three times by a connector with one fault, works a day
in between, and is then verified as the product does it: a sample restored, what came of it judged, and the account
audited by another way. A run that ends with an error has told of its fault. After the faults come clean firms, by
seed, half of which go on working before they are verified: there, nothing may be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.clio_contract import ClioContract
from muniment.assurance.expectations import judge
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.clock import FixedClock, to_text
from muniment.errors import MunimentError
from muniment.sources.clio.asking import Rhythm
from tests.campaign import Case
from tests.campaigns import clio_faulty
from tests.campaigns.clio_faulty import FAULTS, Fault
from tests.simulators.clio.running import Running, running
from tests.support.clio_firm import BACKUP_USER, ClioFirm

NOT_JUDGED = {"items.opened", "formats.share"}
"""The simulator's files are noise under the names of documents: none opens."""
RHYTHMS = {
    "whole": Rhythm(whole=timedelta(minutes=1)),
    "sweep": Rhythm(whole=timedelta(days=90), sweep=timedelta(minutes=1), few_pages=0),
    "changes": Rhythm(whole=timedelta(days=90), sweep=timedelta(days=90)),
}
FIRM = {"matters": 5, "documents_per_matter": 2, "rate": 0}
PIECE = 8
"""Cases of one process."""
OPTIONS = BackupOptions(mass_deletion=MassDeletion(1.0, 1000))


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        place = folder / str(seed)
        with running(seed=seed, **FIRM) as sim:
            fault = FAULTS[seed] if seed < len(FAULTS) else None
            found = verified(sim, place, fault, seed)
        row = {
            "fault": fault.name if fault else "none",
            "class": fault.kind if fault else "clean",
            "found": ", ".join(found),
        }
        wrong = [f"alarm: {one}" for one in found] if fault is None else []
        if fault and not found:
            wrong = ["not found"]
        yield Case(seed, row, tuple(wrong))


def summary(cases: Sequence[Case]) -> str:
    lines = []
    of = Counter(str(c.row["class"]) for c in cases)
    found = Counter(str(c.row["class"]) for c in cases if c.row["found"])
    for kind in (k for k in of if k != "clean"):
        lines.append(f"{kind}: {found[kind]} of {of[kind]} found")
    total = sum(v for k, v in of.items() if k != "clean")
    if total:
        share = sum(v for k, v in found.items() if k != "clean") / total
        lines.append(f"faults found: {share:.1%} of {total}")
    lines.append(f"clean firms with an alarm: {found['clean']} of {of['clean']}")
    return "\n".join(lines)


# -- one firm ----------------------------------------------------------------------------------------


def verified(
    sim: Running, folder: Path, fault: Fault | None, seed: int, firm: ClioFirm | None = None
) -> list[str]:
    """Which expectations failed, or with which error a run ended; nothing where all was well."""
    firm = firm or ClioFirm(folder, sim)
    firm.page = 7
    _vendor(sim, fault)
    firm.consent()
    clio_faulty._FIRST.clear()
    try:
        for number in (1, 2, 3):
            if number > 1:
                _work(sim, firm, seed, number, fault)
            _now(firm)
            firm.rhythm = RHYTHMS[fault.mode if fault and number == 3 else "whole"]
            if fault and fault.mode == "sweep" and number == 2:
                firm.rhythm = RHYTHMS["sweep"]
            with fault.planted() if fault and number >= fault.when else nullcontext():
                outcome = back_up(firm.run(options=OPTIONS))
            if not outcome.success:
                return [f"incomplete: {', '.join(sorted(outcome.causes))}"]
    except MunimentError as error:
        return [f"{error.code}: {error.what}"]
    if fault is None and seed % 2:
        sim.control("day", number=900 + seed)
    return judged(firm, seed)


def _vendor(sim: Running, fault: Fault | None) -> None:
    roles = ["admin", "accounts", "billing", "reports"]
    if fault and fault.vendor == "without billing":
        roles.remove("billing")
    sim.control("change", collection="users", id=BACKUP_USER, values={"roles": roles})
    hidden = [row["id"] for row in sim.rows("matters.json", fields="id")[:2]] if fault and fault.vendor == "restricted" else []  # fmt: skip
    sim.control("restrict", user=BACKUP_USER, matters=hidden)


def _work(sim: Running, firm: ClioFirm, seed: int, number: int, fault: Fault | None) -> None:
    """A day of work; before a run that asks for changes alone, an hour."""
    if fault and fault.mode == "changes" and number == 3:
        sim.control("clock", seconds=7200)
        for name, column in (("notes", "detail"), ("tasks", "name"), ("contacts", "title")):
            for row in sim.rows(f"{name}.json", fields="id", **_views(name))[:3]:
                values = {column: f"changed on day {number}"}
                sim.control("change", collection=name, id=row["id"], values=values)
        return
    sim.control("day", number=seed * 3 + number)
    for name in ("notes", "communications"):
        for row in sim.rows(f"{name}.json", fields="id", **_views(name))[:3]:
            sim.control("change", collection=name, id=row["id"], delete=True)


def _views(name: str) -> dict[str, str]:
    return {"type": "Matter"} if name == "notes" else {}


def _now(firm: ClioFirm) -> None:
    """Some hours after the firm's last change: the simulator dates some of a day's work an hour ahead."""
    now = datetime.fromisoformat(firm.sim.control("clock")["now"]) + timedelta(hours=6)
    firm.clock = FixedClock(now)
    firm.client.clock.moved = (now - datetime.now(UTC)).total_seconds()


def facts(firm: ClioFirm, seed: int) -> Facts:
    """As the task `restore_sample` does it."""
    vault = firm.vault()
    history = vault.history("clio")
    newest = history.live[-1]
    sizes = matter_sizes(read_snapshot(vault, history, newest).items.values())
    drawn = Draw(
        "clio", "clio", newest.seq, newest.digest, to_text(newest.commit.ended_at), seed,
        draw_matter(sizes, seed, 1 << 30), None,
    )  # fmt: skip
    scratch = Scratch(firm.folder / "scratch", "run")
    return restore_sample(vault, drawn, ClioContract(), scratch, live=firm.source())


def judged(firm: ClioFirm, seed: int) -> list[str]:
    """As the task `expectations` does it."""
    found = facts(firm, seed)
    assert found.totals["live_reached"] and found.totals["audit_requests"]
    failed = (result.name for result in judge(ClioContract(), found.tables).failed)
    return [name for name in failed if name not in NOT_JUDGED]
