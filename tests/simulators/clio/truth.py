"""The state of the firm at a moment, told whole: what a backup or a restore is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulators.clio.fields import full_plan, plan
from tests.simulators.clio.render import Renderer
from tests.simulators.clio.routes import VERSIONS
from tests.simulators.clio.store import Ref
from tests.simulators.clio.tables import RESOURCES, Resource
from tests.simulators.clio.world import View, World

# Not kept, or the same rows as another resource.
LEFT_OUT = ("folders/list", "users/who_am_i", "court_rules/matter_dockets/preview", "billable_matters",
            "billable_matters/ids", "billable_clients")  # fmt: skip
KEPT: dict[str, Resource] = {
    name: one for name, one in RESOURCES.items() if name not in LEFT_OUT
} | {VERSIONS.name: VERSIONS}


def state(
    view: View, resources: Iterable[str] | None = None, fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Every row of the resources named (or of all), also those in the trash, as an unrestricted reader sees it.

    `fields` holds, by resource, what to show; without it every field is shown.
    """
    renderer = Renderer(view)
    shown: dict[str, Any] = {}
    for name in resources or KEPT:
        resource = KEPT[name]
        text = (fields or {}).get(name)
        asked = plan(resource.schema, text) if text else full_plan(resource.schema)
        shown[name] = [
            renderer.row(asked, Ref(name, id_), row) for id_, row in view.store.rows(name)
        ]
    return {"sequence": view.store.sequence, "resources": shown}


def files(world: World, view: View) -> dict[str, Any]:
    """The digest of every whole version, by its id."""
    found = {}
    for id_, row in view.store.rows("document_versions"):
        if row["fully_uploaded"]:
            digest = world.files.digest(row["uuid"])
            found[str(id_)] = {
                "document": row["_document"].id,
                "size": digest.size,
                "sha256": digest.sha256,
            }
    return {"versions": found}


def money(view: View) -> dict[str, Any]:
    """What each account holds and owes, in cents, from the ledger alone."""
    return {
        "accounts": {
            str(id_): {
                "held": view.ledger.held(id_),
                "owed": {
                    f"{book.owner}/{book.id}": cents
                    for book, cents in view.ledger.owners(id_).items()
                },
            }
            for id_ in view.store.ids("bank_accounts")
        }
    }
