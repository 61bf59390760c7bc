"""Checkup: what `doctor` looks at, one function a subject, each giving symptoms.

A symptom that cannot be looked at because of an earlier one is left out: the first thing to mend is
enough.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, cast

from muniment.cli import words
from muniment.cli.exits import Exit, exit_of
from muniment.config.vendor_backup import VENDOR_BACKUP
from muniment.errors import MunimentError

if TYPE_CHECKING:
    from muniment.cli.session import Session
    from muniment.config.firm import Destination
    from muniment.sources.base import Source
    from muniment.sources.vendor_backups.source import VendorBackupSource
    from muniment.vault.history import History
    from muniment.vault.store.base import Store
    from muniment.vault.vault import Vault

CHECKPOINT_OLD = timedelta(days=2)
"""It is made daily; one missed is a bad night, two are a fault."""

PROGRAMS = {
    "age": "recovery by hand; `apt-get install age` or https://age-encryption.org",
    "zstd": "recovery by hand; `apt-get install zstd`",
    "tar": "recovery by hand",
}


class State(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Symptom:
    """`what` was seen, `todo` how to mend it, `exit` the exit code when it is bad."""

    about: str
    state: State
    what: str
    todo: str = ""
    exit: Exit = Exit.CONFIGURATION

    def as_dict(self) -> dict[str, str]:
        return {
            "about": self.about,
            "state": self.state.value,
            "what": self.what,
            "todo": self.todo,
        }


def examine(session: Session, probe: bool) -> Iterator[Symptom]:
    """Everything, in the order in which it is to be mended."""
    from muniment.cli.places import staging

    try:
        config = session.firm
    except MunimentError as error:
        yield _bad("configuration", error)
        yield from _programs()
        return
    yield from _configuration(session)
    answering = set()
    for name, destination in config.firm.destinations.items():
        if (yield from _store(session, name, destination, probe)):
            answering.add(name)
    has_vault = session.reading_destination in answering and config.firm.vault is not None
    yield from _keys(session, has_vault)
    if config.firm.vault is None:
        yield Symptom(
            "vault", State.BAD, "this firm has no vault yet", "Create it with `muniment init-firm`."
        )
    else:
        several = len(config.firm.destinations) > 1
        for name in (n for n in config.firm.destinations if n in answering):
            about = f"vault at {name}" if several else "vault"
            yield from _guarded(about, lambda n=name, a=about: _vault(session, n, a))  # type: ignore[misc]
    yield from _sources(session)
    yield from _guarded("staging", lambda: staging(session))
    yield from _programs()


def _bad(about: str, error: MunimentError) -> Symptom:
    what = f"[{error.code}] {error.what}" + (f" ({error.to})" if error.to else "")
    return Symptom(about, State.BAD, what, error.todo, exit_of(error))


def _guarded(about: str, look: Callable[[], Iterator[Symptom]]) -> Iterator[Symptom]:
    try:
        yield from look()
    except MunimentError as error:
        yield _bad(about, error)


# -- configuration and keys ----------------------------------------------------------------------


def _configuration(session: Session) -> Iterator[Symptom]:
    from muniment.cli.persons import approvals, deliveries, trust_lawyer
    from muniment.config.risks import risks

    config = session.firm
    for row in config.errors:
        for issue in row.issues:
            yield Symptom("configuration", State.BAD, f"{issue.where}: {issue.what}", issue.right)
    for issue in config.issues:
        yield Symptom("configuration", State.WARNING, f"{issue.where}: {issue.what}", issue.right)
    good = f"{words.some(len(config.rows), 'row')} of the inventory, {len(config.protected)} backed up here"
    yield Symptom("configuration", State.GOOD, good)
    yield from trust_lawyer(session)
    yield approvals(session)
    yield deliveries(session)
    for risk in risks(config.firm, config.rows, session.clock.now()):
        yield Symptom("risks", State.WARNING, f"{risk.source_id}: {risk.text}")


def _keys(session: Session, has_vault: bool) -> Iterator[Symptom]:
    from muniment.config.keyfiles import read_role_keys, separation

    keys = session.firm.firm.keys
    found = separation(keys)
    state = State.GOOD if found.separated else State.WARNING
    yield Symptom("keys", state, found.text)
    for role in found.readable:
        try:
            read_role_keys(keys, role)
        except MunimentError as error:
            yield _bad("keys", error)
            continue
        if has_vault:
            yield from _guarded("keys", lambda role=role: _belong(session, role))  # type: ignore[misc]


def _belong(session: Session, role: str) -> Iterator[Symptom]:
    """Are the role's keys those that the vault document names?"""
    vault = session.acting(role)
    newest = vault.trust.newest
    entry = vault.trust.signer(vault.signer.keyid)
    holders = {h.recipient: h.role for h in newest.holders if h.until is None}
    roles = {holders.get(str(i.recipient), "") for i in vault.identities}
    todo = "Put the right key files there, or have root sign the new ones (`muniment keys`)."
    if entry is None or entry.role != role:
        yield Symptom("keys", State.BAD, f"{role}: the vault does not know this signing key", todo)
    elif entry.revoked:
        yield Symptom("keys", State.BAD, f"{role}: this signing key is revoked", todo)
    elif "" in roles:
        yield Symptom("keys", State.BAD, f"{role}: nothing is sealed to this identity", todo)
    elif "escrow" in roles:
        what = f"{role}: this is an escrow identity, which opens everything and belongs in the safe"
        yield Symptom("keys", State.BAD, what, f"Take it off this machine. {todo}")
    elif roles - {role}:
        what = f"{role}: this identity is that of another role ({', '.join(sorted(roles))})"
        yield Symptom("keys", State.BAD, what, todo)
    else:
        yield Symptom("keys", State.GOOD, f"{role}: the vault knows its keys")


