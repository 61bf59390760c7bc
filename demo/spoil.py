"""Spoil: the acts in which the store is attacked and goes bad, and what finds it by itself.

Two faults. A thief lays a spoiled version over a pack: that shows in a listing, so the check finds it
without a key, and no restore is misled. A bit turns below the store, which goes on serving it without
a word: only who decrypts finds that, and so the next verification turns red and the watch tells.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from muniment.assurance.check import CheckReport, check
from muniment.assurance.rotation import EVERYTHING as ALL
from muniment.embedded.s3 import EmbeddedS3
from muniment.recovery.perform import perform
from muniment.recovery.plan import make_restore_plan
from muniment.recovery.selection import select_matter
from muniment.vault import names
from muniment.vault.checkpoints import Outside
from muniment.wiring import Wiring

from . import firm, story
from .faults import lay_on_top, turn_a_bit
from .place import FIRM_ID, SOURCE
from .prove import verify
from .runs import asked_for, followed
from .setting import WATCH, Setting

SUBJECT = f"[{FIRM_ID}] SERIOUS: the verification"
_MAIL_SECONDS = 60.0


def steal_and_spoil(setting: Setting, mark: str) -> story.Check:
    """The thief's version on top of a pack of the first snapshot; the check; a restore all the same."""
    name = _pack(setting, 1)
    said: list[str] = []
    if setting.store.endpoint:
        planted = "with a worker's stolen credential, a spoiled version laid on top of a pack"
        said.append(lay_on_top(EmbeddedS3(setting.place.s3), name))
    else:
        planted = "one byte of a pack changed on the disk"
        turn_a_bit(setting.place, name)
    with setting.teller.step("Checking the whole vault, without any key") as step:
        began = time.monotonic()
        report: CheckReport = check(
            setting.vault("worker"),
            Outside(marks=(mark,)),
            None if setting.store.endpoint else ALL,
        )
        seconds = time.monotonic() - began
        found = [f for f in report.findings if f.object == name]
        step.note(f"{len(report.findings)} finding(s) in {report.objects:,} objects")
    said += [f.line() for f in report.findings]
    said.append(f"freshness is {report.freshness}: the mark noted outside is in the store")
    if setting.store.endpoint:
        said.append(_restored_all_the_same(setting))
    return story.Check(planted, bool(found), True, seconds, said)


def _restored_all_the_same(setting: Setting) -> str:
    with setting.teller.step("Restoring the matter once more, from the spoiled store") as step:
        same = _once_more(setting)
        step.note("every file is identical" if same else "NOT identical")
    if same:
        return "a restore reads the true version beneath it: every file is identical"
    return "a restore from it is NOT identical"


def _once_more(setting: Setting) -> bool:
    vault = setting.vault("operations", keys=True)
    selection = select_matter(vault, firm.STORY_MATTER, (SOURCE,))
    first = vault.history(SOURCE).at(1).commit.ended_at
    plan = make_restore_plan(vault, selection, first)
    folder = setting.place.restores / FIRM_ID / "monday-again"
    wiring = Wiring(setting.config)
    perform(
        vault,
        plan,
        selection,
        lambda source: wiring.target(source, folder, restore_id=plan.digest),
    )
    wanted = setting.monday.of_matter(firm.STORY_MATTER)
    return setting.monday.compare(folder / SOURCE, wanted).identical


def go_bad(setting: Setting) -> story.Alarm:
    """A bit turns. Nobody says where to look: the next verification and the watch's next look, which are
    asked for at once and not waited for until Saturday and the half hour, come to it by themselves."""
    name = _pack(setting, 2)
    with setting.teller.step("One bit of a pack turns over on the disk of the store") as step:
        turn_a_bit(setting.place, name)
        planted = time.time()
        step.note("the store goes on serving it, without a word")
    red = verify(setting, "The next verification, not waiting for Saturday", good=False)
    seconds_to_red = time.time() - planted
    with setting.teller.step("The watch's next look, not waiting for the half hour") as step:
        run_id = asked_for(setting.api, WATCH)
        mail = setting.mail.wait_for(SUBJECT, after=planted, timeout=_MAIL_SECONDS)
        followed(setting.api, WATCH, run_id, step)
        step.note(f"mail to {', '.join(mail.to)}")
    setting.teller.quote([f"Subject: {mail.subject}", *_first(mail.lines)])
    return story.Alarm(
        planted="a bit turned in a pack, beneath the store, which noticed nothing",
        red=red,
        seconds_to_red=seconds_to_red,
        subject=mail.subject,
        to=tuple(mail.to),
        seconds=mail.at - planted,
        lines=_first(mail.lines),
        file=str(mail.file),
    )


def _first(lines: Sequence[str]) -> list[str]:
    """The beginning of a mail after its first line, which is its subject."""
    return [line for line in lines[1:] if line][:5]


def _pack(setting: Setting, seq: int) -> str:
    """A pack that this snapshot was the first to need."""
    commit = setting.vault("worker").history(SOURCE).at(seq).commit
    return names.pack(next(p for p in commit.packs if p.new).pack)
