"""Nothing that a page points at is missing."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import anchors, blocks, code_spans, files, name_of, pages, prose, tracked
from tests.support.needs import REPOSITORY

_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[A-Z][A-Z_]+\.md|Makefile|docker-compose\.yaml")

ROOMS = ("", "docs", "include", "include/muniment")
"""Where a path that a page names may begin."""

OF_A_VAULT = ("packs/", "commits/", "keys/", "vault/", "snapshots/", "state/", "bases/", "views/")
OF_A_VAULT += ("checkpoints/", "retention/", "evidence/", "probe/")
"""Names of objects, which look like paths."""


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        place, _, anchor = target.partition("#")
        there = (page.parent / unquote(place)).resolve() if place else page
        exists = there.exists() and there.is_relative_to(REPOSITORY)
        if not exists or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


WITH_PATHS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ARCHITECTURE.md")


@pytest.mark.parametrize("page", [p for p in pages() if name_of(p) in WITH_PATHS], ids=name_of)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    known = {name_of(path) for path in files()}
    known |= {str(parent) for name in known for parent in Path(name).parents}
    gone = []
    for span in code_spans(page):
        if not _PATH.fullmatch(span) or span.startswith((*OF_A_VAULT, "/")):
            continue
        name = span.rstrip("/")
        if not any(f"{room}/{name}".lstrip("/") in known for room in ROOMS):
            gone.append(span)
    assert gone == []


def test_the_map_of_the_architecture_shows_the_rooms_that_are_there_and_no_others() -> None:
    page = REPOSITORY / "docs" / "ARCHITECTURE.md"
    layers = next(text for _, text in blocks(page) if "muniment." in text)
    column = layers.index("wiring and words")
    left = [line[:column] for line in layers.splitlines() if line.startswith("muniment.")]
    shown = {word for line in left for word in line.replace("muniment.", " ").split()}
    package = "include/muniment/"
    there = {
        name_of(p).removeprefix(package).split("/")[0] for p in tracked() if package in name_of(p)
    }
    there = {name.removesuffix(".py") for name in there if not name.startswith("_")}
    assert shown == there - {"py.typed"}


def test_every_page_that_the_code_or_an_error_names_exists() -> None:
    gone = {
        (name_of(path), page)
        for path in tracked()
        if path.suffix in (".py", ".csv", ".yaml", ".txt") and "tests" not in path.parts
        for page in re.findall(r"docs/[A-Za-z_]+(?:\.md|/)", path.read_text(encoding="utf-8"))
        if not (REPOSITORY / page).exists()
    }
    assert gone == set()


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE)
    assert set(named) - targets == set()