# -- stores --------------------------------------------------------------------------------------


def _store(
    session: Session, name: str, destination: Destination, probe: bool
) -> Generator[Symptom, None, bool]:
    """Returns whether the store answers at all."""
    about = f"destination {name}"
    answers = False
    try:
        yield from _reachable(session, about, destination)
        answers = True
        if probe:
            yield from _locks(session, about, destination)
    except MunimentError as error:
        yield _bad(about, error)
    return answers


def _reachable(session: Session, about: str, destination: Destination) -> Iterator[Symptom]:
    from muniment.cli.places import account

    name = about.removeprefix("destination ")
    store = _untiring(session.wiring.store(name, session.store_role()))
    yield from account(session, about, destination)
    any(True for _ in store.list("vault/"))
    yield Symptom(about, State.GOOD, f"{store.label} answers")
    theirs = store.now()
    if theirs is None:
        return
    offset = abs((session.clock.now() - theirs).total_seconds())
    limit = session.firm.firm.clock_tolerance.total_seconds()
    if offset > limit:
        yield Symptom(
            about,
            State.BAD,
            f"this machine's clock and the store's differ by {words.span(offset)}: no backup will run",
            "Set the clock (NTP) of this machine.",
        )
    else:
        yield Symptom(about, State.GOOD, f"clocks agree within {words.span(max(offset, 1))}")


def _untiring(store: Store) -> Store:
    """Without the waiting for better times: a person wants to know now, and an attack must not be
    tried again and again."""
    inner: Store = getattr(store, "inner", store)
    return inner


def _locks(session: Session, about: str, destination: Destination) -> Iterator[Symptom]:
    from muniment.vault.store.probe import Verdict
    from muniment.vault.store.probe import probe as perform

    # Retention's access key proves most: it may delete, so that only a lock can refuse it.
    name = about.removeprefix("destination ")
    store = _untiring(session.wiring.store(name, session.store_role("retention")))
    result = perform(store, session.clock)
    what = f"locks {result.verdict.value}: {result.reason}"
    if result.verdict is Verdict.ENFORCED:
        yield Symptom(about, State.GOOD, what)
    elif destination.lock:
        yield Symptom(
            about,
            State.BAD,
            what,
            "Turn on Object Lock (COMPLIANCE) with a default retention for this bucket.",
            Exit.STORE,
        )
    else:
        yield Symptom(
            about,
            State.WARNING,
            what,
            "Whoever gets at this store can delete it: keep a second copy that is locked or offline.",
        )


# -- the vault -----------------------------------------------------------------------------------


