"""Protect: the acts of every day. Backups, the signed mark, the watch and its test, a matter given back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from muniment.clock import from_text
from muniment.embedded.airflow_api import AirflowApi
from muniment.errors import EmbeddedError
from muniment.recovery.sealed.opening import open_delivery
from muniment.vault.age import parse_identities

from . import firm, story
from .clio_truth import ClioTruth
from .firm_setup import PARTNER_KEY
from .office import Kept
from .place import CLIO, DATABASE, FIRM_ID, NETDOCS, OLD_MAIL, SOURCE, SOURCES, TENANT, TRUST
from .runs import asked_for, followed, seconds_of, stages_of, switched_on
from .setting import BACKUPS, CANARY, CHECKPOINT, RESTORE, WATCH, Setting
from .story import money_text, size_text
from .systems import Vendors

STAGES = ("plan", "extract", "encrypt", "upload", "validate_checksums", "commit_snapshot")
TEST_MAIL = "test:"


@dataclass(frozen=True, slots=True)
class Before:
    """What was true of the story's matter on Monday, at those who keep it."""

    clio: ClioTruth
    mails: Kept
    documents: Kept
    old_mails: Kept
    rows: Kept
    """Of the practice database, which belongs to no matter."""

    @classmethod
    def of(cls, clio: ClioTruth, vendors: Vendors) -> Before:
        tenant, netdocs = vendors.tenant, vendors.netdocs
        number = firm.STORY_MATTER
        return cls(
            clio, tenant.of_matter(number), netdocs.of_matter(number), vendors.old_mail.of_matter(number),
            vendors.ledger.rows(),
        )  # fmt: skip


Outcomes = Mapping[str, Mapping[str, Any]]
"""By source: what its `commit_snapshot` left."""


def back_up(setting: Setting, title: str) -> tuple[Outcomes, story.Backup]:
    """One run of each source's backup, all at once; answers what they left and what is told of it."""
    api = setting.api
    outcomes: dict[str, Mapping[str, Any]] = {}
    with setting.teller.step(f"{title}, of seven systems at once") as step:
        # The archive first: for a minute its plan only looks whether the files hold still.
        order = sorted(BACKUPS, key=lambda source: source != OLD_MAIL)
        asked = {source: asked_for(api, BACKUPS[source]) for source in order}
        runs = {source: followed(api, BACKUPS[source], asked[source], step) for source in BACKUPS}
        for source, dag in BACKUPS.items():
            outcomes[source] = api.xcom(dag, asked[source], "commit_snapshot")
        step.note("; ".join(_words(source, outcome) for source, outcome in outcomes.items()))
    counts = outcomes[SOURCE]["counts"]
    changed = counts["changed"]
    return outcomes, story.Backup(
        title=title,
        seconds=seconds_of(runs[SOURCE]),
        new=counts["added"],
        changed=changed,
        removed=counts["removed"],
        unchanged=counts["items"] - counts["added"] - changed,
        read=counts["read_bytes"],
        stored=counts["stored_bytes"],
        stages=stages_of(api.tasks(BACKUPS[SOURCE], asked[SOURCE]), STAGES),
        beside=[
            _beside(source, outcomes[source]["counts"], seconds_of(runs[source]))
            for source in SOURCES
            if source != SOURCE
        ],
    )


def _words(source: str, outcome: Mapping[str, Any]) -> str:
    counts = outcome["counts"]
    return f"{source} {counts['items']:,} items, {size_text(counts['read_bytes'])} read"


def _beside(source: str, counts: Mapping[str, int], seconds: float) -> story.Beside:
    return story.Beside(source, seconds, counts["added"], counts["changed"], counts["removed"])


def ended_at(outcomes: Outcomes) -> str:
    """When the last of the snapshots ended: as of then all of them are there."""
    times = [str(outcome["ended_at"]) for outcome in outcomes.values()]
    return max(times, key=from_text)


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


def give_back(setting: Setting, as_of: str, before: Before) -> story.Restore:
    """Restores the story's matter as it was, from all its systems, and compares everything with the truth."""
    run_seconds = _restore(setting, setting.api, as_of)
    _open(setting)
    folder = delivered(setting)
    with setting.teller.step("Comparing every file with the truth") as step:
        wanted = setting.monday.of_matter(firm.STORY_MATTER)
        files = {path: entry for path, entry in wanted.items() if entry.kind == "file"}
        compared = setting.monday.compare(folder, wanted)
        numbered = _numbered(folder, compared, wanted)
        _rename(numbered)
        compared = setting.monday.compare(folder, wanted)
        # The certificate is about the names that were delivered.
        _rename({own: other for other, own in numbered.items()})
        wrong = {*compared.missing, *compared.changed}
        identical = sum(1 for path in files if path not in wrong)
        words = f"{identical:,} of {len(files):,} files are identical"
        if numbered:
            words += f"; {len(numbered)} came with a number, because Windows holds their names for others'"
        step.note(words)
    if not compared.identical:
        raise EmbeddedError(
            f"{len(wrong)} items differ from the truth and {len(compared.extra)} are too many",
            to=str(folder),
        )
    back, held = _compare_clio(setting, before.clio)
    others = _compare_others(setting, before)
    others.append(_database_back(setting, as_of, before.rows))
    return story.Restore(
        matter=firm.STORY_MATTER,
        as_of="Monday night",
        seconds=run_seconds,
        files=len(files),
        size=sum(entry.size for entry in files.values()),
        identical=identical,
        folder=str(folder),
        clio=back,
        trust=held,
        others=others,
    )


