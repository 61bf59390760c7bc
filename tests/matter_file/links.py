"""What a browser would find in a page: links and tables."""

from __future__ import annotations

from html.parser import HTMLParser


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.tables: dict[str, list[list[str]]] = {}
        self._heading = ""
        self._cell: list[str] | None = None
        self._row: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.attributes |= found.keys()
        if tag == "a":
            self.links.append(str(found["href"]))
        elif tag == "h2":
            self._heading = found.get("id") or ""
        elif tag == "tr":
            self._row = []
        elif tag == "td":
            self._cell = []

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._cell is not None:
            self._row.append("".join(self._cell))
            self._cell = None
        elif tag == "tr" and self._row:
            self.tables.setdefault(self._heading, []).append(self._row)


def read(page: str) -> _Page:
    found = _Page()
    found.feed(page)
    found.close()
    return found


def links(page: str) -> list[str]:
    return read(page).links


def cells(page: str, heading: str) -> list[list[str]]:
    """Rows below the heading of that id."""
    return read(page).tables.get(heading, [])
