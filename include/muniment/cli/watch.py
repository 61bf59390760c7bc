"""watch: from another host, with read access to the store only, it tells what is wrong.

It needs no key and no Airflow: what is due stands in the signed commits and evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from muniment.cli import forms
from muniment.cli.exits import Exit
from muniment.cli.options import session_of
from muniment.errors import ConfigError, DeliveryError, StoreError, TrustError

if TYPE_CHECKING:
    from muniment.alerts.facts import Facts, WatchedSource
    from muniment.alerts.ledger import FileLedger
    from muniment.alerts.observe import Observed
    from muniment.alerts.reconcile import Judgement
    from muniment.alerts.settings import NotifySettings
    from muniment.alerts.watch import Looked
    from muniment.cli.session import Session

_COMMIT = re.compile(r"^([a-z0-9][a-z0-9_-]*)/([0-9]{1,8})/([0-9a-f]{8,64})$", re.M)
_STYLES = {"critical": "bold red", "serious": "red", "warning": "yellow"}


def register(app: forms.Group) -> None:
    app.command("watch", panel="Prove")(watch)


def watch(
    ctx: forms.Context,
    notify: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE",
            help="Settings of mail, webhook and heartbeat (mode 0600): also tells what is new.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE",
            help="Where it remembers what it told and saw; else beside --notify. Without both it "
            "remembers nothing.",
        ),
    ] = None,
    since_heartbeat: Annotated[
        Path | None,
        forms.Option(
            metavar="FILE",
            help="A heartbeat as its receiver kept it: the commits in it must still be there.",
        ),
    ] = None,
) -> None:
    """Says what is wrong: backups that are due and not there, a scheduler that is dead, a store that
    was set back, proofs that are overdue.

    For cron on another host, every five minutes. Reads the store, writes nothing into it and needs no
    key. Exit code 0: nothing is wrong; 11: something is, or could not be told.
    """
    from muniment.alerts.evaluate import evaluate
    from muniment.alerts.ledger import FileLedger, only_one
    from muniment.alerts.settings import NotifySettings, read_settings
    from muniment.alerts.watch import look

    session = session_of(ctx)
    settings = read_settings(notify) if notify else NotifySettings()
    memory = state or (notify.with_name(notify.name + ".state") if notify else None)
    channels = settings.channels()
    if memory is None:
        facts, seen = _look(session, settings, None, since_heartbeat)
        _answer(session, evaluate(facts), facts, seen, None, "")
        return
    with only_one(memory) as alone:
        if not alone:
            raise ConfigError(
                "another watch is at work with the same memory",
                to=str(memory),
                todo="Nothing if it passes: the next one looks again.",
            )
        ledger = FileLedger(memory)
        facts, seen = _look(session, settings, ledger, since_heartbeat)
        looked = look(facts, ledger, channels, _firm(session, settings), record=False)
        if seen is not None:
            _remember(memory, seen)
    failed = _beat(session, settings, looked, seen)
    _answer(session, evaluate(facts), facts, seen, looked, failed)


# -- facts -----------------------------------------------------------------------------------------


def _look(
    session: Session,
    settings: NotifySettings,
    ledger: FileLedger | None,
    since: Path | None,
) -> tuple[Facts, Observed | None]:
    from muniment.alerts.facts import Facts
    from muniment.alerts.gone import gone
    from muniment.alerts.ledger import EvidenceLedger
    from muniment.alerts.observe import observe, sources_without_documents
    from muniment.alerts.watch import known_since

    now = session.clock.now()
    owner = settings.owner or (_owner(session) if session.has_firm else "")
    name = session.reading_destination if session.has_firm else "store"
    channels = ledger.book.health(c.name for c in settings.channels()) if ledger else ()
    try:
        vault = session.keyless()
        inside = EvidenceLedger(vault)
        known = inside.book.watched
        if session.has_firm:
            # Where nothing in Airflow has noted it yet, a source counts from the vault's beginning.
            since_then = vault.trust.documents[0].value.created_at
            wanted = [*_inventory(session, owner), *gone(known, session.firm)]
            watched: Sequence[WatchedSource] = known_since(inside.book, wanted, since_then)
        else:
            watched = sources_without_documents(vault, known)
        heads = _known(ledger.path if ledger else None, since)
        seen = observe(vault, watched, known=heads)
        seen.findings += inside.findings
    except StoreError as error:
        facts = Facts(
            now, unreachable={name: error.code}, channels=channels, outside=True,
            home_readable=False, owner=owner,
        )  # fmt: skip
        return facts, None
    except TrustError as error:
        facts = Facts(
            now, untrusted={name: error.code}, channels=channels, outside=True,
            home_readable=False, owner=owner,
        )  # fmt: skip
        return facts, None
    return (
        Facts(
            now,
            sources=tuple(seen.sources),
            began=seen.began,
            verification=seen.verification,
            drill=seen.drill,
            drill_open=seen.drill_open,
            reviews=seen.reviews,
            drilled=seen.drilled,
            discovered=seen.discovered,
            checkpoint=seen.checkpoint,
            check=seen.check,
            findings=tuple(seen.findings),
            papers=tuple(inside.book.papers.values()),
            configuration=_configuration(session),
            channels=channels,
            watch_at=seen.watch_at,
            outside=True,
            owner=owner,
        ),
        seen,
    )


def _inventory(session: Session, owner: str) -> list[WatchedSource]:
    """The sources whose snapshots lie in the store that is looked at."""
    from muniment.alerts.facts import WatchedSource

    config = session.firm
    here = session.reading_destination
    return [
        WatchedSource.of(row, config.firm.time_zone, _known_person(session, row.owner) or owner)
        for row in config.protected
        if row.destination == here
    ]


def _known_person(session: Session, owner: str) -> str:
    return owner if owner in session.firm.firm.people else ""


def _owner(session: Session) -> str:
    roles = session.firm.firm.roles
    return roles.technicians[0] if roles.technicians else roles.managing_partner


def _firm(session: Session, settings: NotifySettings) -> str:
    return settings.firm or (session.firm.firm_id if session.has_firm else "firm")


def _configuration(session: Session) -> tuple[str, ...]:
    if not session.has_firm:
        return ()
    wrong = tuple(error.label for error in session.firm.errors)
    return (*wrong, "firm") if session.firm.issues else wrong


def _known(memory: Path | None, since: Path | None) -> Mapping[str, tuple[int, str]]:
    """Commits that were seen before: by this watcher, and in a heartbeat that somebody kept."""
    import json

    known: dict[str, tuple[int, str]] = {}
    heads = _heads_file(memory) if memory else None
    if heads and heads.exists():
        try:
            found = json.loads(heads.read_text(encoding="utf-8"))
            known = {source: (int(seq), str(digest)) for source, (seq, digest) in found.items()}
        except (OSError, ValueError, TypeError):
            raise ConfigError(
                "the file of the commits that this watch saw cannot be read",
                to=str(heads),
                todo="Move it away: the watch then begins anew.",
            ) from None
    if since is not None:
        try:
            text = since.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise forms.BadParameter(
                f"--since-heartbeat cannot be read ({error.strerror})"
            ) from None
        for source, seq, digest in _COMMIT.findall(text):
            if int(seq) > known.get(source, (0, ""))[0]:
                known[source] = (int(seq), digest)
    return known


def _heads_file(memory: Path) -> Path:
    return memory.with_name(memory.name + ".heads")


def _remember(memory: Path, seen: Observed) -> None:
    """Keeps the newest commits, unless the store has gone back behind them."""
    import json
    import os

    from muniment.alerts.evaluate import SET_BACK_CODES

    if any(f.code in SET_BACK_CODES for f in seen.findings):
        return
    path = _heads_file(memory)
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(seen.heads), encoding="utf-8")
    os.replace(beside, path)


# -- what is said ----------------------------------------------------------------------------------


def _beat(session: Session, settings: NotifySettings, looked: Looked, seen: Observed | None) -> str:
    """This watcher's own sign of life; the cause when nobody took it."""
    from muniment.alerts.heartbeat import body_of

    heartbeat = settings.sign_of_life()
    if heartbeat is None:
        return ""
    heads = [(s, seq, digest) for s, (seq, digest) in sorted(seen.heads.items())] if seen else []
    body = body_of(
        _firm(session, settings), looked.at, heads, seen.mark if seen else "", len(looked.open)
    )
    try:
        heartbeat.beat(looked.good and seen is not None, body)
    except DeliveryError as error:
        return error.what
    return ""


