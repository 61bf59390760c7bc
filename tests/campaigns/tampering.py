"""The tampering campaign: whatever is done to a vault is found, and a restore gives the truth or refuses.

For each seed: a copy of the same vault, one manipulation, then `check` without a key, `check` with
every byte read back, `verify` with keys - the first that finds it counts - and two restores.
A case holds when a finding names every object that was manipulated, and every byte that a restore
delivered is that of the true snapshot which its plan names.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from muniment.assurance.check import check
from muniment.assurance.rotation import EVERYTHING, days_until_turn
from muniment.assurance.verify import verify
from muniment.embedded.s3 import EmbeddedS3
from muniment.errors import MunimentError
from muniment.recovery.perform import perform
from muniment.recovery.plan import RestorePlan, make_restore_plan
from muniment.recovery.selection import Scope, Selection
from muniment.sources.files import FileTarget
from muniment.vault import names
from muniment.vault.checkpoints import Outside
from muniment.vault.finding import Finding, Severity
from muniment.vault.vault import Vault
from tests.campaign import Case, counted, table
from tests.campaigns.firm import NUMBERS, SOURCES, WITHHELD, Pristine, build, files_in
from tests.campaigns.manipulations import BY_KIND, WHOLE, Done, Seen, drawn
from tests.campaigns.places import Bucket, Folder, Memory, Place, Volume, matter_key_bucket
from tests.support.s3_server import FREE, LOCKED, S3Server, roles


class Scene:
    """The pristine vault, another firm's, and the places; one for all cases."""

    def __init__(self, folder: Path, server: S3Server) -> None:
        self.folder = folder
        self.server = server
        self.truth = build(folder / "firm")
        self.stranger = _another_firm(folder / "stranger")
        self.needed = _needed(self.truth)
        self._numbers = itertools.count(1)

    def copy(self, where: str) -> Seen:
        """A copy in a place of its own."""
        objects, keys = self.truth.objects, self.truth.matter_keys
        matter_keys: Place
        place: Place
        if where == "folder":
            place, matter_keys = Folder(objects, self.folder), Folder(keys, self.folder)
        elif where == "memory":
            place, matter_keys = Memory(objects), Memory(keys)
        elif where in ("s3 volume files", "s3 unreadable"):
            quiet = where == "s3 volume files"
            place = Volume(objects, self.server, quiet)
            matter_keys = Volume(keys, self.server, quiet)
        else:
            bucket = LOCKED if where == "s3 locked" else FREE
            place = Bucket(objects, self.server, bucket)
            matter_keys = matter_key_bucket(keys, self.server)
        return Seen(place, matter_keys, self.truth, self.stranger, self.needed)

    def vault(self, seen: Seen, role: str) -> Vault:
        firm = self.truth.firm
        keys = firm.keys
        identities = {"nobody": [], "operations": [keys.operations], "escrow": [keys.escrow]}[role]
        return Vault(
            seen.place.store,
            firm.pin,
            identities=identities,
            matter_keys=seen.matter_keys.store,
            clock=firm.clock,
        )

    def new_folder(self) -> Path:
        return self.folder / f"restore-{next(self._numbers)}"


def _another_firm(folder: Path) -> dict[str, bytes]:
    """With sources of the same names, as firms of one MSP have."""
    truth = build(folder, days=4)
    return {**truth.objects, **truth.matter_keys}


def _needed(truth: Pristine) -> frozenset[str]:
    """Content-named objects without which a live snapshot or the next run would be lost."""
    vault = truth.firm.vault("nobody")
    needed: set[str] = set()
    for source in SOURCES:
        history = vault.history(source)
        for record in history.live:
            needed |= history.chain(record).needs(source)
        needed |= {names.state(source, s.state) for s in vault.state_objects(history)}
    return frozenset(needed)


# -- one case --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Shown:
    """Which look found it, with what keys, and what it said."""

    by: str = "nothing"
    keys: str = ""
    codes: list[str] = field(default_factory=list)
    named: bool = False
    missed: set[str] = field(default_factory=set)
    matters: tuple[str, ...] = ()
    days: int = 0


