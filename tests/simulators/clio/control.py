"""The control interface: what a test does to the firm and asks about it, beside the API.

Every request is a POST of JSON to a path that names the deed, and answers JSON:

    /clock      {"seconds": 3600}                     moves the firm's clock on; {} tells it
    /limits     {"peak": 0, "off_peak": 0, "seconds": 60, "advance": 60}   0 is without limit;
                {"shows": true}: the time that answers tell goes with `advance`
    /day        {"number": 1}                         a day of work; what it did
    /change     {"collection", "id"?, "values"?, "delete"?}    one row, as from the web page, unchecked; a
                value {"ref": ["matters", 101]} refers to another row
    /faults     {"add": {"name", "pattern", "after", "times", "chance", ...}}, {"remove": 3}, {"clear": true},
                {"weather": true}, {"seed": 5}; tells what stands, what struck, and the names there are
    /tokens     {"revoke": token | true}, {"expire": token | true}, {"grant": user}, {"rotate": "once"}, {"lifetime": 60}
    /restrict   {"user": 103, "matters": [..], "calendars": [..], "contacts": true, "hours": true}
    /settings   {"name": value, ...}                  world.Settings, and practice_areas_moved, read_only
    /history    {"after": 10, "limit": 1000}          changes: sequence, time, collection, id, action
    /truth      {"at": 120, "resources": [...], "fields": {...}}    the complete state right after change 120
    /files      {"at": 120}                           size and SHA-256 of every version
    /trust      {"at": 120}                           the ledger's balances, and where rows disagree
    /counters   {"reset": true}                       requests by endpoint and status
    /rate       {}                                    windows of requests, and refusals in a row
    /stop       {}
"""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

from tests.simulators.clio import day, documents, faults, trust, truth
from tests.simulators.clio.access import Restrictions
from tests.simulators.clio.errors import ApiError, bad_request, not_found
from tests.simulators.clio.limits import Limits
from tests.simulators.clio.messages import Request, Response, answer, refusal
from tests.simulators.clio.store import Ref
from tests.simulators.clio.world import Settings
from tests.simulators.common.control import WRONG, Asked, Desk, NoDeed, planned, said

if TYPE_CHECKING:
    from tests.simulators.clio.simulator import Simulator


