"""What the simulator cites is there to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulators.netdocuments.conftest import described

HERE = Path(__file__).parent
CITATION = re.compile(
    r"(platform\.yaml|resources\.yaml|examples\.json): ([\w./\-]+(?:, [a-z_][\w.]*(?=[,;\s:])(?! to ))*)"
)


def _cited() -> Iterator[tuple[str, str, str]]:
    for file in [*HERE.rglob("*.py")]:
        for name, places in CITATION.findall(file.read_text()):
            for place in places.split(", "):
                yield file.name, name, place.rstrip(".")


def _leads_somewhere(document: Any, place: str) -> bool:
    """Whether the path leads to something; below a text, its words are as far as it goes."""
    held = document
    for step in place.split("."):
        if isinstance(held, str):
            return step in held
        if isinstance(held, list):
            return any(step in str(one) for one in held)
        keys = [key for key in held if str(key) == step or str(key).startswith(f"{step} (")]
        if not keys:
            return False
        held = held[keys[0]]
    return True


@pytest.mark.parametrize("name", ["platform.yaml", "resources.yaml", "examples.json"])
def test_every_line_that_is_cited_is_in_the_description(name: str) -> None:
    text = described(name).read_text()
    document = json.loads(text) if name.endswith("json") else yaml.safe_load(text)
    # Entries of resources.yaml stand in lists; they are cited by their names.
    for part in ("backup", "restore"):
        document |= {one["name"]: one for one in document.get(part, ())}
    cited = [(file, place) for file, source, place in _cited() if source == name]
    assert len(cited) > 5
    assert [one for one in cited if not _leads_somewhere(document, one[1])] == []
