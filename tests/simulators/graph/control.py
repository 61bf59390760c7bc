"""The control interface: what a test does to the tenant and asks about it, beside the API.

Every request is a POST of JSON to a path that names the deed, and answers JSON:

    /clock      {"seconds": 3600}                     moves the tenant's clock on; {} tells it
    /limits     {"outlook": [10000, 600], "files": .., "directory": .., "outlook_bytes": .., "concurrent": 4,
                 "per_app": true, "advance": 60, "off": true}     [0, 1] is without limit
    /day        {"number": 1, "deeds": 40}            a day of work; what it did
    /deliver    {"user": id, "folder": "inbox", "mime": base64}    a message whose MIME is given
    /change     {"collection", "number" or "id", "values"?, "delete"?}    one row, unchecked
    /users      {"kind"?}                             ids by kind: member, disabled, shared, room, guest, localized, ...
    /delete     {"user": id, "for_good": false}       into the recycle bin of the directory, or out of it
    /mailbox    {"user": id, "full": true, "state": "here" | "none" | "elsewhere"}
    /scope      {"client_id", "users": [id, ...] | null}    whose mailboxes an application may see
    /roles      {"client_id", "roles": [...]}         for tokens given from now on
    /tokens     {"expire": true, "lifetime": 60, "advance": 3600, "give": client_id}
    /resync     {"kind": "messages", "place": 12?, "code": ...?}   ends delta tokens: messages, folders, contacts,
                contactFolders, events, users, items, sites
    /corrupt    {"ids": [...]}                        messages (by any id) that exports cannot read
    /faults     {"add": {"name", "pattern", "after", "times", "chance", ...}}, {"remove": 3}, {"clear": true},
                {"weather": true}, {"seed": 5}; tells what stands, what struck, and the names there are
    /settings   {"name": value, ...}                  world.Settings
    /history    {"after": 10, "limit": 1000}          changes: sequence, time, collection, number, action
    /truth      {"at": 120, "parts": [...]}           the complete state right after change 120
    /served     {"id": ...}                           of a message: change key and SHA-256 of each MIME that was given
    /sent       {}                                    invitations and mails that went out: a restore sends none
    /counters   {"reset": true}                       requests by route and status, at once, too early, used units
    /rate       {}                                    windows of each service and mailbox, and refusals in a row
    /conformance {}                                   where requests or answers differ from the description
    /stop       {}
"""

from __future__ import annotations

import base64
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

from tests.simulators.clio.messages import Request, Response
from tests.simulators.clio.store import Ref
from tests.simulators.common.control import WRONG, Asked, Desk, NoDeed, planned, said
from tests.simulators.graph import day, disturbed, truth
from tests.simulators.graph.answers import answer
from tests.simulators.graph.limits import Budget
from tests.simulators.graph.world import Settings, stamp

if TYPE_CHECKING:
    from tests.simulators.graph.simulator import Simulator


