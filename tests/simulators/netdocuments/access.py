"""Who sees and may do what. platform.yaml: search.visibility; resources.yaml: document_acl, cabinet_membership."""

from __future__ import annotations

from tests.simulators.clio.store import Ref, Row
from tests.simulators.netdocuments.errors import ApiError, forbidden, not_found
from tests.simulators.netdocuments.world import World

RIGHTS = ("view", "edit", "share", "administer")


class Reader:
    """One user, looking at the firm at one moment. `user` None is a service account mapped to nobody."""

    def __init__(self, world: World, user: Ref | None) -> None:
        self.world = world
        self.user = user
        row = world.store.at(user)
        self.name = str(row["id"]) if row else ""
        self._principals = {self.name} | {
            str(group["id"]) for _, group in world.store.rows("groups") if user in group["members"]
        }
        self._defaults: dict[Ref, frozenset[str]] = {}

    def cabinets(self) -> list[Ref]:
        return [
            Ref("cabinets", one)
            for one in self.world.store.ids("cabinets")
            if self.default(Ref("cabinets", one))
        ]

    def default(self, cabinet: Ref) -> frozenset[str]:
        """What the user's groups may do in a cabinet by its membership."""
        if cabinet not in self._defaults:
            held = self.world.row(cabinet)["membership"]
            self._defaults[cabinet] = self._sum(held, frozenset())
        return self._defaults[cabinet]

    def _sum(self, entries: list[Row], default: frozenset[str]) -> frozenset[str]:
        found: set[str] = set()
        for one in entries:
            if one["cabDefault"]:
                found |= default
            elif one["principal"] in self._principals:
                if one["noAccess"]:
                    return frozenset()
                found |= {name for name in RIGHTS if one[name]}
        return frozenset(found)

    def administers(self, cabinet: Ref) -> bool:
        return "administer" in self.default(cabinet)

    def administers_all(self) -> bool:
        """A repository administrator, here: of every cabinet."""
        return all(self.administers(Ref("cabinets", one)) for one in self.world.store.ids("cabinets"))  # fmt: skip

    def rights(self, row: Row, *, as_administrator: bool = True) -> frozenset[str]:
        """On an item. Cabinet administrators find all, though only within a single cabinet."""
        if as_administrator and self.administers(row["cabinet"]):
            return frozenset(RIGHTS)
        return self._sum(row["acl"], self.default(row["cabinet"]))

    def item(self, text: str, right: str = "view") -> tuple[Ref, Row]:
        """Raises ApiError: 404 for an item that is unknown or not visible, 403 where a further right lacks."""
        ref = self.world.find(text)
        row = self.world.store.at(ref) if ref and ref.collection == "items" else None
        if ref is None or row is None or "view" not in (held := self.rights(row)):
            raise not_found()
        if right not in held:
            raise forbidden(f"The right to {right} the item is missing")
        return ref, row

    def cabinet(self, text: str) -> tuple[Ref, Row]:
        """Raises ApiError (404) where it is none, or the user is no member."""
        ref = self.world.find(text)
        if ref is None or ref.collection != "cabinets" or not self.default(ref):
            raise not_found()
        return ref, self.world.row(ref)

    def demand_administrator(self) -> None:
        if not self.administers_all():
            raise forbidden("This is for repository administrators")


def demand_repository(world: World, text: str) -> None:
    if text.upper() != world.repository["id"]:
        raise not_found()


def demand_scope(held: frozenset[str], wanted: str) -> None:
    """platform.yaml: oauth.scopes - `full` is everything"""
    if "full" not in held and wanted not in held:
        raise ApiError(403, "InsufficientScope", f"The token lacks the scope {wanted}")
