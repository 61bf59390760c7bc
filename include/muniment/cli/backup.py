"""Backing up one source or all of them, in one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms, words
from muniment.cli.exits import Exit, exit_of
from muniment.cli.options import session_of
from muniment.config.issues import RowError, as_error
from muniment.errors import ConfigError, MunimentError
from muniment.model.value import Value

if TYPE_CHECKING:
    from muniment.backup.commit import Outcome
    from muniment.cli.session import Session

PANEL = "Every day"

SHOWN_SHARDS = 8


def register(app: forms.Group) -> None:
    app.command("backup", panel=PANEL)(backup)


class _Ended(Value, frozen=True):
    """How the run of one source ended: an outcome, or the error that ended it."""

    source: str
    seconds: float
    outcome: Outcome | None = None
    error: MunimentError | None = None
    failed_shards: tuple[tuple[str, MunimentError], ...] = ()

    @property
    def exit(self) -> Exit:
        if self.error is not None:
            return exit_of(self.error)
        assert self.outcome is not None
        if self.outcome.suspicious:
            return Exit.ALARM
        return Exit.GOOD if self.outcome.success else Exit.INCOMPLETE

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "seconds": round(self.seconds, 3),
            "exit_code": int(self.exit),
            "outcome": self.outcome.as_dict() if self.outcome else None,
            "error": self.error.as_dict() if self.error else None,
            "failed_shards": [{"shard": s, "error": e.as_dict()} for s, e in self.failed_shards],
        }


def backup(
    ctx: forms.Context,
    sources: Annotated[
        list[str] | None, forms.Argument(metavar="[SOURCE]...", help="Which sources.")
    ] = None,
    every: Annotated[
        bool, forms.Option("--all", help="Every source that the inventory gives to Muniment.")
    ] = False,
    accept_mass_deletion: Annotated[
        bool,
        forms.Option(
            "--accept-mass-deletion",
            help="Believe a source that lost most of its items, or that moved. For one run.",
        ),
    ] = False,
) -> None:
    """Makes a snapshot of a source. Uses the worker's keys.

    The first run reads everything, later ones what changed. An interrupted run leaves no snapshot; what
    it uploaded is used by the next one. Sources are independent: one that fails does not stop the others.
    With --all a row of the inventory that cannot be used counts as a source that failed.
    """
    session = session_of(ctx)
    ended = []
    for source in _chosen(session, sources or [], every):
        if isinstance(source, RowError):
            one = _Ended(source.label, 0.0, error=source.error())
        else:
            one = _one(session, source, accept_mass_deletion)
        ended.append(one)
        if not session.screen.as_json:
            _print(session, one)
    worst = [one.exit for one in ended if one.exit is not Exit.GOOD]
    # An error says more than `incomplete`; of several the first in the inventory's order.
    errors = [code for code in worst if code is not Exit.INCOMPLETE]
    code = (errors or worst or [Exit.GOOD])[0]
    data = {"runs": [one.as_dict() for one in ended]}
    session.screen.answer("backup", data, lambda: None, code)


def _chosen(session: Session, sources: list[str], every: bool) -> list[str | RowError]:
    if bool(sources) == every:
        raise forms.BadParameter("name the sources, or say --all")
    if not every:
        for source in sources:
            session.firm.row(source)
        return [*sources]
    config = session.firm
    # A row that cannot be used is a source that is not backed up: never an exit code of 0.
    rows: list[tuple[int, str | RowError]] = [(r.row, r.source_id) for r in config.protected]
    rows += [(error.row, error) for error in config.errors]
    if not rows and config.issues:
        raise as_error(config.issues)
    if not rows:
        raise ConfigError(
            "the inventory has no usable row with the backup_method muniment",
            to=f"firm {config.firm_id}, inventory.csv",
        )
    for issue in config.issues:
        session.screen.note(issue.text)
    return [each for _, each in sorted(rows, key=lambda pair: pair[0])]


def _one(session: Session, source: str, accept_mass_deletion: bool) -> _Ended:
    from time import monotonic

    from muniment.backup.pipeline import back_up
    from muniment.backup.staging import clean_abandoned
    from muniment.evidence.recording import recorded_run
    from muniment.ids import new_run_id

    began = monotonic()
    failed: tuple[tuple[str, MunimentError], ...] = ()
    try:
        run_id = new_run_id()
        run = session.wiring.backup_run(source, run_id, accept_mass_deletion=accept_mass_deletion)
        clean_abandoned(session.firm.firm.staging, keep=run_id)
        with (
            session.screen.progress(f"Backing up {source}") as advance,
            recorded_run(run.vault, source, run_id, session.firm.digests) as outcomes,
        ):
            outcome = back_up(run, lambda stage, shard, done, total: advance(done, total))
            outcomes.append(outcome)
        failed = tuple(sorted(run.failed.items()))
    except MunimentError as error:
        return _Ended(source, monotonic() - began, error=error)
    return _Ended(source, monotonic() - began, outcome, failed_shards=failed)


def _print(session: Session, ended: _Ended) -> None:
    screen = session.screen
    if ended.error is not None:
        screen.err.print(f"{ended.source}: no snapshot was made", style="bold red", markup=False)
        screen.failure(ended.error, ended.exit)
        return
    outcome = ended.outcome
    assert outcome is not None
    counts = outcome.counts
    good = outcome.success
    screen.say(
        f"{ended.source}: snapshot {outcome.seq}, {outcome.completeness.replace('_', ' ')}, "
        f"{words.span(ended.seconds)}",
        style="bold green" if good else "bold red",
    )
    screen.facts(
        [
            ("items", words.number(counts["items"])),
            (
                "this run",
                f"{counts['added']:,} added, {counts['changed']:,} changed, {counts['renamed']:,} renamed,"
                f" {counts['removed']:,} removed",
            ),
            (
                "read, stored",
                f"{words.size(counts['read_bytes'])}, {words.size(counts['stored_bytes'])}",
            ),
            (
                "unassigned",
                f"{words.some(counts['unassigned'], 'item')} that no matter rule maps"
                if counts["unassigned"]
                else "",
            ),
            (
                "left to the next run",
                words.some(outcome.deferred_items, "item") if outcome.deferred_items else "",
            ),
        ]
    )
    _print_suspicion(session, ended.source, outcome)
    for cause in outcome.causes:
        accepted = "accepted" if cause["accepted"] else "not accepted"
        screen.note(
            f"  {words.some(cause['count'], 'item')}: {cause['cause']} ({accepted}); "
            f"`muniment ls {ended.source} --problems` names them"
        )
    for shards, error in _by_error(ended.failed_shards):
        named = ", ".join(shards[:SHOWN_SHARDS]) + (" ..." if len(shards) > SHOWN_SHARDS else "")
        screen.note(f"  {words.some(len(shards), 'shard')} unfinished: {named}", style="red")
        screen.failure(error, ended.exit)


def _print_suspicion(session: Session, source: str, outcome: Outcome) -> None:
    from muniment.cli.anomaly import sentence

    if not outcome.suspicious:
        return
    clean = outcome.last_clean
    session.screen.note(
        "  THIS LOOKS LIKE AN ATTACK. The snapshot is kept, and flagged:", style="bold red"
    )
    for sign in outcome.signs:
        session.screen.note(f"    {sentence(dict(sign))}", style="red")
    said = f"The last clean snapshot is {clean}" if clean else "There is no clean snapshot"
    session.screen.note(
        f"  {said}; nothing of {source} is forgotten until somebody clears it: `muniment anomaly show`, "
        "docs/ANOMALIES.md.",
        style="red",
    )


def _by_error(
    failed: Sequence[tuple[str, MunimentError]],
) -> Iterator[tuple[list[str], MunimentError]]:
    """Shards that failed alike, with the error of the first: a store that is away fails them all."""
    alike: dict[tuple[str, str], list[tuple[str, MunimentError]]] = {}
    for shard, error in failed:
        alike.setdefault((error.code, error.what), []).append((shard, error))
    for group in alike.values():
        yield [shard for shard, _ in group], group[0][1]
