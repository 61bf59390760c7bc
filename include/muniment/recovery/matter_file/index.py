"""The index of a matter file: one page that says what is here, as of when, how it was given, and what is not here.

It stands at the top of the folder, over the parts of all sources, and is made from the plan, from what became of it,
and from the summaries of the parts. Of a file share it lists what stands there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from muniment.errors import MunimentError, TargetNotEmpty
from muniment.recovery.matter_file import html
from muniment.recovery.matter_file.listing import Listed, listed
from muniment.recovery.matter_file.placing import RAW
from muniment.recovery.matter_file.said import not_given
from muniment.recovery.matter_file.summary import FILE, Summary
from muniment.recovery.plan import Choice, RestorePlan
from muniment.sources.as_files import TREE
from muniment.sources.files import FileTarget
from muniment.sources.tree.folders import Folders, split
from muniment.sources.tree.reader import open_file

INDEX = "index.html"
_INLINE = 100
"""Files of a share on the index itself; all of them on a page of their own."""

FIDELITY: Mapping[str, str] = {
    "native": "the same object, back in its system",
    "recreated": "made anew in its system, under a new number",
    "file": "a file that can be worked with",
    "evidence": "a copy to read: no system takes it back",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan. `failures` are (item id, why); `missing` are sources nothing came of."""

    plan: RestorePlan
    verified: int
    failures: Sequence[tuple[str, str]] = ()
    missing: Sequence[str] = ()

    @property
    def whole(self) -> bool:
        return not self.failures and not self.missing and self.verified == self.plan.items


class Delivered(Protocol):
    """A delivery, for whoever makes its index."""

    def read(self, source: str, path: bytes) -> bytes | None:
        """A small file of a source's part; None where it cannot be read."""
        ...

    def listed(self, source: str) -> list[Listed]:
        """Files and links of a source's part, newest first."""
        ...


class _Folder:
    """A delivery that stands in the open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, source: str, path: bytes) -> bytes | None:
        return _read(self._folder, source.encode() + b"/" + path)

    def listed(self, source: str) -> list[Listed]:
        return listed(self._folder / source)


def require_free(folder: Path, *, overwrite: bool = False) -> None:
    """Raises TargetNotEmpty where an index of somebody else's stands in the folder."""
    there = folder / INDEX
    if overwrite or not os.path.lexists(there) or _is_ours(folder):
        return
    raise TargetNotEmpty("the folder has an index.html that no matter file left there")


def write_index(folder: Path, outcome: Outcome, *, overwrite: bool = False) -> None:
    """Writes the index, in place of one that an earlier matter file left here.

    Raises TargetNotEmpty, TargetUnusable.
    """
    made = dict(pages(outcome, _Folder(folder)))
    target = FileTarget(
        folder, overwrite=overwrite or _is_ours(folder), restore_id=outcome.plan.digest
    )
    try:
        for name, text in made.items():
            body = text.encode("utf-8", "replace")
            target.give(
                "file",
                name.encode(),
                {},
                iter([body]),
                digest=sha256(body).digest(),
                size=len(body),
            )
        target.finish()
    finally:
        target.close()


def _is_ours(folder: Path) -> bool:
    body = _read(folder, INDEX.encode(), 4096)
    return body is not None and f'content="{html.GENERATOR} '.encode() in body