def run_case(scene: Scene, seed: int) -> Case:
    kind, how, where = drawn(seed)
    random = Random(seed)
    seen = scene.copy(where)
    wrong: list[str] = []
    try:
        manipulate = BY_KIND.get(how) or WHOLE[how]
        done = manipulate(seen, kind, random)
        outside = scene.truth.outside if done.outside else None
        shown = _look(scene, seen, done, outside, wrong)
        restored = [
            _restore(scene, seen, done, selection, wrong)
            for selection in (
                Selection(Scope.SOURCE),
                Selection(Scope.MATTER, scene.truth.matters[random.choice(NUMBERS)]),
            )
        ]
    finally:
        seen.place.close()
        seen.matter_keys.close()
    if shown.by == "nothing":
        wrong.append("not found")
    elif not shown.named:
        wrong.append(f"not named: {', '.join(sorted(shown.missed)[:3])}")
    row = {
        "kind": kind,
        "manipulation": how,
        "place": where,
        "note": done.note,
        "objects": sorted(done.objects),
        "found_by": shown.by,
        "keys": shown.keys,
        "codes": shown.codes,
        "matters": list(shown.matters),
        "days": shown.days,
        "restore_all": restored[0],
        "restore_matter": restored[1],
    }
    return Case(seed, row, tuple(wrong))


def _look(scene: Scene, seen: Seen, done: Done, outside: Outside | None, wrong: list[str]) -> Shown:
    """The first look that names all of it counts; the last that finds anything is shown else."""
    looks = (
        ("check", "none", lambda: check(scene.vault(seen, "nobody"), outside).findings),
        (
            "check --read-back",
            "none",
            lambda: check(scene.vault(seen, "nobody"), outside, EVERYTHING).findings,
        ),
        (
            "verify",
            "operations",
            lambda: verify(scene.vault(seen, "operations"), EVERYTHING).findings,
        ),
    )
    shown = Shown()
    for by, keys, look in looks:
        try:
            findings = look()
        except MunimentError as error:
            findings = [Finding(error.code, Severity.DAMAGE, error.to, error.what)]
        except Exception as error:
            wrong.append(f"{by} raised {type(error).__name__}: {error}")
            continue
        if not findings:
            continue
        shown.by, shown.keys = by, keys
        shown.codes = sorted({f.code for f in findings})
        shown.missed = done.objects - {f.object for f in findings}
        shown.named = not shown.missed
        if shown.named:
            break
    if shown.by == "check --read-back":
        shown.days = max((_days(scene, name) for name in done.objects), default=0)
    shown.matters = _matters(scene, seen, done, outside, wrong)
    return shown


def _days(scene: Scene, name: str) -> int:
    """Rows and state are read back every time, packs in rotation."""
    digest = names.content_digest(name) if name.startswith("packs/") else None
    return days_until_turn(digest, scene.truth.firm.clock.now()) if digest else 0


def _matters(
    scene: Scene, seen: Seen, done: Done, outside: Outside | None, wrong: list[str]
) -> tuple[str, ...]:
    """The matters that the findings name for who holds the operations key."""
    try:
        findings = check(scene.vault(seen, "operations"), outside, EVERYTHING).findings
    except MunimentError:
        return ()
    except Exception as error:
        wrong.append(f"check with keys raised {type(error).__name__}: {error}")
        return ()
    for finding in findings:
        expected = scene.truth.pack_matters.get(finding.object)
        if finding.object in done.objects and expected is not None:
            lost = expected - set(finding.matters)
            if lost:
                wrong.append(f"matters not named for a pack: {', '.join(sorted(lost))}")
    return tuple(sorted({m for f in findings if f.object in done.objects for m in f.matters}))


# -- restoring -------------------------------------------------------------------------------------


