"""Protect: the acts of every day. Backups, the signed mark, the watch and its test, a matter given back."""

from __future__ import annotations

from typing import Any

from muniment.embedded.airflow_api import AirflowApi
from muniment.errors import EmbeddedError

from . import firm, story
from .place import FIRM_ID, SOURCE
from .runs import asked_for, followed, seconds_of, stages_of, switched_on
from .setting import BACKUP, CANARY, CHECKPOINT, RESTORE, WATCH, Setting
from .story import size_text

STAGES = ("plan", "extract", "encrypt", "upload", "validate_checksums", "commit_snapshot")
TEST_MAIL = "test:"


def back_up(setting: Setting, title: str) -> tuple[dict[str, Any], story.Backup]:
    """One run of the share's backup; answers what it left and what is told of it."""
    api = setting.api
    with setting.teller.step(title) as step:
        run_id = asked_for(api, BACKUP)
        run = followed(api, BACKUP, run_id, step)
        outcome: dict[str, Any] = api.xcom(BACKUP, run_id, "commit_snapshot")
        counts = outcome["counts"]
        step.note(
            f"snapshot {outcome['seq']}: {counts['items']:,} items, "
            f"{size_text(counts['read_bytes'])} read, {size_text(counts['stored_bytes'])} stored"
        )
    changed = counts["changed"]
    return outcome, story.Backup(
        title=title,
        seconds=seconds_of(run),
        new=counts["added"],
        changed=changed,
        removed=counts["removed"],
        unchanged=counts["items"] - counts["added"] - changed,
        read=counts["read_bytes"],
        stored=counts["stored_bytes"],
        stages=stages_of(api.tasks(BACKUP, run_id), STAGES),
    )


def sign_heads(setting: Setting) -> str:
    """Runs the checkpoint; answers the mark that is kept outside the store."""
    with setting.teller.step("Signing the heads, and noting their mark outside the store") as step:
        run_id = switched_on(setting.api, CHECKPOINT)
        followed(setting.api, CHECKPOINT, run_id, step)
        mark: str = setting.api.xcom(CHECKPOINT, run_id, "write_checkpoint")["mark"]
        step.note(mark)
    return mark


def go_on_watch(setting: Setting) -> None:
    """Switches the watch on, and proves with the canary that an alert would arrive."""
    with setting.teller.step("The watch takes its first look") as step:
        run_id = switched_on(setting.api, WATCH)
        followed(setting.api, WATCH, run_id, step)
        looked = setting.api.xcom(WATCH, run_id, "watch")
        step.note(f"{looked['open']} alerts are open; from now on it looks every half hour")
    with setting.teller.step("A test alert, on purpose") as step:
        run_id = switched_on(setting.api, CANARY)
        followed(setting.api, CANARY, run_id, step)
        mail = setting.mail.wait_for(TEST_MAIL, after=0, timeout=30)
        step.note(f"it arrived at {', '.join(mail.to)}")


def give_back(setting: Setting, as_of: str) -> story.Restore:
    """Restores the story's matter as it was, and compares every file with the truth."""
    run_seconds = _restore(setting, setting.api, as_of)
    folder = delivered(setting)
    with setting.teller.step("Comparing every file with the truth") as step:
        wanted = setting.monday.of_matter(firm.STORY_MATTER)
        files = {path: entry for path, entry in wanted.items() if entry.kind == "file"}
        compared = setting.monday.compare(folder, wanted)
        wrong = {*compared.missing, *compared.changed}
        identical = sum(1 for path in files if path not in wrong)
        step.note(f"{identical:,} of {len(files):,} files are identical")
    if not compared.identical:
        raise EmbeddedError(
            f"{len(wrong)} items differ from the truth and {len(compared.extra)} are too many",
            to=str(folder),
        )
    return story.Restore(
        matter=firm.STORY_MATTER,
        as_of="Monday night",
        seconds=run_seconds,
        files=len(files),
        size=sum(entry.size for entry in files.values()),
        identical=identical,
        folder=str(folder),
    )


def delivered(setting: Setting) -> Any:
    """The folder that the restore delivered to."""
    return setting.place.restores / FIRM_ID / "monday" / SOURCE


def _restore(setting: Setting, api: AirflowApi, as_of: str) -> float:
    form = {
        "what": "matter",
        "which": firm.STORY_MATTER,
        "as_of": as_of,
        "reason": "lost_or_deleted",
        "deliver_to": "monday",
    }
    with setting.teller.step(f"Restoring matter {firm.STORY_MATTER}") as step:
        run_id = asked_for(api, RESTORE, form)
        run = followed(api, RESTORE, run_id, step)
        given: dict[str, Any] = api.xcom(RESTORE, run_id, "certificate")
        step.note(f"{given['verified']:,} items, read back and equal")
    return seconds_of(run)
