"""Restoring: plan, show, agree, perform, verify."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec.structs import replace

from muniment.cli import forms, words
from muniment.cli.clio_back import ClioBack
from muniment.cli.exits import Exit
from muniment.cli.let_go import LetGo
from muniment.cli.m365_back import M365Back
from muniment.cli.matters import naming_sources, print_joined
from muniment.cli.netdocuments_back import NetDocumentsBack
from muniment.cli.onto_share import onto_share
from muniment.cli.options import AsOf, Yes, moment_of_plan, session_of, source_of
from muniment.cli.receiving import (
    ApprovedBy,
    For,
    Receiving,
    RequestedBy,
    WithCertificate,
    print_certificate,
)
from muniment.cli.restore_printed import print_plan, print_report
from muniment.cli.restore_recorded import record_restore
from muniment.cli.sealing import Sealed, SealTo, person_to_seal_to
from muniment.cli.writing_back import WritingBack
from muniment.ids import sha256_hex

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.recovery.crosswalk.joined import Joined
    from muniment.recovery.plan import RestorePlan
    from muniment.recovery.selection import Selection
    from muniment.sources.base import Target
    from muniment.sources.files import FileTarget

PANEL = "Get back"


class Form(StrEnum):
    """As what a restore is given."""

    ITEMS = "items"
    MATTER_FILE = "matter-file"
    CLIO = "clio"
    NETDOCUMENTS = "netdocuments"
    M365 = "m365"


def register(app: forms.Group) -> None:
    app.command("restore", panel=PANEL)(restore)


def restore(
    ctx: forms.Context,
    matter: Annotated[
        str, forms.Option(metavar="MATTER", help="A matter: its number, or M-...")
    ] = "",
    path: Annotated[
        str, forms.Option(metavar="PATTERN", help="Paths, e.g. 'Matters/2024-0113*/Pleadings/**'.")
    ] = "",
    item: Annotated[str, forms.Option(metavar="ID", help="One item; see `ls --ids`.")] = "",
    source: Annotated[str, forms.Option(metavar="SOURCE", help="A whole source.")] = "",
    as_of: AsOf = "",
    from_sources: Annotated[
        list[str] | None,
        forms.Option("--from", metavar="SOURCE", help="Only from this source. May be repeated."),
    ] = None,
    to: Annotated[
        Path | None,
        forms.Option(metavar="FOLDER", help="Where to; items stand in FOLDER/<source>/."),
    ] = None,
    to_share: Annotated[
        str,
        forms.Option(
            metavar="FOLDER",
            help="Of a Windows file server: into a new folder of this name on a share (docs/SMB.md).",
        ),
    ] = "",
    form: Annotated[
        Form,
        forms.Option(
            "--as",
            metavar="FORM",
            help="`items` as they are; a matter as `matter-file`: pages to read, calendar, tables; or as `clio`, "
            "`netdocuments` or `m365`: that, and written into that system as new objects.",
        ),
    ] = Form.ITEMS,
    existing: Annotated[
        bool,
        forms.Option(
            "--into-existing",
            help="With `--as clio`: into the matter that is still there; only what it lacks is made.",
        ),
    ] = False,
    versions: Annotated[
        bool,
        forms.Option(
            "--new-versions",
            help="With `--as netdocuments`: a document that is there and differs gets a new version.",
        ),
    ] = False,
    mailbox: Annotated[
        str,
        forms.Option(
            metavar="ADDRESS",
            help="With `--as m365`: who takes what has no mailbox or drive any more; an address or object id.",
        ),
    ] = "",
    overwrite: Annotated[
        bool, forms.Option("--overwrite", help="Replace what stands under the same names.")
    ] = False,
    seal_to: SealTo = "",
    received_by: For = "",
    requested_by: RequestedBy = "",
    approved_by: ApprovedBy = None,
    certificate: WithCertificate = None,
    plan_only: Annotated[
        bool, forms.Option("--plan-only", help="Show the plan; write nothing.")
    ] = False,
    plan_digest: Annotated[
        str,
        forms.Option(metavar="DIGEST", help="Perform only if this is the plan (see --plan-only)."),
    ] = "",
    yes: Yes = False,
) -> None:
    """Gives back a matter, paths, an item or a whole source, as of a moment, into a folder.

    With `--as matter-file` a matter becomes a folder for people, with an `index.html` to begin at. With `--as clio`
    it is also written into the firm's Clio account, as new objects under a consent of its own, read back and
    compared; the folder gets a map from old ids to new ones. Trust and other money is never written. With
    `--as netdocuments` documents that are gone from the firm's repository are made anew there, with all versions,
    profile, filing and rights; what is there stays as it is. With `--as m365` mail, events, contacts and files are made
    anew in new folders of the mailboxes and drives they came from; nothing is sent, nobody is invited.

    Prints the plan first: which snapshots, how far their times lie apart, how much, what cannot come
    back. Every byte is proven before it is written, and read back after. Repeating the same command
    after an interruption goes on where it was. Needs an identity.

    With `--seal-to` the folder gets age files that only that key opens, and nothing in the clear
    (docs/SEALED_DELIVERIES.md). Without it files stand in the clear, for who sits here.

    Where firm.yaml asks for an approval, this is the breaking of the glass (docs/RESTORE_APPROVAL.md).
    """
    from muniment.recovery.certificate.witness import Witness
    from muniment.recovery.crosswalk.asking import ask_for_matter
    from muniment.recovery.matter_file import MATTER_FILE
    from muniment.recovery.perform import perform
    from muniment.recovery.plan import make_restore_plan
    from muniment.recovery.selected import AtHand

    session = session_of(ctx)
    requested_at = session.clock.now()
    if to_share:
        plain = form is Form.ITEMS
        onto_share(to_share, to, seal_to, certificate, plain=plain, overwrite=overwrite)
        to, certificate = Path(to_share), False
    if to is None and not plan_only:
        raise forms.BadParameter("say where to with --to FOLDER, or --plan-only")
    _one_of(matter, path, item, source)
    as_file = form is not Form.ITEMS
    if as_file and not matter:
        raise forms.BadParameter(f"--as {form.value} goes with --matter")
    if existing and form is not Form.CLIO:
        raise forms.BadParameter("--into-existing goes with --as clio")
    if versions and form is not Form.NETDOCUMENTS:
        raise forms.BadParameter("--new-versions goes with --as netdocuments")
    if mailbox and form is not Form.M365:
        raise forms.BadParameter("--mailbox goes with --as m365")
    if seal_to and form in (Form.CLIO, Form.NETDOCUMENTS, Form.M365):
        raise forms.BadParameter(
            "--seal-to goes with items and matter files; the restore DAG does both"
        )
    back: WritingBack | None = None
    if form is Form.CLIO:
        back = ClioBack(session, from_sources or [], existing=existing)
    elif form is Form.NETDOCUMENTS:
        back = NetDocumentsBack(session, versions=versions)
    elif form is Form.M365:
        back = M365Back(session, mailbox=mailbox)
    vault = session.reading()
    joined: Joined | None = None
    if matter:
        sources = tuple(source_of(each) for each in from_sources or [])
        selection, joined, _ = ask_for_matter(
            vault, matter, sources, naming=naming_sources(session)
        )
    else:
        selection = _selection(path, item, source, from_sources or [])
    if as_file:
        selection = replace(selection, related=True)
    received_by = person_to_seal_to(seal_to, received_by)
    receiving = Receiving(
        session, vault, joined, received_by, requested_by, approved_by or (), certificate
    )
    sealed = Sealed(session, vault, seal_to) if seal_to else None
    at = moment_of_plan(session, vault, as_of, selection.sources)
    at_hand = AtHand()
    with session.screen.progress("Planning: proving the chosen snapshots"):
        if back is not None:
            plan = back.plan(vault, selection, at, at_hand)
        else:
            target = (MATTER_FILE if as_file else "folder") + (sealed.words if sealed else "")
            target = "share" if to_share else target
            plan = make_restore_plan(
                vault, selection, at, target=target, at_hand=at_hand, withhold=receiving.withhold
            )
    receiving.require(plan)
    let_go = LetGo(session, receiving)
    let_go.judge(plan, selection)
    data: dict[str, Any] = {"plan": plan.as_dict(), "plan_digest": plan.digest, "performed": None}
    if back is not None:
        data[back.name] = {"planned": back.forecast.as_dict()}
    if joined is not None:
        data["matter"] = {"ids": list(joined.ids), "notes": list(joined.notes)}
        print_joined(session, joined)
    data["approval"] = let_go.as_dict()
    if plan_only:

        def planned() -> None:
            print_plan(session, plan, plan_only=True, back=back)
            let_go.say()

        session.screen.answer("restore", data, planned)
        return
    assert to is not None
    if not to_share:
        session.require_outside(to.absolute())
    if not session.screen.as_json:
        print_plan(session, plan, back=back)
        let_go.say()
    _agreed(plan, plan_digest)
    if back is not None:
        back.connect()
        overwrite = overwrite or back.goes_on(plan, to.absolute())
    if not plan_digest:
        where = (
            f"{to}, and into {back.system}"
            if back is not None
            else f"{to}{sealed.words if sealed else ''}"
        )
        session.screen.confirm(f"Restore {words.some(plan.items, 'item')} into {where}?", yes)
    folder = to if to_share else to.absolute()
    if as_file and not sealed:
        from muniment.recovery.matter_file.index import require_free

        require_free(folder, overwrite=overwrite)
    let_go.begin(plan)
    if sealed:
        sealed.begin(folder, plan, _restore_id(plan), overwrite=overwrite)

    def into(of: str) -> Target:
        if to_share:
            return session.wiring.share_target(of, to_share, _restore_id(plan))
        open_to = sealed.target if sealed else partial(_in_the_open, session, plan, folder)
        target = open_to(of, overwrite=overwrite)
        if not as_file:
            return target
        from muniment.recovery.matter_file.target import MatterFileTarget

        return MatterFileTarget(target)

    witness = Witness()
    with session.screen.progress("Restoring") as advance:
        done: dict[str, int] = {}

        def progress(of: str, so_far: int, total: int) -> None:
            done[of] = so_far
            advance(sum(done.values()), plan.bytes)

        report = perform(
            vault,
            plan,
            selection,
            into,
            progress=progress,
            at_hand=at_hand,
            withhold=receiving.withhold,
            witness=witness.saw,
        )
    if as_file:
        from muniment.recovery.matter_file.index import Outcome, write_index

        outcome = Outcome(plan, report.verified, report.failures)
        if sealed:
            sealed.write_index(outcome)
        else:
            write_index(folder, outcome, overwrite=overwrite)
    whole = report.whole
    if back is not None:
        written = back.perform(vault, plan, selection, folder)
        whole = whole and all(one.whole for one in written)
        data[back.name] |= {"written": [one.as_dict() for one in written]}
    record_restore(session, vault, plan, report, requested_at, receiving.restore_id, whole=whole)
    let_go.end(whole)
    data["approval"] = let_go.as_dict()
    data |= {"performed": report.as_dict(), "to": str(folder)}
    certified = True
    if receiving.wants_certificate:
        place = sealed.delivery if sealed else None
        told = receiving.certified(plan, selection, folder, witness, report, requested_at, place)
        data["certificate"] = told
        certified = "folder" in told
    if sealed:
        sealed.close(plan, whole=whole, ended=whole and certified)
        data["sealed_to"] = str(sealed.recipient)

    def human() -> None:
        print_report(session, report, folder)
        if sealed:
            sealed.say(folder)
        if "certificate" in data:
            print_certificate(session, data["certificate"])
        if back is not None:
            back.print_report(folder)

    good = whole and certified
    session.screen.answer("restore", data, human, Exit.GOOD if good else Exit.NOT_WHOLE)


def _in_the_open(
    session: Session, plan: RestorePlan, folder: Path, of: str, *, overwrite: bool
) -> FileTarget:
    return session.target(of, folder, overwrite=overwrite, restore_id=_restore_id(plan))


def _restore_id(plan: RestorePlan) -> str:
    """The same for the same items of the same snapshots, whenever it was planned: so that the same
    command goes on after an interruption."""
    chosen = "\n".join(f"{c.source} {c.commit} {c.items_digest}" for c in plan.choices)
    return sha256_hex(chosen.encode())


def _one_of(*asked: str) -> None:
    if sum(bool(each) for each in asked) != 1:
        raise forms.BadParameter("say what: one of --matter, --path, --item, --source")


def _selection(path: str, item: str, source: str, given: Sequence[str]) -> Selection:
    from muniment.recovery.selection import Scope, Selection

    sources = tuple(source_of(each) for each in given)
    if path:
        selection = Selection(Scope.PATH, path, sources)
    elif item:
        selection = Selection(Scope.ITEM, item.lower(), sources)
    else:
        if sources:
            raise forms.BadParameter("--from goes with --matter, --path or --item")
        selection = Selection(Scope.SOURCE, "", (source_of(source),))
    selection.predicate()
    return selection


def _agreed(plan: RestorePlan, digest: str) -> None:
    from muniment.errors import PlanChanged

    if digest and plan.digest != digest.lower():
        raise PlanChanged(
            "the plan is not the one of this digest: something changed since, or it was asked for "
            "otherwise",
            to=f"{plan.scope} {plan.selection}".strip(),
            todo="Plan again with --plan-only, with the --as-of it prints.",
        )
