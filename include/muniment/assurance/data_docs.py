"""Data Docs: the pages of a verification, made fit to be shown inside Airflow.

The pages that Great Expectations writes load a dozen scripts and styles from servers on the internet.
Shown under Airflow's address, such a script could do whatever the person who looks may do; and where there
is no internet they stay bare. So everything foreign is taken out, and one small style of ours put in: a
page is a file that needs nothing else, and is served with a policy under which nothing else would run.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

STYLE = "muniment.css"
INDEX = "index.html"
KEPT = timedelta(days=400)
"""Pages of a year and a month: an auditor asks for last year's."""

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
_FOREIGN = re.compile(
    r"<(?:link|img)\b[^>]*(?:href|src)=\"(?:https?:)?//[^>]*>", re.DOTALL | re.IGNORECASE
)
_STYLES = re.compile(r"<link\b[^>]*rel=\"stylesheet\"[^>]*>", re.DOTALL | re.IGNORECASE)
_FOREIGN_LINK = re.compile(r"<a\b[^>]*href=\"https?://[^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE)
_FOOTER = re.compile(r"<footer\b.*?</footer>", re.DOTALL | re.IGNORECASE)
_HANDLER = re.compile(r"\son[a-z]+=\"[^\"]*\"", re.IGNORECASE)
_ACTIONS = re.compile(
    r"<div class=\"card mb-3\">\s*<div class=\"card-header p-2\">\s*<strong>Actions</strong>"
    r".*?</label>\s*</div>\s*</div>\s*</div>\s*</div>",
    re.DOTALL,
)


def tidy(folder: Path) -> None:
    """Makes the pages below `folder` stand alone. Its index page goes: `write_index` makes a better one."""
    shutil.rmtree(folder / "static", ignore_errors=True)
    (folder / INDEX).unlink(missing_ok=True)
    (folder / STYLE).write_text(_CSS, encoding="utf-8")
    for page in sorted(folder.rglob("*.html")):
        up = "../" * (len(page.relative_to(folder).parts) - 1)
        page.write_text(_alone(page.read_text(encoding="utf-8"), up), encoding="utf-8")


def _alone(text: str, up: str) -> str:
    text = _FOOTER.sub("", _ACTIONS.sub("", _SCRIPT.sub("", text)))
    text = _FOREIGN_LINK.sub(r"\1", _HANDLER.sub("", _STYLES.sub("", _FOREIGN.sub("", text))))
    style = f'<link rel="stylesheet" href="{up}{STYLE}"></head>'
    # Our index stands one folder above the pages of a source.
    text = text.replace(f'href="{up}{INDEX}"', f'href="{up}../{INDEX}"')
    return text.replace("</head>", style, 1)


def pages_of(folder: Path) -> dict[str, str]:
    """Table name -> path of its validation page, relative to the folder above this source's."""
    found = {}
    for page in sorted(folder.glob("validations/*/*/*/*.html")):
        found[page.relative_to(folder).parts[1]] = str(page.relative_to(folder.parent))
    return found


def write_index(folder: Path, summary: Mapping[str, Any]) -> Path:
    """Writes the first page of a run.

    `summary` is what `muniment.assurance.summary.summarise` gives: ids, numbers and words of ours.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / STYLE).write_text(_CSS, encoding="utf-8")
    page = folder / INDEX
    draft = page.with_suffix(".new")
    draft.write_text(_index(folder, summary), encoding="utf-8")
    draft.replace(page)
    return page


def forget_old(area: Path, now: datetime, keep: timedelta = KEPT) -> int:
    """Removes the pages of runs that were written longer than `keep` ago; says of how many runs.

    The evidence of those runs, with the digest of their summary, stays in the vault.
    """
    gone = 0
    for folder in sorted(area.iterdir()) if area.is_dir() else ():
        if folder.is_symlink() or not folder.is_dir():
            continue
        if now.timestamp() - folder.stat().st_mtime > keep.total_seconds():
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
    return gone


def _index(folder: Path, summary: Mapping[str, Any]) -> str:
    good = summary["good"]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Verification</title>",
        f"<link rel='stylesheet' href='{STYLE}'></head><body><main>",
        f"<h1>Verification of {escape(summary['firm'])}: "
        f"<span class='{'yes' if good else 'no'}'>{'passed' if good else 'FAILED'}</span></h1>",
        f"<p>{escape(summary['ended_at'][:16].replace('T', ' '))} UTC. Packs decrypted and hashed: slice {summary['rotation_n']} "
        f"of {summary['rotation_t']}, and everything younger than eight days. "
        f"Matter restored whole: {escape(summary['matter'] or 'none')}.</p>",
        _wrong(summary["wrong"]),
    ]
    for source in summary["sources"]:
        parts += _source(folder, source)
    parts.append(
        "<p class='small'>Counts only: no name and no content stands on these pages. Which items failed is "
        "sealed in the evidence of this run.</p></main></body></html>"
    )
    return "\n".join(parts)


def _wrong(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return "<ul class='wrong'>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _source(folder: Path, source: Mapping[str, Any]) -> list[str]:
    name = source["source"]
    links = ", ".join(
        f"<a href='{escape(path)}'>{escape(table)}</a>"
        for table, path in pages_of(folder / name).items()
    )
    word = "yes" if source["good"] else "no"
    parts = [
        f"<h2>{escape(name)} <span class='{word}'>{'passed' if source['good'] else 'FAILED'}</span></h2>",
        "<table><tr>",
        "".join(f"<th>{escape(title)}</th>" for title in source["numbers"]),
        "</tr><tr>",
        "".join(f"<td>{_number(value)}</td>" for value in source["numbers"].values()),
        "</tr></table>",
    ]
    if source["results"]:
        parts.append(
            "<table class='results'><tr><th></th><th>Expectation</th><th>Means</th><th>Wrong</th></tr>"
        )
        for result in sorted(source["results"], key=lambda r: (r["success"], r["name"])):
            mark = "yes" if result["success"] else "no"
            parts.append(
                f"<tr class='{mark}'><td>{'✓' if result['success'] else '✗'}</td>"
                f"<td>{escape(result['name'])}</td><td>{escape(result['means'])}</td>"
                f"<td>{_share(result)}</td></tr>"
            )
        parts.append("</table>")
    if links:
        parts.append(f"<p>Data Docs: {links}</p>")
    return parts


def _share(result: Mapping[str, Any]) -> str:
    if result["error"]:
        return escape(result["error"])
    if not result["of"]:
        return "nothing to judge"
    return f"{result['unexpected']:,} of {result['of']:,}"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


_CSS = """\
:root { color-scheme: light dark; --line: #8884; --yes: #18794e; --no: #c62a2f; }
@media (prefers-color-scheme: dark) { :root { --yes: #4cc38a; --no: #ff6369; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main, .container-fluid.pt-4 { max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
h4, h5, h6 { font-size: 1rem; margin: .6rem 0 .2rem; } p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { font-weight: 600; } tr.no td { font-weight: 600; }
span.yes, .text-success { color: var(--yes); } span.no, .text-danger, .wrong { color: var(--no); }
td:last-child { white-space: nowrap; } tr.yes td:first-child { color: var(--yes); }
tr.no td:first-child { color: var(--no); }
.fa-check-circle::before, .fa-check::before { content: "✓"; }
.fa-times::before, .fa-times-circle::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; }
i { font-style: normal; } .small, .lead { opacity: .75; }
nav.navbar { border-bottom: 1px solid var(--line); padding: .3rem 1.5rem; }
ol.breadcrumb { display: flex; gap: .5rem; list-style: none; padding: 0; margin: .3rem 0; }
#navigation { display: none; } .card-header:has(+ .card-body > #navigation) { display: none; }
.ge-section { border-top: 1px solid var(--line); margin-top: 1rem; } thead[hidden] { display: none; }
.collapse { margin: .3rem 0; padding-left: 1rem; border-left: 2px solid var(--line); }
p:has(> a[data-toggle=collapse]) { display: none; }
"""
