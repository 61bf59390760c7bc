"""HTML: pages without script, that ask for nothing outside, and print."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from muniment.recovery.matter_file.text import clean, one_line

GENERATOR = "muniment matter file"

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; color: #1d2430; background: #fff; margin: 0 auto;
  max-width: 64rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #cfd6e0; padding-bottom: .3rem; }
p { margin: .4rem 0; }
a { color: #0b4f9e; } a:visited { color: #5a3d8a; }
a:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px; }
nav { margin-bottom: 1.2rem; font-size: .95rem; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #e4e8ee;
  overflow-wrap: anywhere; min-width: 6.5rem; }
th { font-weight: 600; color: #4a5568; border-bottom-color: #cfd6e0; }
th.r, td.r, th.d, td.d { min-width: 0; }
th.r, td.r { text-align: right; padding-right: 1.2rem; }
th.d, td.d { white-space: nowrap; overflow-wrap: normal; font-variant-numeric: tabular-nums; }
td.r { font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { color: #5b6675; font-size: .92rem; }
.warn { background: #fff5e0; border-left: 4px solid #d98600; padding: .6rem .9rem; margin: .8rem 0; }
.bad { background: #fdecec; border-left: 4px solid #b3261e; padding: .6rem .9rem; margin: .8rem 0; }
.good { background: #ecf6ee; border-left: 4px solid #2c7a3f; padding: .6rem .9rem; margin: .8rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .8rem 0; }
dt { color: #5b6675; } dd { margin: 0; overflow-wrap: anywhere; }
article { border-top: 1px solid #e4e8ee; padding: .9rem 0; }
article h2 { border: 0; margin: 0; padding: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
.body { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } nav { display: none; } a { color: inherit; }
  article, tr { break-inside: avoid; } .warn, .bad, .good { border: 1px solid #999; } }
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def escaped(value: object) -> str:
    """Text of others in a page: no markup, its direction of writing its own."""
    text = html.escape(clean(value))
    return f"<bdi>{text}</bdi>" if text and not text.isascii() else text


def line(value: object) -> str:
    return escaped(one_line(value))


def link(path: str | bytes, words: object, *, place: str = "") -> str:
    """A link relative to the page's own folder. `path` has names of a folder, never an address."""
    return linked(href(path) + (f"#{place}" if place else ""), words)


def linked(there: str, words: object) -> str:
    """A link to what `href` made."""
    return f'<a href="{html.escape(there)}">{line(words) or "(no name)"}</a>'


def anchor(prefix: str, id_: object) -> str:
    """The name of a place in a page."""
    return prefix + re.sub(r"[^A-Za-z0-9_-]", "_", one_line(id_))


def href(path: str | bytes) -> str:
    # With `./` in front no name is taken for a scheme.
    return "./" + quote(path, safe="/")


def page(title: str, body: Iterable[str], *, back: str = "", mark: str = "") -> str:
    """A whole page. `back` is the way to the index; `mark` says what it was made from."""
    nav = f'<nav><a href="{back}">All of this matter file</a></nav>' if back else ""
    return "\n".join([
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f'<meta name="generator" content="{html.escape(f"{GENERATOR} {mark}".strip())}">',
        f"<title>{html.escape(one_line(title))}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        nav,
        f"<h1>{line(title)}</h1>",
        *body,
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are markup. A heading that begins with `>` stands for numbers, with `@` for days."""
    kinds = ["r" if name.startswith(">") else "d" if name.startswith("@") else "" for name in head]

    def cells(tag: str, row: Sequence[str]) -> str:
        marked = (f' class="{kind}"' if kind else "" for kind in kinds)
        return "".join(f"<{tag}{m}>{cell}</{tag}>" for m, cell in zip(marked, row, strict=True))

    names = [html.escape(name.lstrip(">@")) for name in head]
    made = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f"<table>\n<thead><tr>{cells('th', names)}</tr></thead>\n<tbody>\n{made}\n</tbody></table>"
    )


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values; without those that are empty."""
    told = [f"<dt>{html.escape(n)}</dt><dd>{line(v)}</dd>" for n, v in pairs if one_line(v)]
    return f"<dl>{''.join(told)}</dl>" if told else ""


def size(number: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:,} {unit}" if unit == "bytes" else f"{number:.0f} {unit}"
        number //= 1000
    return f"{number:,} GB"
