"""Every route and every option is one that the vendor's metadata has, or is named here with where it is documented."""

from __future__ import annotations

import json
import re

from tests.simulators.graph import routes
from tests.simulators.graph.api import ROUTES, plain
from tests.simulators.graph.conformance import DOCUMENTED, LINKS
from tests.simulators.graph.conftest import described

# microsoft365.md: reference data - documented, and not in the metadata
ELSEWHERE = {
    "POST /$batch": "Limits",
    "GET /directory/deletedItems/user": "Departing employee",
    "GET /directory/deletedItems/user/{}": "Departing employee",
    "GET /users/{}/memberOf": "Departing employee",
    "GET /users/{}/messages/{}/attachments/{}/$value": "Mail; examples: attachment-get",
    "GET /drives/{}/root/children": "examples: driveitem-list-children",
    "POST /drives/{}/root/children": "examples: driveitem-list-children",
    "GET /drives/{}/root/delta": "OneDrive; examples: driveitem-delta",
    "PUT /drives/{}/items/{}:/{}:/content": "Restore; examples: driveitem-put-content",
    "POST /drives/{}/items/{}:/{}:/createUploadSession": "Restore; examples: driveitem-createuploadsession",
}


def spelled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", plain(path).replace("'", ""))


def test_every_route_and_option_is_the_vendors() -> None:
    assert routes.MODULES
    subset = json.loads(described("api/microsoft-graph/graph-v1.0-subset.openapi.json").read_text())
    listed = json.loads(described("api/microsoft-graph/graph-v1.0-paths.json").read_text())
    shared = subset["components"]["parameters"]
    known: dict[str, set[str]] = {}
    for path, held in listed["paths"].items():
        for method in held["methods"]:
            named = known.setdefault(f"{method.upper()} {spelled(path)}", set())
            named |= {*held["optional"], *held["required"]}
    for path, held in subset["paths"].items():
        for method, operation in held.items():
            if method == "parameters":
                continue
            each = [*held.get("parameters", ()), *operation.get("parameters", ())]
            named = known.setdefault(f"{method.upper()} {spelled(path)}", set())
            for one in each:
                parameter = shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
                named |= {parameter["name"]} if parameter["in"] == "query" else set()
    unknown = set()
    for one in ROUTES:
        name = f"{one.method} {spelled(one.template)}"
        if name not in known:
            unknown.add(name)
            continue
        assert set(one.options) <= known[name] | LINKS | DOCUMENTED, name
    assert unknown == set(ELSEWHERE)
