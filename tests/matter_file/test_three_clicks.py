"""The last letter to opposing counsel is three clicks away, in a real browser, without a network."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from tests.matter_file.conftest import LETTER, Given
from tests.support.needs import needs_program


def test_the_last_letter_to_opposing_counsel_is_three_clicks_away(
    given: Given, tmp_path: Path
) -> None:
    needs_program("chromium")
    from demo.screenshots import browser_page

    pictures = Path(os.environ.get("KEEP_PICTURES") or tmp_path)
    with browser_page() as page:
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        # The browser's own list of a folder, and its viewer, have scripts of their own.
        page.on(
            "console",
            lambda m: (
                said.append(m.text)
                if page.url.endswith(".html") and "crbug" not in m.text
                else None
            ),
        )
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto((given.folder).as_uri() + "/")
        # First click: the index. A folder is all that somebody has who opens a USB stick.
        page.get_by_role("link", name="index.html").click()
        page.get_by_role("heading", level=1).wait_for()
        assert page.get_by_text("Whole:").is_visible()
        page.screenshot(path=pictures / "matter-file.png", full_page=True)
        # Second: what was written, newest first.
        page.get_by_role("link", name="Correspondence by date").click()
        page.get_by_role("heading", name="Correspondence by date").wait_for()
        page.screenshot(path=pictures / "correspondence.png", full_page=True)
        days = page.locator("tbody td:first-child").all_inner_texts()
        assert days == sorted(days, reverse=True)
        # Third: the letter.
        letter = page.get_by_role("link", name=LETTER, exact=True)
        there = str(letter.get_attribute("href"))
        opened = given.part / unquote(there)
        assert opened.read_bytes() == b"%PDF-1.4 as sent"
        letter.click()
        # It also stands on the index itself, among the latest.
        page.goto((given.folder / "index.html").as_uri())
        page.get_by_role("link", name="Documents by date").click()
        assert page.get_by_role("link", name=LETTER, exact=True).is_visible()
        for name in ("communications", "notes", "people"):
            page.goto((given.part / f"{name}.html").as_uri())
            page.screenshot(path=pictures / f"{name}.png", full_page=True)
        page.goto((given.folder / "index.html").as_uri())
        (pictures / "matter-file.pdf").write_bytes(page.pdf())
        assert not said
        # A viewer within the browser may ask itself for its own parts; nobody else is asked.
        assert not [url for url in asked if url.startswith(("http", "ws", "ftp"))]
        assert all(
            url.startswith(given.folder.as_uri()) for url in asked if url.startswith("file:")
        )