class Control(Desk):
    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def handle(self, request: Request) -> Response:
        try:
            return answer(200, self.done(request, self._simulator.world.lock))
        except NoDeed:
            return answer(404, {"error": "There is no such deed"})
        except WRONG as error:
            return answer(400, {"error": said(error)})

    # -- time and work ---------------------------------------------------------------------------
    def do_clock(self, asked: Asked) -> Any:
        now = self._simulator.world.clock.advance(float(asked.get("seconds", 0)))
        return {"now": now.isoformat(), "sequence": self._simulator.world.store.sequence}

    def do_limits(self, asked: Asked) -> Any:
        limits = self._simulator.limits
        for name in ("outlook", "outlook_bytes", "files", "directory"):
            if asked.get("off"):
                setattr(limits, name, Budget(0, 1))
            if name in asked:
                setattr(limits, name, Budget(int(asked[name][0]), float(asked[name][1])))
        limits.concurrent = 0 if asked.get("off") else int(asked.get("concurrent", limits.concurrent))  # fmt: skip
        limits.per_app = bool(asked.get("per_app", limits.per_app))
        limits.moved += float(asked.get("advance", 0))
        return {"concurrent": limits.concurrent, "per_app": limits.per_app}

    def do_day(self, asked: Asked) -> Any:
        return day.work(self._simulator.firm, int(asked.get("number", 1)), int(asked.get("deeds", 40)))  # fmt: skip

    def do_deliver(self, asked: Asked) -> Any:
        world = self._simulator.world
        folder = self._simulator.api.known_folder(self._user(asked), asked.get("folder", "inbox"))
        assert folder is not None
        ref = self._simulator.firm.deliver(folder, base64.b64decode(asked["mime"]))
        return {"id": world.ids.give("message", ref.id), "immutable": world.ids.give("message/immutable", ref.id)}  # fmt: skip

    def do_change(self, asked: Asked) -> Any:
        world = self._simulator.world
        read = world.ids.read(str(asked["id"])) if "id" in asked else None
        ref = Ref(str(asked["collection"]), read.number if read else int(asked["number"]))
        world.row(ref)
        if asked.get("delete"):
            world.remove(ref)
        else:
            world.change(ref, **asked.get("values", {}))
        return {"sequence": world.store.sequence}

    # -- people ----------------------------------------------------------------------------------
    def _user(self, asked: Asked) -> Ref:
        ref = self._simulator.world.by_guid(asked["user"])
        if ref is None:
            raise KeyError(asked["user"])
        return ref

    def do_users(self, asked: Asked) -> Any:
        world = self._simulator.world
        found = {kind: world.guid_of(ref) for kind, ref in self._simulator.firm.users.items()}
        mailboxes = [world.guid_of(ref) for ref in self._simulator.firm.boxes]
        return {"kinds": found, "mailboxes": mailboxes}

    def do_delete(self, asked: Asked) -> Any:
        world, ref = self._simulator.world, self._user(asked)
        if asked.get("for_good"):
            world.remove(ref)
        else:
            world.change(ref, deletedDateTime=stamp(world.clock.now()))
        return {"sequence": world.store.sequence}

    def do_mailbox(self, asked: Asked) -> Any:
        ref, full = self._user(asked), self._simulator.api.full
        if "full" in asked:
            (full.add if asked["full"] else full.discard)(ref.id)
        if "state" in asked:
            self._simulator.world.change(ref, _mailbox=asked["state"])
        return {"full": sorted(full)}

    def do_scope(self, asked: Asked) -> Any:
        scopes = self._simulator.api.scopes
        if asked["users"] is None:
            scopes.pop(asked["client_id"], None)
        else:
            scopes[asked["client_id"]] = frozenset(self._user({"user": one}).id for one in asked["users"])  # fmt: skip
        return {"scoped": sorted(scopes)}

    def do_roles(self, asked: Asked) -> Any:
        application = self._simulator.entra.applications[asked["client_id"]]
        application.roles = tuple(asked.get("roles", application.roles))
        return {"roles": list(application.roles)}

    def do_tokens(self, asked: Asked) -> Any:
        entra = self._simulator.entra
        if asked.get("expire"):
            entra.end()
        entra.lifetime = int(asked.get("lifetime", entra.lifetime))
        entra.moved += float(asked.get("advance", 0))
        if "give" in asked:
            return {"access_token": entra.give(entra.applications[asked["give"]])}
        return {"issued": entra.issued, "refusals": list(entra.refusals)}

    # -- trouble ---------------------------------------------------------------------------------
    def do_resync(self, asked: Asked) -> Any:
        tokens = self._simulator.api.tokens
        tokens.forget(asked["kind"], str(asked.get("place", "")))
        tokens.code = asked.get("code")
        return {}

    def do_corrupt(self, asked: Asked) -> Any:
        read = [self._simulator.world.ids.read(one) for one in asked.get("ids", ())]
        self._simulator.api.corrupt = {one.number for one in read if one is not None}
        return {"corrupt": len(self._simulator.api.corrupt)}

    def do_faults(self, asked: Asked) -> Any:
        return planned(self._simulator.faults, asked, disturbed.weather, disturbed.NAMES)

    def do_settings(self, asked: Asked) -> Any:
        settings = self._simulator.world.settings
        known = {one.name for one in fields_of(Settings)}
        for name, value in asked.items():
            if name not in known:
                raise KeyError(name)
            setattr(settings, name, value)
        return {name: getattr(settings, name) for name in sorted(known)}

    # -- what is true ----------------------------------------------------------------------------
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
        return truth.state(self._simulator.world, asked.get("at"), asked.get("parts"))

    def do_served(self, asked: Asked) -> Any:
        read = self._simulator.world.ids.read(asked["id"])
        return {"served": self._simulator.world.served[read.number] if read else []}

    def do_sent(self, asked: Asked) -> Any:
        return {"sent": list(self._simulator.world.sent)}

    def do_counters(self, asked: Asked) -> Any:
        counts, limits = self._simulator.api.counts, self._simulator.limits
        told = {
            "endpoints": dict(counts.endpoints),
            "statuses": {str(k): v for k, v in counts.statuses.items()},
            "at_once": dict(limits.most), "too_early": limits.early, "used": dict(limits.used),
        }  # fmt: skip
        if asked.get("reset"):
            counts.clear()
            limits.most.clear()
            limits.used.clear()
            limits.early = 0
        return told

    def do_rate(self, asked: Asked) -> Any:
        """Of each window: when it began, by the moved time, how long it was, what was allowed and what was used in it."""
        limits = self._simulator.limits
        return {
            "refused_in_a_row": limits.in_a_row,
            "windows": {
                name: [[one.opened, one.lasted, one.allowed, one.used] for one in held]
                for name, held in limits.windows().items()
            },
        }

    def do_conformance(self, asked: Asked) -> Any:
        held = self._simulator.conformance
        return {
            "checked": held.checked if held else 0,
            "wrong": held.wrong if held else [],
            "unlisted": dict(held.unlisted) if held else {},
        }
