"""An index of what was delivered: pages to begin at, where the files bear people's names.

A mailbox given back is thousands of files in folders; what a person looks for is a sender, a day, a subject. So a
source that says in a row's metadata what stands in the list (`listed`: when, who) gets `index.html` beside its
files, newest first, and `index-2.html` and so on where they are many. The pages are made of rows that are sealed in
the vault, stand only where the restore was told to deliver, and are no item of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from muniment.model.item import Row
from muniment.model.text import text_of
from muniment.sources.as_files import folders_of

LISTED = "listed"
"""In the metadata of a row: `[when, who]`, both to read."""
INDEX = "index.html"
MOST = 5_000
"""Lines of a page, which a browser still shows at once."""


def index_pages(
    rows: Sequence[Row], placed: Sequence[Row], failed: Collection[bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each page; none where no row is to be listed. `failed` are item ids."""
    if not any(LISTED in row.metadata for row in rows):
        return
    from muniment.recovery.matter_file.html import escaped, line, link, page

    known = {text_of(row.native_id): row.metadata for row in rows}
    lines = [
        (str(row.metadata[LISTED][0]), row, at)
        for row, at in zip(rows, placed, strict=True)
        if LISTED in row.metadata
    ]
    lines.sort(key=lambda one: (one[0], one[1].native_id), reverse=True)
    pages = [lines[start : start + MOST] for start in range(0, len(lines), MOST)]
    others = _others(len(lines), len(rows) - len(lines), len(failed))
    for number, part in enumerate(pages):
        body = [
            "<h1>What was given back</h1>",
            others,
            _ways(number, len(pages)),
            "<table><thead><tr><th class='d'>When</th><th>Who</th><th>What</th><th>Folder</th>"
            "<th class='r'>Bytes</th></tr></thead><tbody>",
        ]
        for when, row, at in part:
            above = known.get(str(row.metadata["of"]), {}) if "of" in row.metadata else row.metadata
            folder = " / ".join(folders_of(above, known))
            name = str(row.metadata.get("file") or at.native_id.decode("utf-8", "replace"))
            what = (
                line(name) + " (not delivered)"
                if row.item_id in failed
                else link(at.native_id, name)
            )
            body.append(
                f"<tr><td class='d'>{escaped(when[:16].replace('T', ' '))}</td><td>{line(row.metadata[LISTED][1])}</td>"
                f"<td>{what}</td><td>{line(folder)}</td><td class='r'>{row.size:,}</td></tr>"
            )
        body.append("</tbody></table>")
        yield _name(number).encode(), page("What was given back", body).encode("utf-8", "replace")


def index_names(rows: Sequence[Row]) -> list[bytes]:
    """Those of the pages that a delivery of these rows has."""
    listed = sum(LISTED in row.metadata for row in rows)
    return [_name(number).encode() for number in range(-(-listed // MOST))]


def _name(number: int) -> str:
    return INDEX if not number else f"index-{number + 1}.html"


def _others(listed: int, rest: int, failed: int) -> str:
    words = f"{listed:,} files, the newest first. Times are UTC. {rest:,} more files (.json) are what the system says of them."
    lost = f"<p class='bad'>{failed:,} items could not be delivered; the report of the restore says why.</p>"
    return f"<p class='quiet'>{words}</p>" + (lost if failed else "")


def _ways(number: int, count: int) -> str:
    if count == 1:
        return ""
    from muniment.recovery.matter_file.html import link

    ways = [str(n + 1) if n == number else link(_name(n), str(n + 1)) for n in range(count)]
    return f"<p>Pages: {' '.join(ways)}</p>"
