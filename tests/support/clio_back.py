"""A matter of a Clio account, backed up, lost in part, and written back into an account at the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muniment.backup.pipeline import back_up
from muniment.recovery.clio_back import CLIO, CLIO_EXISTING, given_as
from muniment.recovery.clio_back.back import write_back
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.recovery.written_back.outcome import WriteReport
from muniment.sources.clio import client as clio
from muniment.sources.clio.downloads import Downloads
from muniment.sources.clio.listing import Reader
from muniment.sources.clio.place import PEAK
from muniment.sources.clio.reports import Reports
from muniment.sources.clio.table import table
from muniment.sources.clio.transport import Transport
from tests.simulators.clio.running import Running
from tests.support.clio_client import Client, client
from tests.support.clio_firm import ClioFirm

KINDS = (
    "relationships", "communications", "notes", "tasks", "calendar_entries", "damages", "activities", "folders", "documents",
)  # fmt: skip


@dataclass
class Case:
    """One backed-up matter. `sim` is the account that it is written into."""

    sim: Running
    firm: ClioFirm
    plan: RestorePlan
    selection: Selection
    matter: int

    def client(self, folder: Path, made: type[Transport] = Transport) -> clio.Client:
        """Of whoever consented to write; counts its requests in `folder`."""
        return full(client(self.sim, folder, transport=made), made)

    def back(self, into: Path, *, existing: bool = False, made: type[Transport] = Transport) -> WriteReport:  # fmt: skip
        into.mkdir(parents=True, exist_ok=True)
        plan = self.plan
        return write_back(
            self.firm.vault(), plan, self.selection, "clio", self.client(into, made), into, existing=existing
        )  # fmt: skip

    def truth(self, matter: str | int) -> dict[str, list[dict[str, Any]]]:
        """Everything that the account has in a matter, the unfinished too."""
        found = {}
        for kind in KINDS:
            rows = (
                self.firm.client.truth(kind) if self.sim is self.firm.sim else truth(self.sim, kind)
            )
            found[kind] = [
                row for row in rows if str((row.get("matter") or {}).get("id")) == str(matter)
            ]
        return found


def truth(sim: Running, kind: str) -> list[dict[str, Any]]:
    asked = {"resources": [kind], "fields": {kind: ",".join(table()[kind].fields)}}
    rows: list[dict[str, Any]] = sim.control("truth", **asked)["resources"][kind]
    return rows


def full(held: Client, made: type[Transport]) -> clio.Client:
    t = held.transport
    return clio.Client(t, Reader(t), Downloads(t), Reports(t), table(), PEAK["us"])


def backed_up(folder: Path, sim: Running, matter: int, *, existing: bool = False) -> Case:
    firm = ClioFirm(folder, sim)
    back_up(firm.run())
    return case_of(firm, sim, matter, existing=existing)


def case_of(firm: ClioFirm, sim: Running, matter: int, *, existing: bool = False) -> Case:
    vault = firm.vault()
    history = vault.history("clio")
    rows = vault.snapshot(history, history.live[-1]).items.values()
    [opaque] = [r.matter for r in rows if r.native_id == f"matters/{matter}".encode()]
    selection = Selection(Scope.MATTER, opaque, related=True)
    target = CLIO_EXISTING if existing else CLIO
    plan = make_restore_plan(vault, selection, target=target, fidelity=given_as)
    return Case(sim, firm, plan, selection, matter)
