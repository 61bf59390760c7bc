"""The control interface: what a test does to the firm and asks about it, beside the API.

Every request is a POST of JSON to a path that names the deed, and answers JSON:

    /clock      {"seconds": 3600}                     moves the firm's clock on; {} tells it
    /limits     {"rate": 0, "seconds": 60, "advance": 60, "status": 503, "tells": false}   rate 0 is without limit
    /day        {"number": 1, "deeds": 40}            a day of work; what it did
    /change     {"item", "values"?, "delete"?: "soft" | "purge", "version"?}    one item, as from the web page, unchecked;
                with "version" that version is deleted
    /faults     {"add": {"name", "pattern", "after", "times", "chance", ...}}, {"remove": 3}, {"clear": true},
                {"weather": true}, {"seed": 5}; tells what stands, what struck, and the names there are
    /tokens     {"revoke": token | true}, {"expire": token | true}, {"grant": user, "client_id"?, "scope"?},
                {"rotate": "once"}, {"idle": 60}, {"hard": 600}, {"disable": client_id}, {"enable": client_id}
    /map        {"client_id", "user": key | null}     whom a service account is mapped to; null is nobody
    /settings   {"name": value, ...}                  world.Settings
    /history    {"after": 10, "limit": 1000}          changes: sequence, time, user, action, item, detail
    /truth      {"at": 120}                           the complete state right after change 120
    /files      {"at": 120}                           size and SHA-256 of every version and attachment
    /counters   {"reset": true}                       requests by endpoint and status; workspaces made by a read
    /rate       {}                                    windows of requests, and refusals in a row
    /stop       {}
"""

from __future__ import annotations

import json
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.common.control import WRONG, Asked, Desk, NoDeed, planned, said
from tests.simulators.netdocuments import day, faults, truth
from tests.simulators.netdocuments.errors import ApiError, bad_request, not_found
from tests.simulators.netdocuments.limits import Limits
from tests.simulators.netdocuments.world import Settings

if TYPE_CHECKING:
    from tests.simulators.netdocuments.simulator import Simulator