def _vault(session: Session, name: str, about: str) -> Iterator[Symptom]:
    """The vault at one destination, and the sources that are backed up to it."""
    from muniment.vault.checkpoints import load_checkpoints
    from muniment.vault.history import sources_in

    vault = session.wiring.vault_with((), None, name, session.store_role())
    trust = vault.trust
    yield Symptom(
        about,
        State.GOOD,
        f"root key and vault id agree; document {trust.newest.number} is in force",
    )
    for finding in trust.findings:
        yield Symptom(about, State.BAD, finding.line(), "Run `muniment check`.", Exit.DAMAGE)
    checkpoints, _ = load_checkpoints(vault.store, trust)
    now = session.clock.now()
    if not checkpoints:
        what = "there is no checkpoint yet: a store that is set back would not be noticed"
        yield Symptom(
            about, State.WARNING, what, "Run `muniment checkpoint` and keep its mark outside."
        )
    elif now - checkpoints[-1].value.at > CHECKPOINT_OLD:
        age = words.span((now - checkpoints[-1].value.at).total_seconds())
        yield Symptom(
            about,
            State.WARNING,
            f"the newest checkpoint is {age} old",
            "Run `muniment checkpoint`.",
        )
    known = sources_in(vault.store)
    for row in (r for r in session.firm.protected if r.destination == name):
        if vault.keyring.latest_number(f"id-{row.source_id}") == 0:
            yield Symptom(
                about,
                State.BAD,
                f"{row.source_id}: the vault has no key for its item ids yet",
                f"Run `muniment keys add-source {row.source_id}` where operations' keys are.",
            )
            continue
        if row.source_id not in known:
            yield Symptom(
                about,
                State.WARNING,
                f"{row.source_id}: no snapshot yet",
                "Run `muniment backup`.",
            )
            continue
        history = vault.history(row.source_id)
        head = history.live[-1] if history.live else None
        if head is None:
            yield Symptom(
                about,
                State.WARNING,
                f"{row.source_id}: nothing can be restored",
                "Run `muniment check`.",
            )
            continue
        yield from _suspicion(vault, history, about)
        late = head.commit.next_due is not None and head.commit.next_due < now
        when = words.moment(head.commit.ended_at, session.zone)
        what = f"{row.source_id}: newest snapshot {head.seq}, {when}"
        yield Symptom(
            about,
            State.WARNING if late else State.GOOD,
            what + (": a run is overdue" if late else ""),
            "See why it did not run, or run `muniment backup`." if late else "",
        )


def _suspicion(vault: Vault, history: History, about: str) -> Iterator[Symptom]:
    from muniment.vault.suspicion import suspicions

    found = suspicions(vault, history)
    if not found.open:
        return
    clean = f"the last clean one is {found.last_clean.seq}" if found.last_clean else "none is clean"
    yield Symptom(
        about,
        State.BAD,
        f"{history.source}: snapshot {found.open[0].seq} looks like an attack; {clean}, and nothing is "
        "forgotten",
        "See `muniment anomaly show`; docs/ANOMALIES.md.",
        Exit.ALARM,
    )


# -- this machine --------------------------------------------------------------------------------


def _sources(session: Session) -> Iterator[Symptom]:
    for row in session.firm.protected:
        about = f"source {row.source_id}"
        guard = session.firm.options(row.source_id).anomaly
        if not guard.watch:
            what = f"nobody asks whether a run looks like an attack: {guard.reason}"
            yield Symptom(about, State.WARNING, what, "See docs/ANOMALIES.md.")
        try:
            source = session.wiring.source(row.source_id)
            health = source.probe()
        except MunimentError as error:
            yield _bad(about, error)
            continue
        facts = ", ".join(f"{key} {value}" for key, value in health.facts.items())
        if health.facts.get("could_write"):
            yield Symptom(
                about,
                State.WARNING,
                f"the application that reads could also write: {health.facts['could_write']}",
                "Take these permissions from it: whoever steals the worker could alter what is backed up.",
            )
        if health.facts.get("readers_lacking"):
            yield Symptom(
                about,
                State.WARNING,
                f"what reads Outlook's files is not installed here: {health.facts['readers_lacking']}",
                "Archives are taken, and the run is incomplete: install `muniment[mail]` on the worker; docs/MAIL_ARCHIVES.md.",
            )
        yield Symptom(about, State.GOOD, f"is there ({facts})" if facts else "is there")
        if row.system == "m365":
            from muniment.cli.m365_checkup import restore_registration

            yield from restore_registration(session, row.source_id, about)
        settings = session.firm.firm.trust_papers
        if settings is not None and settings.source == row.source_id and row.folder is not None:
            from muniment.cli.papers import upload_folder

            yield from upload_folder(session, settings, row.folder, about)
        if row.system == VENDOR_BACKUP:
            yield from _guarded(about, partial(_backup_sets, session, source, about))


def _backup_sets(session: Session, source: Source, about: str) -> Iterator[Symptom]:
    from muniment.cli.backup_sets import backup_sets

    yield from backup_sets(cast("VendorBackupSource", source), about, session.clock.now())


def _programs() -> Iterator[Symptom]:
    for name, use in PROGRAMS.items():
        if shutil.which(name):
            yield Symptom("programs", State.GOOD, f"{name} is installed")
        else:
            yield Symptom(
                "programs", State.WARNING, f"{name} is not installed", f"Needed for {use}."
            )
