"""What the backup's user may not read: told, never left out in silence, and what was known stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from muniment.backup.commit import Outcome
from muniment.sources.causes import PERMISSION_DENIED
from tests.hostile.looking import causes
from tests.support.practice import Practice, tree
from tests.support.privileges import NOBODY, as_nobody


def mine(practice: Practice) -> None:
    """Gives everything to the user who will back it up."""
    if os.geteuid() == 0:
        for folder, names, files in os.walk(practice.folder):
            for name in ("", *names, *files):
                os.chown(os.path.join(folder, name), NOBODY, NOBODY, follow_symlinks=False)


def backed_up(practice: Practice, **options: Any) -> Outcome:
    outcome = as_nobody(lambda: practice.back_up(**options))
    if os.geteuid() == 0:
        # The child's clock went on, this one's did not.
        practice.tomorrow()
    return outcome


def test_an_unreadable_file_is_told_and_its_last_version_stays(practice: Practice) -> None:
    practice.write("Office/closed.txt", "what it said on Monday")
    mine(practice)
    assert backed_up(practice).completeness == "complete"
    (practice.share / "Office/closed.txt").write_text("what it said on Tuesday")
    (practice.share / "Office/closed.txt").chmod(0)
    practice.write("Office/new.txt", "x").chmod(0o644)
    if os.geteuid() == 0:
        os.chown(practice.share / "Office/new.txt", NOBODY, NOBODY)

    outcome = backed_up(practice)

    assert outcome.completeness == "incomplete"
    assert causes(outcome) == {PERMISSION_DENIED: 1}
    plan, report = practice.restore(practice.folder / "back")
    assert (plan.choices[0].completeness, plan.choices[0].problems) == ("incomplete", 1)
    assert report.whole
    back = practice.folder / "back/files/Office"
    assert (back / "closed.txt").read_text() == "what it said on Monday"
    assert (back / "new.txt").read_text() == "x"

    (practice.share / "Office/closed.txt").chmod(0o644)
    assert backed_up(practice).completeness == "complete"
    practice.restore(practice.folder / "again")
    assert tree(practice.folder / "again/files") == tree(practice.share)


def test_an_unreadable_folder_hides_its_tree_and_nothing_below_it_is_called_deleted(
    practice: Practice,
) -> None:
    practice.write("Closed/a/b/deep.txt", "deep")
    practice.write("Closed/top.txt", "top")
    mine(practice)
    before = tree(practice.share)
    assert backed_up(practice).completeness == "complete"
    (practice.share / "Closed").chmod(0)

    outcome = backed_up(practice)

    assert outcome.completeness == "incomplete"
    assert causes(outcome) == {PERMISSION_DENIED: 1}
    assert outcome.counts["removed"] == 0
    _, report = practice.restore(practice.folder / "back")
    assert report.whole
    assert tree(practice.folder / "back/files") == before


def test_an_accepted_exception_is_said_beside_the_green(practice: Practice) -> None:
    practice.write("Office/closed.txt", "x").chmod(0)
    mine(practice)

    def accepted(kind: str, native_id: bytes, cause: str, matter: str) -> bool:
        return (native_id, cause) == (b"Office/closed.txt", PERMISSION_DENIED)

    accept: Callable[..., bool] = accepted
    outcome = backed_up(practice, accepted=accept)

    assert outcome.completeness == "complete_with_exceptions"
    assert outcome.causes == ({"cause": PERMISSION_DENIED, "count": 1, "accepted": True},)
    plan, report = practice.restore(practice.folder / "back")
    assert plan.choices[0].problems == 1 and report.whole
    assert set(tree(practice.folder / "back/files")) == {"Office", "Office/letter.txt"}
