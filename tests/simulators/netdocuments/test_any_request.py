"""Whatever is sent, the simulator answers as an API would: no mistake of its own."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.simulators.netdocuments import truth
from tests.simulators.netdocuments.call import ROUTES
from tests.simulators.netdocuments.direct import BOUNDARY, FORM, Direct

VALUES: tuple[str, ...] = (
    "", "x", "0", "1", "-1", "501", "true", "Y", "standardAttributes", "=11(docx)", "=7(^1.0-2.0)", "key", "file", "upload",
    "undelete", "officialversion", "refresh", "7|asc", "extension eq ndfld", "json", "consolidated", "[]", "2026-01-01", "%2F",
)  # fmt: skip
BODIES: tuple[bytes, ...] = (
    b"", b"{}", b"[]", b"null", b"[1]", b'{"standardAttributes": 1}', b'{"standardAttributes": {"name": "n"}}',
    b'{"customAttributes": [{"id": 4, "value": "LTR"}]}',
    b'{"customAttributes": [{"id": [], "value": "LTR"}]}', b'[{"principal": 1}]', b"\xff\xfe", b"eA==", b'{"description": 1}',
)  # fmt: skip
FIELDS = (
    "action",
    "id",
    "item",
    "name",
    "parent",
    "cabinet",
    "destination",
    "version",
    "profile",
    "acl",
)


@pytest.mark.parametrize("seed", range(3))
def test_any_request_is_answered(seed: int) -> None:
    direct, rng = Direct(seed, matters=3), random.Random(seed)
    items = [str(row["id"]) for _, row in direct.world.store.rows("items")]
    parts = [
        *items, direct.firm, direct.office, direct.world.repository["id"], direct.simulator.firm.users[0],
        direct.simulator.firm.groups["Staff"], "1", "2", "4", "1001", "LTR", "nothing",
    ]  # fmt: skip

    def value() -> str:
        return rng.choice(VALUES) if rng.random() < 0.6 else rng.choice(parts)

    for _ in range(1200):
        one = rng.choice(ROUTES)
        path = one.path
        while "{}" in path:
            path = path.replace("{}", rng.choice(items if rng.random() < 0.5 else parts), 1)
        query = {name: value() for name in sorted(one.query) if name in one.needed or rng.random() < 0.3}  # fmt: skip
        kind = rng.choice((FORM, "application/json", f"multipart/form-data; boundary={BOUNDARY}"))
        body: Any = rng.choice(BODIES)
        if kind == FORM:
            body = "&".join(f"{name}={value()}" for name in FIELDS if rng.random() < 0.7).encode()
        if one.method in ("DELETE", "POST") and rng.random() < 0.5:
            continue  # so that something is left
        answer = direct.call(one.method, path, body, headers={"content-type": kind}, **query)
        told = (one.method, path, query, body, answer.status, answer.body)
        assert answer.status in (200, 204, 400, 403, 404, 405, 409, 501), told
    assert truth.state(direct.world)["documents"]
