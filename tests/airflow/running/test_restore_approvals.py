"""A restore under a real scheduler: what an administrator can do to it, and a partner who approves it in a browser."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from muniment.airflow.names import engine_run_id
from muniment.errors import EmbeddedError
from muniment.vault.evidence import load_stream
from tests.support.airflow_running import PARTNER, PATIENCE, Running
from tests.support.needs import needs_program

DAG = "practice__restore_matter"
FORM = {"what": "matter", "which": "2024-0113", "reason": "client_request"}


def waiting(running: Running, folder: str) -> str:
    """A restore that the technician, an administrator, asked for, and that waits for its approval."""
    running.switch_on(DAG)
    run_id = running.api.trigger(DAG, {**FORM, "deliver_to": folder})
    running.api.wait_task(DAG, run_id, "approve", "awaiting_input", PATIENCE)
    return run_id


def releases(running: Running, run_id: str) -> list[str]:
    vault = running.firms["practice"].vault()
    year = vault.clock.now().year
    found = load_stream(vault.store, vault.trust, f"operations-releases-{year}").events()
    return [entry.event for entry in found if entry.subject == engine_run_id(DAG, run_id)]


def test_an_administrators_answer_xcom_and_mark_release_nothing(running: Running) -> None:
    run_id = waiting(running, "forged")
    with pytest.raises(EmbeddedError, match="403"):
        running.api.answer(DAG, run_id, "approve", "Approve")

    task = f"dags/{DAG}/dagRuns/{quote(run_id)}/taskInstances/approve"
    forged = {"responders": "managing-partner", "way": "normal", "expires": "2099-01-01T00:00:00Z"}
    running.ask(
        "POST", f"{task}/xcomEntries", {"key": "return_value", "value": forged, "map_index": -1}
    )
    running.ask("PATCH", task, {"new_state": "success"})
    running.wait(DAG, run_id)

    states = {t.task_id: t.state for t in running.api.tasks(DAG, run_id)}
    assert (states["approve"], states["sources"]) == ("success", "failed")
    assert running.state(DAG, run_id) == "failed"
    assert "[M581]" in running.log(DAG, run_id, "sources")
    assert not (running.firms["practice"].restores / "forged").exists()
    assert releases(running, run_id) == ["release.asked"]


def test_the_partner_reads_the_plan_in_a_browser_and_approves_it_there(
    running: Running, tmp_path: Path
) -> None:
    needs_program("chromium")
    from playwright.sync_api import Page

    from demo.screenshots import capture

    run_id = waiting(running, "case")
    services = running.services
    pictures = Path(os.environ.get("KEEP_PICTURES") or tmp_path)
    read: dict[str, str] = {}
    at = f"{services.base_url}/dags/{DAG}/runs/{quote(run_id, safe='')}"

    def plan(page: Page) -> None:
        page.goto(f"{at}/plugin/restore-plan")
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="Restore plan").wait_for()
        read["plan"] = frame.locator("body").inner_text()

    def question(page: Page) -> None:
        page.goto(f"{at}/tasks/approve/required_actions")
        page.get_by_role("button", name="Approve", exact=True).wait_for()
        read["question"] = page.locator("body").inner_text()
        page.screenshot(path=pictures / "approval-question.png")
        page.get_by_role("button", name="Approve", exact=True).click()
        page.get_by_text("Response received").first.wait_for()

    capture(
        services.base_url,
        PARTNER,
        services.settings.passwords()[PARTNER],
        {"approval-plan": plan, "approval-answered": question},
        pictures,
    )
    running.api.wait_run(DAG, run_id, PATIENCE)

    delivered = running.firms["practice"].restores / "case"
    certificate = json.loads((delivered / "certificate.json").read_text())
    assert certificate["released"]["by"] == ["managing-partner"]
    assert certificate["released"]["requester"] == "technician"
    assert certificate["whole"] is True
    for text in read.values():
        assert certificate["plan_digest"] in text
        assert "counts as active" in text
        assert "sealed: it opens with the key of technician alone" in text
        assert "Harbor" not in text
    assert "What cannot come back" in read["plan"]
    assert sorted(path.name for path in delivered.glob("*.age")) == [
        "_certificate.tar.age",
        "files-0001.tar.age",
    ]
    assert releases(running, run_id) == [
        "release.asked", "release.issued", "release.used", "release.spent",
    ]  # fmt: skip
    # Who looks at a run without a right to it is not shown its plan.
    page = running.get(
        f"{services.base_url}/muniment/restore/{DAG}/{quote(run_id, safe='')}", user=None
    )
    assert page.status_code == 401