def _answer(
    session: Session,
    judged: Judgement,
    facts: Facts,
    seen: Observed | None,
    looked: Looked | None,
    heartbeat: str,
) -> None:
    from muniment.alerts.model import Alert, Condition
    from muniment.alerts.watch import alert_dict
    from muniment.clock import to_text

    def as_alert(condition: Condition) -> Alert:
        return Alert(
            condition.key, condition.cause, condition.severity, condition.since or facts.now,
            facts.now, condition.subject, condition.owner, 0, condition.at_once, 1,
            condition.numbers, condition.refs,
        )  # fmt: skip

    wrong = [alert_dict(a) for a in (looked.open if looked else map(as_alert, judged.conditions))]
    untold = bool(looked and looked.failed_attempts) or bool(heartbeat)
    data: dict[str, Any] = {
        "at": to_text(facts.now),
        "wrong": wrong,
        "watch_at": to_text(facts.watch_at) if facts.watch_at else None,
        "mark": seen.mark if seen else "",
        "sources": {
            s.watched.source: {
                "newest": s.runs[-1].seq if s.runs else None,
                "last_good": _last_good(s.runs),
            }
            for s in facts.sources
        },
        "told": looked.taken if looked else 0,
        "untold": looked.untold if looked else 0,
        "heartbeat": heartbeat or None,
    }

    def human() -> None:
        screen = session.screen
        for each in wrong:
            screen.say(f"{each['severity']}: {each['what']}", style=_STYLES[each["severity"]])
            screen.say(f"  to do: {each['todo']}")
        if looked and looked.untold:
            screen.say(f"{looked.untold} notices wait for a channel to take them", style="red")
        if heartbeat:
            screen.say(f"the heartbeat was not taken: {heartbeat}", style="red")
        if not wrong and not untold:
            screen.say("GOOD: nothing is wrong.", style="bold green")

    code = Exit.ALARM if wrong or untold or data["untold"] else Exit.GOOD
    session.screen.answer("watch", data, human, code)


def _last_good(runs: Sequence[Any]) -> str | None:
    from muniment.clock import to_text

    good = [r.ended_at for r in runs if r.success]
    return to_text(max(good)) if good else None
