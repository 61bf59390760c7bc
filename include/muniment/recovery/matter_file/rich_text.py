"""Rich text: the words of a text that is HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from muniment.recovery.matter_file.text import clean

_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
        "ol", "p", "pre", "table", "tr", "ul",
    }
)  # fmt: skip
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})


def read(text: str) -> str:
    """What a person would read of it; a line ends where a block does."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.found)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.found.append("\n")
        # Where a link leads is part of what was written.
        address = dict(attrs).get("href") if tag == "a" else None
        if address:
            self.found.append(f"[{clean(address)}] ")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.found.append(clean(data))