class Control(Desk):
    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def handle(self, request: Request) -> Response:
        try:
            return answer(200, self.done(request, self._simulator.world.lock))
        except NoDeed:
            return refusal(not_found("The deed"))
        except ApiError as error:
            return refusal(error)
        except WRONG as error:
            return refusal(bad_request(said(error)))

    # -- time and work -------------------------------------------------------------------------------
    def do_clock(self, asked: Asked) -> Any:
        now = self._simulator.world.clock.advance(float(asked.get("seconds", 0)))
        documents.purge(self._simulator.world)
        return {"now": now.isoformat(), "sequence": self._simulator.world.store.sequence}

    def do_limits(self, asked: Asked) -> Any:
        limits: Limits = self._simulator.limits
        for name in ("peak", "off_peak"):
            if name in asked:
                setattr(limits, name, int(asked[name]))
        limits.seconds = float(asked.get("seconds", limits.seconds))
        limits.moved += float(asked.get("advance", 0))
        limits.shows = bool(asked.get("shows", limits.shows))
        return {"peak": limits.peak, "off_peak": limits.off_peak, "seconds": limits.seconds}

    def do_day(self, asked: Asked) -> Any:
        return day.work(self._simulator.firm, int(asked.get("number", 1)))

    def do_change(self, asked: Asked) -> Any:
        world = self._simulator.world
        collection = str(asked["collection"])
        values = {name: _meant(value) for name, value in asked.get("values", {}).items()}
        if "id" not in asked:
            made = world.create(collection, **values)
            return {"id": made.id, "sequence": world.store.sequence}
        ref = Ref(collection, int(asked["id"]))
        if world.store.at(ref) is None:
            raise not_found()
        if asked.get("delete"):
            world.delete(ref)
        else:
            world.change(ref, **values)
        return {"id": ref.id, "sequence": world.store.sequence}

    # -- trouble -------------------------------------------------------------------------------------
    def do_faults(self, asked: Asked) -> Any:
        return planned(self._simulator.faults, asked, faults.weather, faults.NAMES)

    def do_tokens(self, asked: Asked) -> Any:
        oauth = self._simulator.oauth
        for name, end in (("revoke", oauth.revoke), ("expire", oauth.expire)):
            if asked.get(name):
                end(None if asked[name] is True else str(asked[name]))
        if "rotate" in asked:
            oauth.rotate = str(asked["rotate"])
        if "lifetime" in asked:
            oauth.access_seconds = int(asked["lifetime"])
        if "grant" in asked:
            access, refresh = oauth.grant(
                Ref("users", int(asked["grant"])), str(asked.get("client_id", ""))
            )
            return {"access_token": access, "refresh_token": refresh}
        return {"grants": len(oauth.grants)}

    def do_restrict(self, asked: Asked) -> Any:
        held = self._simulator.api.permissions.restrictions
        held[int(asked["user"])] = Restrictions(
            frozenset(asked.get("matters", ())), frozenset(asked.get("calendars", ())),
            bool(asked.get("contacts")), bool(asked.get("hours")),
        )  # fmt: skip
        return {"restricted": sorted(held)}

    def do_settings(self, asked: Asked) -> Any:
        api, settings = self._simulator.api, self._simulator.world.settings
        known = {one.name for one in fields_of(Settings)}
        for name, value in asked.items():
            if name == "practice_areas_moved":
                api.practice_areas_moved = bool(value)
            elif name == "read_only":
                api.permissions.read_only = bool(value)
            elif name in known:
                setattr(settings, name, value)
            else:
                raise KeyError(name)
        return {name: getattr(settings, name) for name in sorted(known)}

    # -- what is true --------------------------------------------------------------------------------
    def do_history(self, asked: Asked) -> Any:
        after, limit = int(asked.get("after", 0)), int(asked.get("limit", 1000))
        changes = self._simulator.world.store.changes[after : after + limit]
        return {
            "sequence": self._simulator.world.store.sequence,
            "changes": [
                [c.sequence, c.at.isoformat(), c.collection, c.id, c.action] for c in changes
            ],
        }

    def do_truth(self, asked: Asked) -> Any:
        view = self._simulator.world.view(asked.get("at"))
        return truth.state(view, asked.get("resources"), asked.get("fields") or {})

    def do_files(self, asked: Asked) -> Any:
        return truth.files(self._simulator.world, self._simulator.world.view(asked.get("at")))

    def do_trust(self, asked: Asked) -> Any:
        view = self._simulator.world.view(asked.get("at"))
        return truth.money(view) | {"discrepancies": trust.discrepancies(view.store, view.ledger)}

    def do_counters(self, asked: Asked) -> Any:
        counts = self._simulator.api.counts
        told = {
            "endpoints": dict(counts.endpoints),
            "statuses": {str(k): v for k, v in counts.statuses.items()},
        }
        if asked.get("reset"):
            counts.clear()
        return told

    def do_rate(self, asked: Asked) -> Any:
        """The longest run of 429, whoever was refused; and each token's windows: when one began, by the moved
        time, how long it was, what was allowed and what was used in it."""
        limits: Limits = self._simulator.limits
        return {
            "refused_in_a_row": self._simulator.api.counts.refused_in_a_row,
            "windows": [
                [[one.opened, one.lasted, one.allowed, one.used] for one in held]
                for held in limits.windows()
            ],
        }


def _meant(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"ref"}:
        collection, id_ = value["ref"]
        return Ref(str(collection), int(id_))
    return [_meant(one) for one in value] if isinstance(value, list) else value
