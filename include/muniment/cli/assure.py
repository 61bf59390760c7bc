"""Proving: check (no key needed) and verify (opens packs)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from muniment.cli import forms, words
from muniment.cli.exits import Exit
from muniment.cli.options import session_of, slice_of

if TYPE_CHECKING:
    from muniment.assurance.check import CheckReport
    from muniment.assurance.verify import VerifyReport
    from muniment.cli.session import Session
    from muniment.vault.checkpoints import Outside
    from muniment.vault.finding import Finding

PANEL = "Prove"

_MARK = re.compile(r"[0-9a-f]{8,64}\Z")
_COMMIT = re.compile(r"([a-z0-9][a-z0-9_-]*)/([0-9]{1,8})/([0-9a-f]{8,64})\Z")


def register(app: forms.Group) -> None:
    app.command("check", panel=PANEL)(check)
    app.command("verify", panel=PANEL)(verify)


def check(
    ctx: forms.Context,
    outside_mark: Annotated[
        list[str] | None,
        forms.Option(metavar="MARK", help="A checkpoint's mark known outside. May be repeated."),
    ] = None,
    outside_checkpoint: Annotated[
        list[Path] | None,
        forms.Option(metavar="FILE", help="A checkpoint kept outside. May be repeated."),
    ] = None,
    outside_commit: Annotated[
        list[str] | None,
        forms.Option(metavar="SOURCE/SEQ/DIGEST", help="A commit known outside. May be repeated."),
    ] = None,
    read_back: Annotated[
        str,
        forms.Option(metavar="N/T|all", help="Also read and hash this part of the objects."),
    ] = "",
) -> None:
    """Checks the whole vault without any key: trust, chains, presence, size and checksum of all objects.

    Without something known outside (a mark, a checkpoint, a commit) it cannot see whether the store
    was set back, and says `freshness not proven`. Given keys it names the matters a finding touches.
    """
    from muniment.assurance.check import check as perform

    session = session_of(ctx)
    outside = _outside(outside_mark or (), outside_checkpoint or (), outside_commit or ())
    rotation = slice_of(read_back, "--read-back")
    with session.screen.progress("Checking"):
        report = perform(session.looking(), outside, rotation)
    code = Exit.GOOD if report.good else Exit.DAMAGE
    session.screen.answer("check", report.as_dict(), lambda: _print_check(session, report), code)


def _outside(marks: Sequence[str], files: Sequence[Path], commits: Sequence[str]) -> Outside:
    from muniment.vault.checkpoints import Outside

    typed = ["".join(mark.split()).lower() for mark in marks]
    for mark in typed:
        if not _MARK.match(mark):
            raise forms.BadParameter(
                "--outside-mark is the 32 hex characters of a mark (8 at least)"
            )
    known = []
    for text in commits:
        found = _COMMIT.match(text)
        if not found:
            raise forms.BadParameter(
                "--outside-commit is written source/seq/digest: files/12/3fa9..."
            )
        known.append((found[1], int(found[2]), found[3]))
    try:
        checkpoints = tuple(path.read_bytes() for path in files)
    except OSError as error:
        raise forms.BadParameter(
            f"--outside-checkpoint cannot be read ({error.strerror})"
        ) from None
    return Outside(tuple(typed), checkpoints, tuple(known))


def _print_check(session: Session, report: CheckReport) -> None:
    screen = session.screen
    screen.table(
        ("source", ">snapshots", ">restorable", ">newest", "taken", "completeness"),
        [
            (
                s.source,
                words.number(s.snapshots),
                words.number(s.live),
                str(s.newest_seq),
                s.newest_at,
                s.completeness.replace("_", " "),
            )
            for s in report.sources
        ],
    )
    print_findings(session, report.findings)
    read = (
        f"{words.some(report.read_back, 'object')}, {words.size(report.read_back_bytes)}"
        if report.read_back
        else "nothing (see --read-back)"
    )
    screen.facts(
        [
            ("objects", f"{report.objects:,}, {words.size(report.bytes)}"),
            ("read back", read),
            ("freshness", report.freshness),
            ("newest mark", report.mark or "there is no checkpoint yet: `muniment checkpoint`"),
        ]
    )
    if report.good:
        screen.say("GOOD: everything that a restore needs is there.", style="bold green")
    else:
        screen.say(
            "NOT GOOD: see the findings; `muniment explain CODE` says more.", style="bold red"
        )


def print_findings(session: Session, findings: Sequence[Finding]) -> None:
    """Findings, the worst first."""
    from muniment.vault.finding import Severity

    order = list(Severity)
    styles = {Severity.DAMAGE: "red", Severity.TAMPERING: "magenta", Severity.WARNING: "yellow"}
    for finding in sorted(findings, key=lambda f: (order.index(f.severity), f.code, f.object)):
        session.screen.say(finding.line(), style=styles[finding.severity])


def verify(
    ctx: forms.Context,
    part: Annotated[
        str,
        forms.Argument(
            metavar="[N/T|all]", help="Which part of the packs; else the part whose week it is."
        ),
    ] = "",
    seed: Annotated[
        int | None, forms.Option(metavar="N", help="Draws the matter; to repeat a verification.")
    ] = None,
) -> None:
    """Checks the whole vault as `check` does, and opens what that only weighs: all rows, a part of the
    packs, and one matter as a whole.

    Every pack is opened at least once in thirteen weeks, what is younger than eight days every time.
    `verify all` is the full check. Needs an identity that opens packs.
    """
    from muniment.assurance.check import check as weigh
    from muniment.assurance.check import unique
    from muniment.assurance.rotation import Rotation
    from muniment.assurance.verify import verify as perform

    session = session_of(ctx)
    rotation = slice_of(part, "the part") or Rotation.of_week(session.clock.now())
    vault = session.reading()
    with session.screen.progress("Checking"):
        weighed = weigh(vault)
    with session.screen.progress("Verifying"):
        report = perform(vault, rotation, seed=seed)
    # Once each: both walk the histories.
    report.findings = unique([*weighed.findings, *report.findings])
    seen = {"objects": weighed.objects, "bytes": weighed.bytes}
    data = {"part": f"{rotation.n}/{rotation.t}", "checked": seen, **report.as_dict()}
    code = Exit.GOOD if report.good else Exit.DAMAGE
    session.screen.answer(
        "verify", data, lambda: _print_verify(session, weighed, report, data["part"]), code
    )


def _print_verify(session: Session, weighed: CheckReport, report: VerifyReport, part: str) -> None:
    screen = session.screen
    print_findings(session, report.findings)
    closed = ", ".join(sorted(report.closed))
    screen.facts(
        [
            ("checked", f"{words.some(weighed.objects, 'object')}, {words.size(weighed.bytes)}"),
            ("part", part),
            (
                "packs opened",
                f"{report.packs:,} of {report.packs_of:,}, {words.size(report.bytes)}",
            ),
            ("members hashed", words.number(report.members)),
            ("rows read", words.number(report.rows)),
            (
                "matter restored",
                f"{report.matter} ({words.some(report.matter_items, 'item')})"
                if report.matter
                else "",
            ),
            ("not verified", f"keys that are closed here: {closed}" if closed else ""),
        ]
    )
    if report.good:
        screen.say("GOOD: decrypted, and every digest agrees.", style="bold green")
    else:
        screen.say(
            "NOT GOOD: see the findings; `muniment explain CODE` says more.", style="bold red"
        )
