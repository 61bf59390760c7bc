"""docs/HOSTILE_TREES.md names every test that stands here, and none that does not exist."""

from __future__ import annotations

import re

from tests.support.needs import REPOSITORY


def test_every_test_that_the_page_names_exists_and_every_hazard_tried_here_is_on_it() -> None:
    named = set(
        re.findall(r"`(test_[a-z0-9_]+)`", (REPOSITORY / "docs/HOSTILE_TREES.md").read_text())
    )
    written, ours = set(), set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        found = set(re.findall(r"^ *def (test_\w+)\(", path.read_text(), re.MULTILINE))
        written |= found
        if path.parent.name == "hostile" and path.name != "test_the_page.py":
            ours |= found
    assert named - written == set()
    assert ours - named == set()
