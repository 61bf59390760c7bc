"""The pages of a verification: in a real Airflow, run by its scheduler, seen with a real browser, and
refused to whoever is not signed in."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from muniment.airflow.names import engine_run_id
from tests.support.airflow_running import Running
from tests.support.needs import needs_program

DAG = "practice__verification"


class Verified:
    """A run of the verification in the Airflow that is looked at."""

    def __init__(self, running: Running, run_id: str) -> None:
        self.services = running.services
        self.root = running.folder
        self.get = running.get
        self.run_id = run_id

    def url(self, page: str = "", dag_id: str = DAG, run_id: str | None = None) -> str:
        run = quote(run_id or self.run_id, safe="")
        return f"{self.services.base_url}/muniment/verification/{dag_id}/{run}/{page}"

    @property
    def folder(self) -> Path:
        """Where the pages of the run lie."""
        return self.root / "reports/practice" / engine_run_id(DAG, self.run_id)


@pytest.fixture(scope="module")
def verified(running: Running) -> Verified:
    # Switched on, it makes up for its last due time at once.
    running.switch_on(DAG)
    run_id = running.first_run(DAG)
    running.wait(DAG, run_id)
    return Verified(running, run_id)


def test_the_scheduler_runs_it_and_the_broken_document_makes_it_red(verified: Verified) -> None:
    api = verified.services.api()
    states = {task.task_id: task.state for task in api.tasks(DAG, verified.run_id)}
    assert api.run(DAG, verified.run_id).state == "failed"
    assert states["choose"] == states["source.restore_sample"] == "success"
    assert states["source.check_bytes"] == states["rebase"] == states["purge_scratch"] == "success"
    assert states["source.expectations"] == states["report"] == "failed"
    assert not [p for p in (verified.root / "scratch").rglob("*") if p.is_file()]
    logs = verified.services.settings.logs.glob(f"dag_id={DAG}/**/*.log")
    told = "\n".join(p.read_text(errors="replace") for p in logs)
    assert "FAILED: items.opened" in told
    for name in ("Harbor", "Mill", "broken.pdf"):
        assert name not in told


def test_a_person_who_may_see_the_run_sees_its_pages(verified: Verified) -> None:
    first = verified.get(verified.url())
    assert first.status_code == 200
    assert "items.opened" in first.text
    assert "FAILED" in first.text
    [inner] = verified.folder.glob("files/validations/items/*/*/*.html")
    answer = verified.get(verified.url(quote(str(inner.relative_to(verified.folder)))))
    assert answer.status_code == 200
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert verified.get(verified.url("muniment.css")).status_code == 200


@pytest.mark.parametrize("page", ["", "index.html", "muniment.css", "summary.json", "nothing"])
def test_whoever_is_not_signed_in_gets_nothing(verified: Verified, page: str) -> None:
    for url in (verified.url(page), verified.url(page, dag_id="practice__files__backup")):
        answer = verified.get(url, user=None)
        assert answer.status_code == 401
        assert "items." not in answer.text
    with_a_wrong_token = requests.get(
        verified.url(page),
        cookies={"_token": "eyJhbGciOiJIUzUxMiJ9.e30.x"},
        proxies={"http": ""},
        timeout=30,
    )
    assert with_a_wrong_token.status_code in (401, 403)


@pytest.mark.parametrize("page", ["docs", "redoc", "openapi.json", ""])
def test_the_application_tells_nothing_else(verified: Verified, page: str) -> None:
    base = verified.services.base_url
    for user in (None, "viewer"):
        assert verified.get(f"{base}/muniment/{page}", user).status_code == 404


def test_no_path_leads_out_of_the_folder_of_the_run(verified: Verified) -> None:
    reports = verified.root / "reports/practice"
    (reports / "secret.html").write_text("secret")
    folder = verified.folder
    (folder / "link.html").symlink_to(reports / "secret.html")
    (folder / "notes.txt").write_text("secret")
    try:
        for page in (
            "../secret.html", "%2e%2e/secret.html", "..%2fsecret.html", "files/../../secret.html",
            "%2e%2e%2f%2e%2e%2f%2e%2e%2fkeys/operations.pem", "/etc/passwd", "//etc/passwd",
            "link.html", "notes.txt", "summary.json", "files", "a%00b", "x" * 5000,
        ):  # fmt: skip
            answer = verified.get(verified.url(page))
            assert answer.status_code in (404, 400), page
            assert "secret" not in answer.text
        for dag_id in ("..__verification", "%2e%2e%2fx__verification", "practice__files__backup"):
            answer = verified.get(verified.url("index.html", dag_id=dag_id))
            assert "items.opened" not in answer.text
    finally:
        (folder / "link.html").unlink()
        (reports / "secret.html").unlink()


def test_a_run_without_a_report_says_so(verified: Verified) -> None:
    answer = verified.get(verified.url(run_id="manual__never"))
    assert answer.status_code == 200
    assert "No verification report" in answer.text


def test_the_tab_of_the_run_shows_it_in_a_browser(verified: Verified, tmp_path: Path) -> None:
    needs_program("chromium")
    from playwright.sync_api import Page

    from demo.screenshots import capture

    seen: list[str] = []
    run = quote(verified.run_id, safe="")

    def lead(page: Page) -> None:
        foreign: list[str] = []
        page.on("request", lambda r: foreign.append(r.url))
        page.goto(f"{verified.services.base_url}/dags/{DAG}/runs/{run}/plugin/verification")
        frame = page.frame_locator("iframe")
        frame.locator("h1").wait_for()
        seen.append(frame.locator("body").inner_text())
        # Every link of ours leads to a page inside the frame.
        frame.get_by_role("link", name="items").click()
        frame.get_by_text("Expectation Validation Result").first.wait_for()
        seen.append(frame.locator("body").inner_text())
        page.screenshot(path=pictures / "data-docs.png")
        frame.get_by_role("link", name="Home").first.click()
        frame.locator("h1").wait_for()
        base = verified.services.base_url
        assert not [u for u in foreign if not u.startswith((base, "data:", "blob:"))]

    pictures = Path(os.environ.get("KEEP_PICTURES") or tmp_path)
    password = verified.services.settings.passwords()["viewer"]
    pages = {"verification": lead}
    capture(verified.services.base_url, "viewer", password, pages, pictures)

    first, inner = seen
    assert "Verification of practice: FAILED" in first
    assert "✗ items.opened" in " ".join(first.split())
    assert "unexpected" in inner
    assert " ".join(inner.split()).count("values must belong to this set") >= 5
    for name in ("Harbor", "Mill", "broken.pdf"):
        assert name not in first + inner