class Control(Desk):
    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def handle(self, request: Request) -> Response:
        try:
            return _json(200, self.done(request, self._simulator.world.lock))
        except NoDeed:
            return _json(404, not_found().body("errorCode"))
        except ApiError as error:
            return _json(error.status, error.body("errorCode"))
        except WRONG as error:
            return _json(400, bad_request(said(error)).body("errorCode"))

    # -- time and work -------------------------------------------------------------------------------
    def do_clock(self, asked: Asked) -> Any:
        world = self._simulator.world
        now = world.clock.advance(float(asked.get("seconds", 0)))
        world.purge_old()
        return {"now": now.isoformat(), "sequence": world.store.sequence}

    def do_limits(self, asked: Asked) -> Any:
        limits: Limits = self._simulator.limits
        limits.rate = int(asked.get("rate", limits.rate))
        limits.seconds = float(asked.get("seconds", limits.seconds))
        limits.moved += float(asked.get("advance", 0))
        limits.status = int(asked.get("status", limits.status))
        limits.tells = bool(asked.get("tells", limits.tells))
        return {"rate": limits.rate, "seconds": limits.seconds, "status": limits.status, "tells": limits.tells}  # fmt: skip

    def do_day(self, asked: Asked) -> Any:
        number, deeds = int(asked.get("number", 1)), int(asked.get("deeds", 40))
        return day.work(self._simulator.firm, number, deeds)

    def do_change(self, asked: Asked) -> Any:
        world = self._simulator.world
        ref = self._item(str(asked["item"]))
        if "version" in asked:
            held = world.version(ref, int(asked["version"]))
            if held is None:
                raise not_found()
            world.remove(held[0], "version.deleted", "SOMEONE")
        elif asked.get("delete") == "purge":
            world.purge(ref, "SOMEONE")
        elif asked.get("delete") == "soft":
            world.soft_delete(ref, "SOMEONE")
        else:
            values = {name: self._meant(name, value) for name, value in asked["values"].items()}
            world.change(ref, "changed", "SOMEONE", touch=asked.get("touch", True), **values)
        return {"sequence": world.store.sequence}

    def _item(self, name: str) -> Ref:
        ref = self._simulator.world.find(name)
        if ref is None or self._simulator.world.store.at(ref) is None:
            raise not_found()
        return ref

    def _meant(self, name: str, value: Any) -> Any:
        if name == "attributes":
            return {int(key): text for key, text in value.items()}
        return [self._item(one) for one in value] if name in ("filed", "links") else value

    # -- trouble -------------------------------------------------------------------------------------
    def do_faults(self, asked: Asked) -> Any:
        return planned(self._simulator.faults, asked, faults.weather, faults.NAMES)

    def do_tokens(self, asked: Asked) -> Any:
        oauth = self._simulator.oauth
        for name, end in (("revoke", oauth.revoke), ("expire", oauth.expire)):
            if asked.get(name):
                end(None if asked[name] is True else str(asked[name]))
        oauth.rotate = str(asked.get("rotate", oauth.rotate))
        oauth.idle_seconds = int(asked.get("idle", oauth.idle_seconds))
        oauth.hard_seconds = int(asked.get("hard", oauth.hard_seconds))
        oauth.disabled -= {asked.get("enable")}
        if "disable" in asked:
            oauth.disabled.add(str(asked["disable"]))
        if "grant" not in asked:
            return {"disabled": sorted(oauth.disabled)}
        client = str(asked.get("client_id", self._simulator.application.client_id))
        user = self._item(str(asked["grant"]))
        access, refresh = oauth.grant(user, client, str(asked.get("scope", "full")))
        return {"access_token": access, "refresh_token": refresh}

    def do_map(self, asked: Asked) -> Any:
        service, client = self._simulator.oauth.service, str(asked["client_id"])
        if client not in self._simulator.oauth.applications:
            raise not_found()
        if asked["user"] is None:
            service.pop(client, None)
        else:
            service[client] = self._item(str(asked["user"]))
        return {"mapped": sorted(service)}

    def do_settings(self, asked: Asked) -> Any:
        settings = self._simulator.world.settings
        known = {one.name for one in fields_of(Settings)}
        for name, value in asked.items():
            if name not in known:
                raise KeyError(name)
            setattr(settings, name, tuple(value) if isinstance(value, list) else value)
        return {name: getattr(settings, name) for name in sorted(known)}

    # -- what is true --------------------------------------------------------------------------------
    def do_history(self, asked: Asked) -> Any:
        after, limit = int(asked.get("after", 0)), int(asked.get("limit", 1000))
        entries = self._simulator.world.log[after : after + limit]
        return {
            "sequence": self._simulator.world.store.sequence,
            "changes": [
                [one.sequence, one.at.isoformat(), one.user, one.action, one.item, one.detail] for one in entries
            ],
        }  # fmt: skip

    def do_truth(self, asked: Asked) -> Any:
        world = self._simulator.world.view(asked.get("at"))
        return {"sequence": world.store.sequence, **truth.state(world)}

    def do_files(self, asked: Asked) -> Any:
        return truth.files(self._simulator.world.view(asked.get("at")))

    def do_counters(self, asked: Asked) -> Any:
        counts, world = self._simulator.api.counts, self._simulator.world
        told = {
            "endpoints": dict(counts.endpoints),
            "statuses": {str(key): value for key, value in counts.statuses.items()},
            "made_workspaces": world.made_workspaces,
            "recent": list(world.recent),
        }
        if asked.get("reset"):
            counts.clear()
        return told

    def do_rate(self, asked: Asked) -> Any:
        """The longest run of refusals, and each token's windows: when one began, by the moved time, how long it was, what was
        allowed and what was used in it."""
        return {
            "refused_in_a_row": self._simulator.api.counts.refused_in_a_row,
            "windows": [
                [[one.opened, one.lasted, one.allowed, one.used] for one in held]
                for held in self._simulator.limits.windows()
            ],
        }


def _json(status: int, value: Any) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