def _read(folder: Path, path: bytes, most: int = 1 << 26) -> bytes | None:
    """A file below the folder, without following a link; None where it cannot be read."""
    above, name = split(path)
    with contextlib.suppress(OSError, MunimentError):
        folders = Folders(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        try:
            with folders.open(above) as fd:
                descriptor, _ = open_file(fd, name)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(most)
        finally:
            folders.close()
    return None


# -- the pages ---------------------------------------------------------------------------------------


def pages(outcome: Outcome, delivered: Delivered) -> Iterator[tuple[str, str]]:
    """Name and text of each page."""
    plan = outcome.plan
    parts: dict[str, Summary] = {}
    shares: dict[str, list[Listed]] = {}
    for choice in plan.choices:
        if is_share(choice):
            shares[choice.source] = delivered.listed(choice.source)
        else:
            parts[choice.source] = _summary(delivered, choice.source)
    body = [
        *_head(outcome, parts),
        *(line for source, part in parts.items() for line in _part(source, part)),
    ]
    for source, files in shares.items():
        body += _share(source, files)
        if len(files) > _INLINE:
            title = f"Files of {source}"
            table = _files(source, files)
            yield f"{source}-files.html", html.page(title, [table], back=f"./{INDEX}")
    body += _given(plan)
    body += not_given(outcome.plan, outcome.failures, outcome.missing, parts)
    body += _foot(plan)
    title = _fullest(parts).title or plan.selection
    # The index last: it leads nowhere that is not there.
    yield INDEX, html.page(title, body, mark=plan.digest)


def is_share(choice: Choice) -> bool:
    """Does the source have names of its own, and nothing besides?"""
    return set(choice.kinds) <= TREE


def _summary(delivered: Delivered, source: str) -> Summary:
    body = delivered.read(source, FILE.encode())
    try:
        if body is not None:
            return Summary.read(body)
    except (ValueError, TypeError):
        pass
    return Summary(
        notes=["the list of what is here was not made; the files themselves are in the folder"]
    )


def _head(outcome: Outcome, parts: Mapping[str, Summary]) -> Iterator[str]:
    plan = outcome.plan
    yield '<p class="quiet">Matter file, made from backups. Everything on this page lies in this folder.</p>'
    if outcome.whole:
        yield (
            f'<p class="good"><strong>Whole:</strong> all {plan.items:,} items of the plan are here, were read back '
            "and are equal to the backup.</p>"
        )
    else:
        yield (
            f'<p class="bad"><strong>Not whole:</strong> {outcome.verified:,} of {plan.items:,} items of the plan are '
            'here. See <a href="#not-given">what could not be given</a>.</p>'
        )
    yield html.facts(_fullest(parts).heading)


def _fullest(parts: Mapping[str, Summary]) -> Summary:
    """The part that says most of the matter: two sources of one account both have its row."""

    def said(part: Summary) -> tuple[bool, int]:
        return bool(part.title), sum(bool(value) for _, value in part.heading)

    return max(parts.values(), key=said, default=Summary())


def _part(source: str, part: Summary) -> Iterator[str]:
    yield f"<h2>{html.line(source)}</h2>"
    yield html.table(
        ("What", ">How many", "About"),
        (
            (html.linked(_below(source, there), title), f"{count:,}", html.line(about))
            for there, title, count, about in part.sections
        ),
    )
    if part.latest:
        yield "<h2>Latest correspondence</h2>"
        yield html.table(
            ("@Date", "What", "Kind", "From and to, or by"),
            (
                (
                    html.escaped(at),
                    html.linked(_below(source, there), name) if there else html.line(name),
                    html.line(kind),
                    html.line(who),
                )
                for at, there, name, kind, who in part.latest
            ),
        )
    if part.accounts:
        yield from _accounts(part)
    for note in part.notes:
        yield f'<p class="warn">{html.line(note)}</p>'


def _below(source: str, there: str) -> str:
    return f"./{quote(source, safe='')}/{there.removeprefix('./')}"


def _accounts(part: Summary) -> Iterator[str]:
    yield "<h2>Money held for this matter</h2>"
    yield html.table(
        ("Account", "Kind", ">As transactions add up", ">As the system says"),
        (
            (
                html.line(name),
                html.line(kind),
                html.escaped(added),
                html.escaped(told or "does not say"),
            )
            for name, kind, added, told, _ in part.accounts
        ),
    )
    if any(agrees != "yes" for *_, agrees in part.accounts):
        yield (
            '<p class="warn">The two do not agree for every account. The ledger has each transaction; ask whoever is '
            "responsible for the trust account.</p>"
        )


def _share(source: str, files: Sequence[Listed]) -> Iterator[str]:
    yield f"<h2>Files of {html.line(source)}</h2>"
    if len(files) > _INLINE:
        every = html.link(f"{source}-files.html", f"all {len(files):,} files")
        yield f'<p class="quiet">The newest {_INLINE}; {every}.</p>'
    yield _files(source, files[:_INLINE])


def _files(source: str, files: Sequence[Listed]) -> str:
    rows = (
        (
            one.day,
            html.link(source.encode() + b"/" + one.path, one.shown)
            if one.is_file
            else f'{html.line(one.shown)} <span class="quiet">(a link, not followed)</span>',
            html.size(one.size),
        )
        for one in files
    )
    return html.table(("@Date", "File", ">Size"), rows)


def _given(plan: RestorePlan) -> Iterator[str]:
    yield '<h2 id="given">What the plan gives, and how</h2>'
    rows = []
    for choice in plan.choices:
        for kind, by in choice.kinds.items():
            for fidelity, count in by.items():
                words = FIDELITY.get(fidelity, "")
                rows.append((html.line(choice.source), html.line(kind.replace("_", " ")), f"{count:,}",
                             html.line(fidelity), html.line(words)))  # fmt: skip
    rows.append(("", "<strong>all</strong>", f"<strong>{plan.items:,}</strong>", "", ""))
    yield html.table(("Source", "Kind", ">Items", "Given as", "That is"), rows)


def _foot(plan: RestorePlan) -> Iterator[str]:
    yield "<h2>Where this comes from</h2>"
    yield html.table(
        ("Source", ">Snapshot", "@Taken", "Completeness"),
        (
            (
                html.line(c.source),
                f"{c.seq:,}",
                html.escaped(c.taken_at),
                html.line(c.completeness.replace("_", " ")),
            )
            for c in plan.choices
        ),
    )
    yield html.facts([
        ("As of", plan.as_of),
        ("Between the sources' times", f"{plan.widest_gap_seconds:,} seconds" if plan.widest_gap_seconds else ""),
        ("Plan", plan.digest),
    ])  # fmt: skip
    yield (
        f'<p class="quiet">The folders named {RAW} have what the systems themselves say, also about people and rates. '
        "Look through them before this folder leaves the firm.</p>"
    )
