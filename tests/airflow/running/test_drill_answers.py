"""The question of a drill under a real scheduler: asked in Required Actions, answered by the partner, tried by others."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from muniment.errors import EmbeddedError
from muniment.vault.evidence import load_stream
from tests.support.airflow_running import PARTNER, PATIENCE, Running
from tests.support.needs import needs_program

DAG = "practice__recovery_drill"
ASKED = "partner_review"


class Asked:
    """A drill that waits for its answer, held with the share moved away."""

    def __init__(self, running: Running, run_id: str, truth: dict[str, bytes]) -> None:
        self.running = running
        self.run_id = run_id
        self.truth = truth

    @property
    def sandbox(self) -> Path:
        return self.running.folder / "sandbox/practice"


@pytest.fixture(scope="module")
def asked(running: Running) -> Asked:
    firm = running.firms["practice"]
    truth = {
        os.path.relpath(path, firm.share): path.read_bytes()
        for path in firm.share.rglob("*")
        if path.is_file()
    }
    off = firm.folder / "switched off"
    firm.share.rename(off)
    try:
        # Switched on, it makes up for its last due time at once; one drill is open at a time.
        running.switch_on(DAG)
        run_id = running.first_run(DAG)
        running.api.wait_task(DAG, run_id, ASKED, "awaiting_input", PATIENCE)
    finally:
        off.rename(firm.share)
    return Asked(running, run_id, truth)


def test_the_sandbox_equals_the_truth_while_it_waits(asked: Asked) -> None:
    [folder] = asked.sandbox.glob("*/restored/files")
    stands = {
        os.path.relpath(path, folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    [matter] = (folder / "Matters").iterdir()
    assert stands == {
        path: data for path, data in asked.truth.items() if f"/{matter.name}/" in path
    }


@pytest.mark.parametrize("user", ["technician", "viewer"])
def test_nobody_else_may_answer_be_it_an_admin(asked: Asked, user: str) -> None:
    with pytest.raises(EmbeddedError, match="403"):
        asked.running.as_(user).answer(DAG, asked.run_id, ASKED, "Usable: yes", {"remarks": ""})
    states = {t.task_id: t.state for t in asked.running.as_(user).tasks(DAG, asked.run_id)}
    assert states[ASKED] == "awaiting_input"


def test_the_partner_reads_the_question_in_a_browser_and_answers_it_there(
    asked: Asked, tmp_path: Path
) -> None:
    needs_program("chromium")
    from playwright.sync_api import Page

    from demo.screenshots import capture

    services = asked.running.services
    read: list[str] = []
    pictures = Path(os.environ.get("KEEP_PICTURES") or tmp_path)

    def lead(page: Page) -> None:
        run = quote(asked.run_id, safe="")
        page.goto(f"{services.base_url}/dags/{DAG}/runs/{run}/tasks/{ASKED}/required_actions")
        page.get_by_role("button", name="Usable: partly").wait_for()
        page.locator("textarea").first.fill("one signature page is missing")
        read.append(page.locator("body").inner_text())
        page.screenshot(path=pictures / "drill-question.png")
        page.get_by_role("button", name="Usable: partly").click()
        page.get_by_text("Response received").first.wait_for()

    capture(
        services.base_url,
        PARTNER,
        services.settings.passwords()[PARTNER],
        {"question": lead},
        pictures,
    )

    [text] = read
    assert "is what came back usable?" in text
    assert "promised: 4 h; in time" in text
    assert "Could you work with this?" in text
    api = services.api()
    api.wait_run(DAG, asked.run_id, PATIENCE)
    assert not list(asked.sandbox.iterdir())
    vault = asked.running.firms["practice"].vault()
    entries = load_stream(vault.store, vault.trust, "operations-drills").events()
    facts = {entry.event: entry.facts for entry in entries}
    assert facts["drill.finished"]["whole"] is True
    assert facts["drill.answered"]["answer"] == "partly"
    assert facts["drill.answered"]["answered_by"] == "managing-partner"
    assert facts["drill.wiped"]["left"] == 0
    logs = services.settings.logs.glob(f"dag_id={DAG}/**/*.log")
    told = "\n".join(path.read_text(errors="replace") for path in logs)
    for name in ("Harbor", "Mill", "broken.pdf", "signature page"):
        assert name not in told