def _numbered(
    folder: Path, compared: firm.Comparison, wanted: Mapping[bytes, firm.Entry]
) -> dict[Path, Path]:
    """A sealed delivery is opened on any machine, so of names that some take for one the second has a number. This
    machine holds both: which of them has which name of its own. What has other bytes is not among them, and is told."""
    others: dict[tuple[Path, str], Path] = {}
    for path in compared.extra:
        at = folder / Path(os.fsdecode(path))
        if at.is_file():
            others[at.parent, sha256(at.read_bytes()).hexdigest()] = at
    found = {}
    for path in compared.missing:
        own = folder / Path(os.fsdecode(path))
        if other := others.pop((own.parent, wanted[path].sha256), None):
            found[other] = own
    return found


def _rename(names: Mapping[Path, Path]) -> None:
    """A folder keeps its time."""
    for old, new in names.items():
        there = old.parent.stat()
        old.rename(new)
        os.utime(old.parent, ns=(there.st_atime_ns, there.st_mtime_ns))


def _compare_clio(setting: Setting, clio: ClioTruth) -> tuple[story.Clio, story.Trust]:
    with setting.teller.step("Comparing what came from Clio, and the trust money") as step:
        matter = clio.matter(firm.STORY_MATTER)
        compared = clio.compare(matter, delivered(setting, CLIO))
        balance = clio.balance(matter, delivered(setting, TRUST))
        back = story.Clio(compared.rows, compared.files, compared.size, len(compared.wrong))
        held = story.Trust(balance.told, balance.found, balance.transactions)
        step.note(f"{back.words}; {money_text(held.found)} held in trust")
    if compared.wrong or not held.reconciles:
        raise EmbeddedError(
            f"{len(compared.wrong)} items of Clio differ from the truth; of "
            f"{money_text(held.told)} in trust {money_text(held.found)} came back",
            to=", ".join(compared.wrong[:5]),
        )
    return back, held


def _compare_others(setting: Setting, before: Before) -> list[story.Held]:
    """Every mail and every version of a document, by its SHA-256."""
    with setting.teller.step(
        "Comparing its mails, also old ones, and its documents of NetDocuments"
    ) as step:
        found = [
            story.Held(what, len(kept.digests), kept.found_in(delivered(setting, source)))
            for what, source, kept in (
                ("mails", TENANT, before.mails),
                ("documents", NETDOCS, before.documents),
                ("archived mails", OLD_MAIL, before.old_mails),
            )
        ]
        step.note(", ".join(f"{one.found} of {one.there} {one.what}" for one in found))
    if not all(one.whole for one in found):
        raise EmbeddedError(
            "Not everything came back: "
            + ", ".join(f"{one.found} of {one.there} {one.what}" for one in found),
            to=str(delivered(setting, TENANT).parent),
        )
    return found


def _database_back(setting: Setting, as_of: str, before: Kept) -> story.Held:
    """The practice database as of the same moment, by the command, loaded into a new database and compared row by row."""
    place = setting.place
    with setting.teller.step("The practice database of that evening, loaded and compared") as step:
        folder = place.home / "database-back"
        command = [
            sys.executable, "-m", "muniment.cli.main", "--firm", str(place.firm), "restore", "--source", DATABASE,
            "--as-of", as_of, "--to", str(folder), "--yes",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        dumps = list(folder.rglob("*.sql"))
        if done.returncode or len(dumps) != 1:
            raise EmbeddedError(f"The database did not come back: {done.stderr[-500:]}", to=str(folder))  # fmt: skip
        found = len(before.digests & setting.vendors.ledger.loaded(dumps[0]).digests)
        held = story.Held("rows of the database", len(before.digests), found)
        step.note(f"{held.found:,} of {held.there:,} rows are identical")
    if not held.whole:
        raise EmbeddedError(f"{held.found} of {held.there} rows came back", to=str(folder))
    return held


def delivered(setting: Setting, source: str = SOURCE) -> Path:
    """What the restore delivered, unsealed."""
    return setting.place.opened / source


def _open(setting: Setting) -> None:
    """As the managing partner does with `age` and `tar`, which not every machine of a demonstration has."""
    with setting.teller.step("The managing partner opens it with her key") as step:
        sealed = setting.place.restores / FIRM_ID / "monday"
        [key] = parse_identities((setting.place.keys / PARTNER_KEY).read_text())
        open_delivery(sealed, key, setting.place.opened)
        parts = sorted(path.name for path in sealed.glob("*.tar.age"))
        step.note(f"{len(parts)} sealed files; `age` and `tar` open each")


def _restore(setting: Setting, api: AirflowApi, as_of: str) -> float:
    form = {
        "what": "matter",
        "which": firm.STORY_MATTER,
        "as_of": as_of,
        "reason": "lost_or_deleted",
        "deliver_to": "monday",
        "for_whom": "managing-partner",
    }
    with setting.teller.step(f"Restoring matter {firm.STORY_MATTER}") as step:
        run_id = asked_for(api, RESTORE, form)
        run = followed(api, RESTORE, run_id, step)
        given: dict[str, Any] = api.xcom(RESTORE, run_id, "certificate")
        step.note(f"{given['verified']:,} items, read back and equal")
    return seconds_of(run)
