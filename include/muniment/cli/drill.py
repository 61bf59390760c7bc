"""drill: practise the worst day from any machine that has the firm's folder, or the key card alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms
from muniment.cli.drill_asked import asked, require_empty, require_escrow
from muniment.cli.drill_printed import print_drill
from muniment.cli.drills import drill_entries
from muniment.cli.exits import Exit
from muniment.cli.options import AsOf, moment_of_plan, session_of
from muniment.model.drill import Answer, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from muniment.assurance.drill import Seen
    from muniment.assurance.drill_certificate import DrillWitness
    from muniment.assurance.drill_draw import Drawn, Place
    from muniment.assurance.sandbox import Sandbox, Wiped
    from muniment.cli.session import Session
    from muniment.evidence.drills import DrillFinished
    from muniment.evidence.events import Event
    from muniment.recovery.crosswalk.reserved import Reserved
    from muniment.recovery.plan import RestorePlan
    from muniment.sources.base import Target

PANEL = "Prove"


def register(app: forms.Group) -> None:
    app.command("drill", panel=PANEL)(drill)


def drill(
    ctx: forms.Context,
    folder: Annotated[Path, forms.Argument(metavar="FOLDER", help="A new or empty folder.")],
    scenario: Annotated[
        Scenario,
        forms.Option(
            metavar="WHAT",
            help="matter, item, source, ransomware or recovery-kit; see docs/DRILLS.md.",
        ),
    ] = Scenario.MATTER,
    seed: Annotated[
        int | None, forms.Option(metavar="N", min=0, help="Draws the same as an earlier drill.")
    ] = None,
    as_of: AsOf = "",
    answer: Annotated[
        Answer | None,
        forms.Option(
            metavar="WORD",
            help="Is it usable: yes, partly, no? Asked at the terminal without this.",
        ),
    ] = None,
    answered_by: Annotated[
        str,
        forms.Option(metavar="PERSON", help="Whose answer it is: an id of `people` in firm.yaml."),
    ] = "",
    remarks: Annotated[str, forms.Option(metavar="TEXT", help="Sealed in the evidence.")] = "",
    escrow: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE",
            help="For recovery-kit: the escrow identity from the safe; age asks for its passphrase.",
        ),
    ] = None,
    kit: Annotated[
        Path | None,
        forms.Option(
            metavar="FOLDER",
            help="For recovery-kit: where recover.py lies; by default the store's is taken.",
        ),
    ] = None,
) -> None:
    """Holds a recovery drill: restores what a seed draws into FOLDER, from the store alone, takes the time,
    asks whether it is usable, and removes it again.

    No source is touched. The drill is recorded with operations' keys; without them it proves the same and
    is not recorded. Needs an identity. docs/DRILLS.md.
    """
    import secrets

    from muniment.assurance.sandbox import Sandbox
    from muniment.errors import MunimentError
    from muniment.ids import new_run_id

    session = session_of(ctx)
    requested_at = session.clock.now()
    require_empty(folder)
    require_escrow(scenario, escrow, kit)
    held = _Held(session, new_run_id(), requested_at, answered_by, escrow, kit)
    sandbox = Sandbox(folder.absolute(), held.drill_id, "the folder that was named")
    drawn_seed = secrets.randbelow(1 << 53) if seed is None else seed
    try:
        finished, seen = held.perform(
            sandbox, scenario, drawn_seed, moment_of_plan(session, session.reading(), as_of)
        )
        said = answer or (asked(session, sandbox) if finished.whole else None)
    except MunimentError as error:
        held.failed(str(scenario), error.code)
        raise
    finally:
        wiped = sandbox.wipe()
    held.end(said, remarks, wiped)
    data = {
        "drill_id": held.drill_id,
        "seed": drawn_seed,
        **finished.facts(),
        "answer": str(said) if said else None,
        "wiped": wiped.statement,
        "recorded": held.recorded,
        "certificates": held.certificates,
        "wrong": [list(w) for w in seen.wrong],
    }
    code = Exit.GOOD if finished.whole and not wiped.left else Exit.NOT_WHOLE
    session.screen.answer(
        "drill",
        data,
        lambda: print_drill(
            session,
            finished,
            seen,
            said,
            wiped,
            drawn_seed,
            held.longer(finished),
            held.certificates,
        ),
        code,
    )


class _Held:
    """One drill of the command line: what it does, and what it records of it."""

    def __init__(
        self,
        session: Session,
        drill_id: str,
        requested_at: datetime,
        person: str,
        escrow: Path | None = None,
        kit: Path | None = None,
    ) -> None:
        self.drill_id = drill_id
        self.recorded = False
        self._session = session
        self._requested_at = requested_at
        self._person = person
        self._escrow, self._kit = escrow, kit
        self._entries = drill_entries(session)
        self._differences: dict[str, dict[str, int]] = {}
        self.certificates: list[dict[str, Any]] = []

    def perform(
        self, sandbox: Sandbox, scenario: Scenario, seed: int, as_of: datetime | None
    ) -> tuple[DrillFinished, Seen]:
        from muniment.assurance.drill import phases_of, plan_drill
        from muniment.assurance.drill_certificate import DrillWitness
        from muniment.assurance.drill_draw import draw
        from muniment.evidence.drill_history import before, last_drilled
        from muniment.evidence.drills import DrillFinished, DrillStarted

        clock, screen = self._session.clock, self._session.screen
        place = self._place()
        steps: list[tuple[str, datetime, datetime]] = []
        began = self._requested_at
        with screen.progress("Drawing, and proving the chosen snapshots"):
            limit = sandbox.free_bytes() // 2
            earlier, turn_at = before(self._entries, seed, clock.now())
            drawn = draw(
                [place], scenario, seed, clock.now(), as_of=as_of, limit=limit,
                last=last_drilled(earlier), turn_at=turn_at, reserved=self._reserved(place),
            )  # fmt: skip
            if self._escrow:
                drawn = replace(drawn, also=())
            started = DrillStarted(
                self.drill_id, str(scenario), seed, drawn.focus, str(drawn.scope), drawn.value,
                drawn.sources, drawn.as_of, self._requested_at, drawn.also,
            )  # fmt: skip
            self._record(started)
            plans = plan_drill([place], drawn)
        steps.append(("draw", began, began := clock.now()))
        sandbox.prepare(sum(plan.bytes for plan in plans.values()), purge=False)
        steps.append(("prepare", began, began := clock.now()))
        if self._escrow:
            names = self._recover(sandbox, place, plans, drawn)
        else:
            names = self._restore(sandbox, place, plans, drawn)
        steps.append(("restore", began, began := clock.now()))
        witness = DrillWitness()
        seen = self._look(sandbox, place, plans, drawn, names, witness)
        steps.append(("verify", began, clock.now()))
        phases, elapsed = phases_of(self._requested_at, steps)
        finished = DrillFinished(
            self.drill_id, str(scenario),
            tuple(c.source for plan in plans.values() for c in plan.choices if c.items),
            seen.whole, elapsed, phases, seen.counts(),
            " ".join(plan.digest for plan in plans.values()), "" if seen.whole else "M540",
        )  # fmt: skip
        self._record(finished)
        if seen.whole:
            self._certify(sandbox, place, plans, drawn, finished, witness)
        return finished, seen

    def _reserved(self, place: Place) -> Reserved:
        from muniment.recovery.crosswalk.reserved import reserved

        session = self._session
        firm = session.firm if session.has_firm else None
        return reserved(place.vault, firm, (self._who(),))

    def failed(self, scenario: str, code: str) -> None:
        """Records a drill that an error ended, if it was drawn."""
        from muniment.evidence.drills import DrillFinished

        if self.recorded:
            elapsed = (self._session.clock.now() - self._requested_at).total_seconds()
            self._record(
                DrillFinished(self.drill_id, scenario, (), False, round(elapsed, 1), code=code)
            )

    def _place(self) -> Place:
        from muniment.assurance.drill_draw import Place
        from muniment.vault.history import sources_in

        session = self._session
        vault = session.reading()
        systems = dict.fromkeys(sources_in(vault.store), "")
        if session.has_firm:
            systems |= {
                r.source_id: r.system for r in session.firm.protected if r.source_id in systems
            }
        return Place("store", vault, systems)

    def _restore(
        self, sandbox: Sandbox, place: Place, plans: Mapping[str, RestorePlan], drawn: Drawn
    ) -> dict[str, dict[bytes, bytes]]:
        from muniment.assurance.drill import names_from_bytes, restore

        session = self._session

        def target(source: str, digest: str) -> Target:
            return session.target(
                source, sandbox.restored, overwrite=False, restore_id=digest, sources_off=True
            )

        total_bytes = sum(plan.bytes for plan in plans.values())
        found: dict[str, dict[bytes, bytes]] = {}
        with session.screen.progress("Restoring") as advance:
            done: dict[str, int] = {}

            def progress(of: str, so_far: int, total: int) -> None:
                done[of] = so_far
                advance(sum(done.values()), total_bytes)

            for key, plan in plans.items():
                report, names = restore(key, place, plan, drawn, target, progress)
                self._differences[key] = dict(report.differences)
                found |= names_from_bytes(names)
        return found

    def _recover(
        self, sandbox: Sandbox, place: Place, plans: Mapping[str, RestorePlan], drawn: Drawn
    ) -> dict[str, dict[bytes, bytes]]:
        """By recover.py; nothing has another name then than it had in its source."""
        from muniment.assurance.drill_kit import Kit, copy_store, recover

        assert self._escrow is not None
        kit = Kit.at_hand(self._escrow.absolute(), place.vault.store, sandbox.folder, self._kit)
        store = sandbox.folder / "store"
        with self._session.screen.progress("Copying the store"):
            copy_store(place, plans, drawn, store)
        self._session.screen.say(
            "recover.py begins; age asks for the passphrase, once for each source."
        )
        for plan in plans.values():
            for choice in plan.choices:
                if choice.items:
                    out = sandbox.restored / choice.source
                    recover(kit, store, place.vault, drawn, choice, out)
        return {}

    def _look(
        self,
        sandbox: Sandbox,
        place: Place,
        plans: Mapping[str, RestorePlan],
        drawn: Drawn,
        names: Mapping[str, Mapping[bytes, bytes]],
        witness: DrillWitness,
    ) -> Seen:
        from muniment.assurance.drill import look
        from muniment.assurance.files_contract import contract_of

        with self._session.screen.progress("Reading everything again"):
            return look(
                {place.destination: place}, plans, drawn, sandbox.restored, names, contract_of,
                sandbox.folder, witness.saw,
            )  # fmt: skip

    def _certify(
        self,
        sandbox: Sandbox,
        place: Place,
        plans: Mapping[str, RestorePlan],
        drawn: Drawn,
        finished: DrillFinished,
        witness: DrillWitness,
    ) -> None:
        """With operations' keys; a drill without them is not recorded, and not certified."""
        from muniment.assurance.drill_certificate import DrillFacts, certify_drill
        from muniment.clock import to_text
        from muniment.errors import MunimentError
        from muniment.recovery.certificate.certify import facts_of

        session = self._session
        if not self.recorded:
            return
        facts = DrillFacts(
            to_text(self._requested_at), to_text(session.clock.now()), differences=self._differences
        )
        try:
            made = certify_drill(
                {place.destination: place}, plans, drawn, sandbox.restored, witness.seen, finished, facts,
                session.acting("operations"),
            )  # fmt: skip
        except MunimentError as error:
            session.screen.note(f"NO CERTIFICATE: [{error.code}] {error.what}", style="red")
        else:
            told = zip(made, plans.values(), strict=True)
            self.certificates = [facts_of(one, plan) for one, plan in told]

    def longer(self, finished: DrillFinished) -> str:
        """What took more than twice the usual, in words; empty for nothing."""
        from muniment.evidence.drill_history import past_drills, slower, words_of

        return words_of(
            slower(
                past_drills(self._entries),
                finished.scenario,
                finished.phases,
                finished.elapsed_seconds,
            )
        )

    def end(self, answer: Answer | None, remarks: str, wiped: Wiped) -> None:
        """Records the answer, if there is one, and how the sandbox went."""
        from muniment.evidence.drills import DrillAnswered, DrillWiped

        if answer is not None:
            event = DrillAnswered(self.drill_id, str(answer), self._who(), "cli")
            self._record(event, {"remarks": remarks} if remarks else None)
        self._record(
            DrillWiped(self.drill_id, wiped.how, wiped.medium, wiped.files, wiped.bytes, wiped.left)
        )

    def _who(self) -> str:
        session = self._session
        return self._person or (
            session.firm.firm.roles.managing_partner if session.has_firm else ""
        )

    def _record(self, event: Event, detail: Mapping[str, Any] | None = None) -> None:
        from muniment.errors import MunimentError
        from muniment.evidence.events import DRILLS, write

        session = self._session
        if not session.has_firm or session.given.store:
            return
        try:
            write(session.acting("operations"), DRILLS, event, detail)
        except MunimentError as error:
            session.screen.note(f"{event.event} is not recorded in the vault: {error.what}")
        else:
            self.recorded = True
