"""The repository's files and pages, as the documentation tests read them."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from tests.support.needs import REPOSITORY, missing

_FENCE = re.compile(r"^(```+|~~~+)[^\n]*\n.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def files() -> tuple[Path, ...]:
    """Every file that is in the repository, or about to be; no ignored one."""
    return _listed("--cached", "--others")


def tracked() -> tuple[Path, ...]:
    """Every file that is in the repository."""
    return _listed("--cached")


@cache
def _listed(*which: str) -> tuple[Path, ...]:
    asked = ["git", "ls-files", "-z", *which, "--exclude-standard"]
    try:
        listed = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        missing("git, or the repository it knows", "run the tests in a clone")
    paths = [REPOSITORY / name.decode() for name in listed.split(b"\0") if name]
    return tuple(sorted(path for path in paths if path.is_file()))


def pages() -> tuple[Path, ...]:
    """The Markdown pages that people read: no template, no fixture."""
    return tuple(
        path
        for path in files()
        if path.suffix == ".md"
        and "templates" not in path.parts
        and not path.is_relative_to(REPOSITORY / "tests")
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def code_spans(path: Path) -> list[str]:
    """What stands between single backticks."""
    return _SPAN.findall(prose(path))


def blocks(path: Path) -> list[tuple[str, str]]:
    """(language or "", text) of every fenced block."""
    found = []
    for block in _FENCE.finditer(path.read_text(encoding="utf-8")):
        first, _, rest = block[0].partition("\n")
        found.append((first.strip("`~ \t"), rest.rpartition("\n")[0]))
    return found


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    names = set()
    for line in prose(path).splitlines():
        heading = re.match(r"#{1,6}\s+(.+?)\s*#*$", line)
        if not heading:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        text = text.replace("&lt;", "<").replace("&gt;", ">")
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names
