"""Faults of the connector for NetDocuments: does the weekly verification find one that makes a wrong backup?

As for Clio (`clio_faults`): three runs by a connector with one fault, a day of work in between, and then the
verification as the product does it. A run that ends with an error, or is incomplete, has told of its fault. After the
faults come clean firms, by seed, half of which go on working before they are verified: there, nothing may be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from muniment.assurance.expectations import judge
from muniment.assurance.netdocuments_contract import NetDocumentsContract
from muniment.assurance.sample import draw_matter, matter_sizes
from muniment.assurance.scratch import Scratch
from muniment.assurance.trial import Draw, Facts, read_snapshot, restore_sample
from muniment.backup.options import BackupOptions, MassDeletion
from muniment.backup.pipeline import back_up
from muniment.clock import FixedClock, to_text
from muniment.errors import MunimentError
from muniment.sources.netdocuments.asking import Rhythm
from tests.campaign import Case
from tests.campaigns import netdocuments_faulty
from tests.campaigns.netdocuments_faulty import FAULTS, Fault
from tests.campaigns.planted import case_of, summary
from tests.simulators.netdocuments.running import Running, running
from tests.support.netdocuments_firm import NetDocsFirm

NOT_JUDGED = {"items.opened", "formats.share"}
"""The simulator's files are noise under the names of documents: none opens."""
FIRM = {"matters": 4, "documents_per_matter": 2, "rate": 0}
PIECE = 8
"""Cases of one process."""
RHYTHMS = {
    "": Rhythm(whole=timedelta(minutes=1), sweep=timedelta(0)),
    "sweep": Rhythm(whole=timedelta(days=90), sweep=timedelta(0)),
    "changes": Rhythm(whole=timedelta(days=90), sweep=timedelta(days=90)),
}
OPTIONS = BackupOptions(mass_deletion=MassDeletion(1.0, 1000))

__all__ = ["FAULTS", "run", "summary", "verified"]


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    for seed in seeds:
        fault = FAULTS[seed] if seed < len(FAULTS) else None
        with running(seed=seed, **FIRM) as sim:
            yield case_of(seed, fault, verified(sim, folder / str(seed), fault, seed))


def verified(
    sim: Running, folder: Path, fault: Fault | None, seed: int, firm: NetDocsFirm | None = None, runs: int = 3
) -> list[str]:  # fmt: skip
    """Which expectations failed, or with which error a run ended; nothing where all was well."""
    firm = firm or NetDocsFirm(folder, sim)
    firm.page = 7
    netdocuments_faulty._FIRST.clear()
    vendor = fault.vendor if fault else ""
    _mapped(sim, "SVC-LIMITED" if vendor == "restricted" else "SVC-BACKUP")
    try:
        for number in range(1, runs + 1):
            if number > 1:
                _work(
                    sim, seed, number, hours=bool(fault and fault.mode == "changes" and number == 3)
                )
            _now(firm)
            firm.rhythm = RHYTHMS[fault.mode if fault and number == 3 else ""]
            if vendor == "unmapped" and number == 3:
                _mapped(sim, None)
            with fault.planted() if fault and number >= fault.when else nullcontext():
                outcome = back_up(firm.run(options=OPTIONS))
            if vendor == "unmapped":
                _mapped(sim, "SVC-BACKUP")
            if not outcome.success:
                return [f"incomplete: {', '.join(sorted(str(c['cause']) for c in outcome.causes))}"]
        if fault is None and seed % 2:
            sim.control("day", number=900 + seed)
    except MunimentError as error:
        return [f"{error.code}: {error.what}"]
    return judged(firm, seed)


def _mapped(sim: Running, user: str | None) -> None:
    sim.control("map", client_id=sim.told["reading_client_id"], user=user)


def _work(sim: Running, seed: int, number: int, *, hours: bool = False) -> None:
    """A day of work, in which some documents are renamed, and some thrown away; or some hours, in which none is."""
    if hours:
        sim.control("clock", seconds=7200)
    else:
        sim.control("day", number=seed * 3 + number)
    living = [one for one in sim.control("truth")["documents"].values() if not one["deleted"]]
    for one in living[::4][:4]:
        sim.control("change", item=one["id"], values={"name": f"Changed on day {number}"})
    for one in () if hours else living[1::4][:4]:
        sim.control("change", item=one["id"], delete="soft")


def _now(firm: NetDocsFirm) -> None:
    """Some hours after the firm's last change."""
    now = datetime.fromisoformat(firm.sim.control("clock")["now"]) + timedelta(hours=6)
    firm.clock = FixedClock(now)
    firm.passing.moved = (now - datetime.now(UTC)).total_seconds()


def facts(firm: NetDocsFirm, seed: int) -> Facts:
    """As the task `restore_sample` does it."""
    vault = firm.vault()
    history = vault.history("netdocs")
    newest = history.live[-1]
    sizes = matter_sizes(read_snapshot(vault, history, newest).items.values())
    drawn = Draw(
        "netdocs", "netdocuments", newest.seq, newest.digest, to_text(newest.commit.ended_at), seed,
        draw_matter(sizes, seed, 1 << 30), None,
    )  # fmt: skip
    scratch = Scratch(firm.folder / "scratch", "run")
    return restore_sample(vault, drawn, NetDocumentsContract(), scratch, live=firm.source())


def judged(firm: NetDocsFirm, seed: int) -> list[str]:
    """As the task `expectations` does it."""
    found = facts(firm, seed)
    assert found.totals["live_reached"] and found.totals["audit_requests"]
    failed = (result.name for result in judge(NetDocumentsContract(), found.tables).failed)
    return [name for name in failed if name not in NOT_JUDGED]