def _restore(scene: Scene, seen: Seen, done: Done, selection: Selection, wrong: list[str]) -> str:
    """`whole`, `older`, `partly` or `refused: <code>`; anything untrue goes into `wrong`."""
    into = scene.new_folder()
    into.mkdir()
    vault = scene.vault(seen, "operations")
    what = selection.scope.value
    try:
        plan = make_restore_plan(vault, selection)
        report = perform(
            vault, plan, selection,
            lambda source: FileTarget(into / source, restore_id=plan.digest),
        )  # fmt: skip
    except MunimentError as error:
        if done.harmless:
            wrong.append(f"restore of {what} refused although the truth is there: {error.code}")
        return f"refused: {error.code}"
    except Exception as error:
        wrong.append(f"restore of {what} raised {type(error).__name__}: {error}")
        return "raised"
    whole = _true(scene, plan, selection, into, report.whole, wrong)
    newest = len(plan.choices) == len(SOURCES) and all(
        choice.seq == scene.truth.head(choice.source) for choice in plan.choices
    )
    state = "whole" if whole and newest else "older" if whole else "partly"
    if done.harmless and state != "whole":
        wrong.append(f"restore of {what} came to '{state}' although the truth is there")
    return state


def _true(
    scene: Scene,
    plan: RestorePlan,
    selection: Selection,
    into: Path,
    claims_whole: bool,
    wrong: list[str],
) -> bool:
    """Every file delivered is true for the snapshot that the plan names; a restore that calls itself
    whole has all of them, but for matters whose key is named as closed."""
    complete = claims_whole
    for choice in plan.choices:
        snapshot = (choice.source, choice.seq)
        if scene.truth.commits.get(snapshot) != choice.commit:
            wrong.append(f"the plan names a commit that never was: {choice.source}/{choice.seq}")
            continue
        truth = scene.truth.truth[snapshot]
        wanted = {p for p in truth if _in_scope(scene, selection, p)}
        got = files_in(into / choice.source) if (into / choice.source).exists() else {}
        for path, data in got.items():
            if path not in wanted or truth[path] != data:
                wrong.append(f"untrue bytes in {choice.source}/{choice.seq}")
                break
        closed = {p for p in wanted if choice.sealed_away and f"/{WITHHELD} " in p}
        missing = wanted - set(got) - closed
        if missing and claims_whole:
            wrong.append(f"{len(missing)} files missing in a restore that calls itself whole")
        complete = complete and not closed and not missing
    return complete


def _in_scope(scene: Scene, selection: Selection, path: str) -> bool:
    if selection.scope is Scope.SOURCE:
        return True
    number = next(n for n, m in scene.truth.matters.items() if m == selection.value)
    return path.startswith(f"Matters/{number} ")


# -- all of them -----------------------------------------------------------------------------------


def run(seeds: Iterable[int], folder: Path) -> Iterator[Case]:
    """All cases, with a server of their own."""
    with ExitStack() as stack:
        embedded = EmbeddedS3(folder / "s3", roles())
        embedded.start()
        stack.callback(embedded.stop, 0)
        scene = Scene(folder, S3Server(embedded))
        for seed in seeds:
            yield run_case(scene, seed)


def summary(cases: Sequence[Case]) -> str:
    """Per manipulation: what found it (the first three columns are exclusive), in how many cases the
    operations key named matters, the most days until the rotation had its turn, and how the restore of
    whole sources came out."""
    rows: list[tuple[str, ...]] = [
        ("manipulation", "cases", "held", "check", "read back", "verify", "matters", "days", "whole", "older",
         "partly", "refused")
    ]  # fmt: skip
    for how in [*BY_KIND, *WHOLE]:
        group = [c for c in cases if c.row["manipulation"] == how]
        if not group:
            continue
        by = counted(group, "found_by")
        restored = counted(group, "restore_all")
        rows.append(
            (
                how,
                str(len(group)),
                str(sum(not c.wrong for c in group)),
                str(by["check"]),
                str(by["check --read-back"]),
                str(by["verify"]),
                str(sum(bool(c.row["matters"]) for c in group)),
                str(max(int(c.row["days"]) for c in group)),
                *(str(restored[word]) for word in ("whole", "older", "partly")),
                str(sum(n for word, n in restored.items() if word.startswith("refused"))),
            )
        )
    places = ", ".join(f"{n} in {place}" for place, n in sorted(counted(cases, "place").items()))
    return f"{table(rows)}\n{places}"
