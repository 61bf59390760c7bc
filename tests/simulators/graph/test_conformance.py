"""What holds requests and answers against the description finds what is wrong in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.simulators.clio.messages import Request
from tests.simulators.graph.answers import answer
from tests.simulators.graph.conformance import Conformance
from tests.simulators.graph.conftest import described

FILE = "api/microsoft-graph/graph-v1.0-subset.openapi.json"


@pytest.fixture(scope="module")
def held() -> Conformance:
    return Conformance(json.loads(described(FILE).read_text()))


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/users", {"value": [{"id": "1", "displayName": "x", "@odata.etag": "y"}]}, ""),
        ("/users", {"value": [{"id": 1}]}, "is no string"),
        ("/users", {"value": [{"nonsense": 1}]}, "not described"),
        ("/users", {"value": {}}, "is no list"),
        ("/users/1/messages", {"value": [{"importance": "huge"}]}, "none of the values"),
        ("/users/1/messages", {"value": [{"sentDateTime": "2026-01-01T00:00:00"}]}, "has no zone"),
        ("/users/1/messages", {"value": [{"from": None, "body": {"contentType": "text"}}]}, ""),
        ("/users/1/messages", {"value": [{"body": {"kind": "text"}}]}, "not described"),
        ("/users/1/messages/2/attachments", {"value": [{"@odata.type": "#microsoft.graph.fileAttachment", "contentBytes": "QQ=="}]}, ""),
        ("/users/1/messages/2/attachments", {"value": [{"@odata.type": "#microsoft.graph.itemAttachment", "contentBytes": "QQ=="}]}, "not described"),
    ],
)  # fmt: skip
def test_an_answer_that_differs_is_found(held: Conformance, path: str, body: Any, words: str) -> None:  # fmt: skip
    found = held.problems(Request("GET", f"/v1.0{path}"), answer(200, body))
    assert (words in found[0]) if words else (found == [])


def test_a_request_that_differs_is_found(held: Conformance) -> None:
    def asked(path: str, *query: tuple[str, str], method: str = "GET", body: Any = None) -> str:
        raw = json.dumps(body).encode() if body else b""
        request = Request(method, f"/v1.0{path}", query, {"content-type": "application/json"}, raw)
        return " ".join(held.problems(request, answer(200, {})))

    assert asked("/users", ("$top", "5")) == ""
    assert "nonsense is not described" in asked("/users", ("nonsense", "5"))
    assert "startDateTime is missing" in asked("/users/1/calendarView")
    assert asked("/users/1/messages", method="POST", body={"subject": "x"}) == ""
    assert "not described" in asked("/users/1/messages", method="POST", body={"nonsense": "x"})
    assert asked("/users/1/messages/2/move", method="POST", body={"destinationId": "x"}) == ""


def test_the_published_examples_conform_but_for_what_is_known_of_them(held: Conformance) -> None:
    """microsoft365.md: reference data - some of them have placeholders"""
    examples = json.loads(described("api/microsoft-graph/graph-docs-examples.json").read_text())
    good, odd = 0, set()
    for one in examples["examples"]:
        first = (one["request"] or "").splitlines()[:1]
        body = one.get("response_json")
        if not first or not isinstance(body, dict) or "error" in body or "/v1.0/" not in first[0]:
            continue
        method, url = first[0].split(" ", 1)
        path = "/v1.0/" + url.partition("?")[0].partition("/v1.0/")[2].replace("me/", "users/1/")
        found = held.problems(Request(method, path), answer(200, body))
        good += not found
        told = [text.partition(": ")[2] for text in found if "/teams/" not in text]
        odd |= {text for text in told if "-value'" not in text and "is missing" not in text}
    assert good >= 70
    # Older than the description, or examples that only look like one.
    assert {text.split(" ")[0].rpartition(".")[2] for text in odd} == {
        "birthday", "contentType", "conversationIndex", "isSupported", "includeNestedFolders", "sourceFolderIds", "filterQuery",
    }  # fmt: skip
