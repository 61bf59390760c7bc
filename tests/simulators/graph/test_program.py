"""The program as a whole: what it prints, what it imports, what it cites, and that any request is answered."""

from __future__ import annotations

import ast
import json
import random
import re
from pathlib import Path

import pytest

from tests.simulators.graph.api import ROUTES
from tests.simulators.graph.conftest import described
from tests.simulators.graph.founding import Size
from tests.simulators.graph.inside import Inside
from tests.simulators.graph.running import Running, running

HERE = Path(__file__).parent
CITATION = re.compile(r"microsoft365\.md: (\w[\w/ ]*?)(?= -|[.,;:)\"\n]|$)")
EXAMPLE = re.compile(r"examples: ([\w\-]+(?:, [\w\-]+)*)")
SCHEMA = re.compile(r"subset: ([\w.]+(?:, \w+)*)")


def test_it_imports_nothing_of_the_product() -> None:
    for file in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "muniment"], file


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    for file in HERE.rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 400, file


def test_every_line_that_is_cited_is_in_the_description() -> None:
    page = described("research/microsoft365.md").read_text()
    headings = [line.lstrip("#0123456789. ") for line in page.splitlines() if line.startswith("#")]
    headings.append("reference data" if "Reference data handed over" in page else "")
    examples = json.loads(described("api/microsoft-graph/graph-docs-examples.json").read_text())
    pages = {Path(one["doc"]).stem for one in examples["examples"]}
    subset = json.loads(described("api/microsoft-graph/graph-v1.0-subset.openapi.json").read_text())
    schemas = {name.rpartition(".")[2] for name in subset["components"]["schemas"]}
    texts = {
        file.name: file.read_text() for file in HERE.rglob("*.py") if file.name != "test_program.py"
    }
    texts["README.md"] = (HERE / "README.md").read_text()
    cited = 0
    for name, text in texts.items():
        for place in CITATION.findall(text):
            cited += 1
            assert any(one.startswith(place.strip()) for one in headings), (name, place)
        for found in EXAMPLE.findall(text):
            assert set(found.split(", ")) <= pages, (name, found)
        for found in SCHEMA.findall(text):
            assert {one.rstrip(".") for one in found.split(", ")} <= schemas | {"components.schemas"}, (name, found)  # fmt: skip
    assert cited > 40


def test_the_same_seed_tells_the_same_tenant_and_it_stops_when_it_is_told(graph: Running) -> None:
    with running(seed=7, users=2, messages=24) as again:
        assert again.users == graph.users
        for path in (f"users/{graph.users['member']}/messages", f"users/{graph.users['member']}/events"):  # fmt: skip
            ids = [[one["id"] for one in each.rows(path)] for each in (graph, again)]
            assert ids[0] == ids[1]
        again.control("stop")
        assert again.process.wait(timeout=10) == 0


def test_control_tells_what_it_cannot_do(graph: Running) -> None:
    base = graph.told["control"]
    assert graph.session.post(f"{base}/nothing", data="{}").status_code == 404
    for deed, body in (("clock", "no json"), ("settings", '{"colour": 1}'), ("deliver", "{}")):
        assert graph.session.post(f"{base}/{deed}", data=body).status_code == 400
    bad = graph.session.post(f"{base}/faults", json={"add": {"name": "earthquake"}})
    assert bad.status_code == 400


def test_mails_and_papers_of_others_are_what_messages_and_files_hold(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(b"Subject: From a corpus\r\n\r\nIts text.\r\n")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF a paper that opens")
    with running(seed=3, users=1, messages=2, mails=tmp_path, papers=tmp_path) as graph:
        user = graph.users["member"]
        [one] = graph.rows(f"users/{user}/messages", _filter="subject eq 'From a corpus'")
        assert graph.get(f"users/{user}/messages/{one['id']}/$value").content.endswith(b"Its text.\r\n")  # fmt: skip
        drive = graph.rows(f"users/{user}/drives")[0]["id"]
        pdfs = [row for row in graph.rows(f"drives/{drive}/root/delta") if row["name"].endswith(".pdf")]  # fmt: skip
        assert pdfs and {row["size"] for row in pdfs} == {23}


VALUES = (None, "x", "", 1, -1, True, [], {}, [1], {"id": "x"}, [{"id": "x", "value": 1}], "2026-11-02T10:00:00Z",
          {"dateTime": "2026-11-02T10:00:00", "timeZone": "UTC"}, {"emailAddress": {"address": "a@b.example"}})  # fmt: skip
NAMES = ("displayName", "subject", "name", "folder", "start", "end", "body", "destinationId", "from", "itemIds", "item",
         "toRecipients", "attachments", "@odata.type", "contentBytes", "flag", "recurrence", "location", "requests")  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_any_request_is_answered(seed: int) -> None:
    inside = Inside(seed, Size(users=1, messages=4, events=3, files=4))
    inside.limits.concurrent = 0
    rng = random.Random(seed)
    world, ids = inside.world, inside.world.ids
    user = world.guid_of(inside.firm.boxes[0])
    parts = {
        "user": [user, "nobody"], "folder": ["inbox", ids.give("folder", 103), "x"], "drive": [ids.give("drive", 101)],
        "message": [ids.give("message", n) for n in range(101, 106)], "item": ["root", ids.give("item", 103), ids.give("item", 106)],
        "event": [ids.give("event", n) for n in range(101, 105)], "calendar": [ids.give("calendar", 101)],
        "contact": [ids.give("contact", 101)], "attachment": [ids.give("attachment", 101, 0)], "version": ["1.0", "9.0"],
        "site": ["root", "x"], "group": [world.guid_of(world.rows_of("groups", "_site", world.store.at(inside.firm.drives[-1])["_owner"])[0])],  # type: ignore[index]
        "mailbox": [f"MBX:{user}@{world.tenant}"], "name": ["a.txt", "con"], "id": [user], "period": ["'D30'"],
    }  # fmt: skip
    for _ in range(400):
        route = rng.choice(ROUTES)
        path = re.sub(r"\{(\w+)\}", lambda found: rng.choice([*parts[found[1]], "x"]), route.template)  # fmt: skip
        asked = rng.sample(sorted(route.options), min(len(route.options), rng.randrange(3)))
        query = "&".join(f"{name}={rng.choice(('1', 'id', 'x', '2026-11-02', 'true'))}" for name in asked)  # fmt: skip
        body = None
        if route.method in ("POST", "PATCH", "PUT"):
            body = {name: rng.choice(VALUES) for name in rng.sample(NAMES, rng.randrange(4))}
        answer = inside.ask(route.method, f"{path[1:]}?{query}", body=body)
        assert answer.status in (200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 409, 413, 415, 423, 500, 501, 507)  # fmt: skip
        assert answer.status != 500 or b"generalException" not in answer.body, (
            route.template,
            body,
        )  # type: ignore[operator]
    assert inside.truth()["messages"]
