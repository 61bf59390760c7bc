"""Pictures of pages of a running Airflow, taken with a real browser.

The browser is the system's Chromium, or the one that MUNIMENT_CHROMIUM names, or else the one that
`playwright install chromium` fetched.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, sync_playwright

from muniment.errors import EmbeddedError

BROWSER_VARIABLE = "MUNIMENT_CHROMIUM"
SIZE = (1400, 900)
"""Pixels: a laptop's browser window, which keeps text readable in a report."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LOAD_MILLISECONDS = 30_000
_SETTLE_MILLISECONDS = 1_500
"""Airflow's pages go on asking for data, so the network never falls silent; this long after the
load nothing visible moves any more."""

Target = str | Callable[[Page], None]
"""A path below the base URL, or a function that leads the page there by clicks."""


def capture(
    base_url: str, user: str, password: str, pages: Mapping[str, Target], out: Path
) -> dict[str, Path]:
    """Logs in and takes one picture per entry of `pages`, in their order, as `out/<name>.png`.

    An entry named `login` whose target is "" shows the login page, before anybody is logged in.
    Raises EmbeddedError when there is no browser, the login fails, or a page does not come.
    """
    out.mkdir(parents=True, exist_ok=True)
    taken: dict[str, Path] = {}
    with browser_page() as page:
        try:
            page.goto(f"{base_url}/auth/login", wait_until="domcontentloaded")
            page.wait_for_selector("input[name=password]")
            if pages.get("login") == "":
                taken["login"] = _picture(page, out / "login.png")
            _log_in(page, user, password)
            for name, target in pages.items():
                if name in taken:
                    continue
                if callable(target):
                    target(page)
                else:
                    page.goto(base_url + target, wait_until="domcontentloaded")
                taken[name] = _picture(page, out / f"{name}.png")
        except BrowserError as error:
            page.screenshot(path=out / "failed.png")
            raise EmbeddedError(
                f"The browser stopped at {page.url}: {error.message.splitlines()[0]}",
                to=str(out / "failed.png"),
                todo="Look at the picture that was taken at that moment.",
            ) from error
    return taken


def open_form(dag_id: str, base_url: str) -> Callable[[Page], None]:
    """A target: the DAG's page with its trigger form open. Fill it in a function around this."""

    def lead(page: Page) -> None:
        page.goto(f"{base_url}/dags/{dag_id}", wait_until="domcontentloaded")
        page.get_by_role("button", name=re.compile("Trigger")).first.click()
        page.get_by_role("dialog").wait_for()

    return lead


def _log_in(page: Page, user: str, password: str) -> None:
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/auth/login" not in url)


def _picture(page: Page, file: Path) -> Path:
    page.wait_for_timeout(_SETTLE_MILLISECONDS)
    page.screenshot(path=file)
    return file


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a browser of its own. Raises EmbeddedError where none can be started."""
    program = os.environ.get(BROWSER_VARIABLE) or shutil.which("chromium")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        except BrowserError as error:
            raise EmbeddedError(
                f"No browser could be started: {error.message.splitlines()[0]}",
                to=program or "chromium",
                todo="Install Chromium (`apt-get install chromium` or `playwright install "
                f"chromium`), or name it in {BROWSER_VARIABLE}.",
            ) from error
        with browser:
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
            page.set_default_timeout(_LOAD_MILLISECONDS)
            yield page
