"""WatchTasks: the watch and the canary of a firm, in terms of the engine. Both hold the operations keys."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from muniment.airflow.alert_channels import channels_of, heartbeat_of, owner_of
from muniment.airflow.names import firm_dag
from muniment.airflow.release_mail import remind, tell_of_broken_glass
from muniment.airflow.stores import open_destination
from muniment.alerts.canary import canary, canary_facts
from muniment.alerts.channels import Channel, flush
from muniment.alerts.facts import Facts, SourceFacts, WatchedSource
from muniment.alerts.gone import gone
from muniment.alerts.heartbeat import body_of
from muniment.alerts.ledger import EvidenceLedger, FileLedger
from muniment.alerts.model import Event, Happened
from muniment.alerts.observe import Observed, observe, record_watch
from muniment.alerts.papers import PapersSeen, see_papers
from muniment.alerts.watch import Looked, known_since, look
from muniment.alerts.words import subject_of, text_of
from muniment.config.load import FirmConfig
from muniment.errors import CanaryFailed, DeliveryError, MunimentError, StoreError, TrustError
from muniment.evidence.configuration import note_configuration
from muniment.vault.vault import Vault
from muniment.wiring import Wiring

log = logging.getLogger(__name__)


@dataclass
class _Seen:
    """What all stores of a firm say together."""

    stores: dict[str, Observed] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    untrusted: dict[str, str] = field(default_factory=dict)
    silent: list[WatchedSource] = field(default_factory=list)
    papers: tuple[PapersSeen, ...] | None = ()

    def newest_good(self, source: str) -> str:
        """Digest of its newest commit that counts as success; empty where none of the newest does."""
        facts = (f for each in self.stores.values() for f in each.sources)
        runs = [r for f in facts if f.watched.source == source for r in f.runs if r.success]
        return runs[-1].digest if runs else ""

    @property
    def heads(self) -> list[tuple[str, int, str]]:
        found = {s: head for seen in self.stores.values() for s, head in seen.heads.items()}
        return [(source, seq, digest) for source, (seq, digest) in sorted(found.items())]


class WatchTasks:
    """Of one firm. The ledger lies in the first destination of firm.yaml, the firm's home."""

    def __init__(self, config: FirmConfig) -> None:
        self._config = config
        self._wiring = Wiring(config, open_destination)
        self._home = next(iter(config.firm.destinations))

    # -- the watch ---------------------------------------------------------------------------------

    def watch(self) -> dict[str, Any]:
        """One look. Raises StoreError or TrustError after it has told that the home store is away, and
        DeliveryError when nobody took the sign of life."""
        channels = channels_of(self._config)
        now = self._wiring.clock.now()
        vault = self._wiring.vault("operations", self._home)
        try:
            ledger = EvidenceLedger(vault)
            seen = self._observe(ledger)
        except (StoreError, TrustError) as error:
            self._tell_without_the_vault(error, channels, now)
            raise
        facts = self._facts(ledger, seen, channels, now)
        looked = look(facts, ledger, channels, self._config.firm_id)
        self._store_is_back(channels, now)
        self._say(looked)
        self._tell_of_restores(vault)
        heads = seen.heads
        home = seen.stores.get(self._home)
        record_watch(vault, looked.as_facts())
        body = body_of(
            self._config.firm_id, now, heads, home.mark if home else "", len(looked.open)
        )
        self._beat(looked.good, body)
        return {
            **looked.as_facts(),
            "mark": home.mark if home else "",
            "heads": {source: f"{seq}/{digest}" for source, seq, digest in heads},
        }

    def _tell_of_restores(self, vault: Vault) -> None:
        """Mails whom a restore waits for, and of one that two people let go. No failure of it is the watch's."""
        try:
            remind(self._config, vault, firm_dag(self._config.firm_id, "restore_matter"))
            tell_of_broken_glass(self._config, vault)
        except MunimentError as error:
            log.error("Nobody was mailed about restores: [%s] %s", error.code, error.what)

    def _observe(self, ledger: EvidenceLedger) -> _Seen:
        """Raises StoreError, TrustError for the home store only."""
        now = self._wiring.clock.now()
        seen = _Seen()
        by_place: dict[str, list[WatchedSource]] = {self._home: []}
        for row in self._config.protected:
            watched = WatchedSource.of(
                row, self._config.firm.time_zone, owner_of(self._config, row.owner)
            )
            by_place.setdefault(row.destination, []).append(watched)
        # Where they lay is not noted: of a home that has nothing of them the alarm is the same.
        by_place[self._home] += gone(ledger.book.watched, self._config)
        for name, sources in by_place.items():
            wanted = known_since(ledger.book, sources, now)
            home = name == self._home
            try:
                vault = self._wiring.vault("operations", name)
                self._note_configuration(vault, name)
                seen.stores[name] = observe(vault, wanted, home=home)
            except (StoreError, TrustError) as error:
                if home:
                    raise
                away = seen.unreachable if isinstance(error, StoreError) else seen.untrusted
                away[name] = error.code
                seen.silent += wanted
        seen.stores[self._home].findings += ledger.findings
        seen.papers = self._papers(ledger, seen)
        return seen

    def _papers(self, ledger: EvidenceLedger, seen: _Seen) -> tuple[PapersSeen, ...] | None:
        """Which papers of trust accounts the vault lacks; where that cannot be seen now, what was last
        seen; None where nothing ever was."""
        settings = self._config.firm.trust_papers
        known = tuple(ledger.book.papers.values()) or None
        if settings is None:
            # A part of firm.yaml that was spoiled, or lost while its folder is there, ends no alarm.
            wrong = any(i.key.startswith("trust_papers") for i in self._config.issues)
            return known if wrong else ()
        row = next((r for r in self._config.protected if r.source_id == settings.source), None)
        if row is None:
            return known
        before = ledger.book.papers.get(row.source_id)
        owner = owner_of(self._config, self._config.firm.roles.office_manager or row.owner)
        try:
            found = see_papers(
                self._wiring.vault("operations", row.destination), settings,
                self._config.firm.time_zone, owner, seen.newest_good(row.source_id), before,
            )  # fmt: skip
        except MunimentError as error:
            log.error(
                "Papers of trust accounts cannot be looked at: [%s] %s", error.code, error.what
            )
            return (before,) if before else None
        return (found,)

    def _note_configuration(self, vault: Vault, name: str) -> None:
        """By the hour, because a day is judged by the inventory in force. Raises StoreError, TrustError;
        nothing else of it keeps the watch from looking."""
        try:
            if note_configuration(vault, self._config, name):
                log.info("The firm's documents changed: they are noted in the evidence")
        except (StoreError, TrustError):
            raise
        except MunimentError as error:
            log.error("The firm's documents are not noted: [%s] %s", error.code, error.what)

    def _facts(
        self, ledger: EvidenceLedger, seen: _Seen, channels: list[Channel], now: datetime
    ) -> Facts:
        home = seen.stores[self._home]
        names = [channel.name for channel in channels]
        findings = [f for each in seen.stores.values() for f in each.findings]
        silent = [SourceFacts(each, readable=False) for each in seen.silent]
        return Facts(
            now,
            sources=(*(s for each in seen.stores.values() for s in each.sources), *silent),
            began=min((s.began for s in seen.stores.values() if s.began), default=None),
            verification=home.verification,
            drill=home.drill,
            drill_open=home.drill_open,
            reviews=home.reviews,
            drilled=home.drilled,
            discovered=home.discovered,
            checkpoint=home.checkpoint,
            check=home.check,
            # What a store that is away would say is not known, so nothing of it is resolved.
            findings=None if seen.unreachable or seen.untrusted else tuple(findings),
            unreachable=seen.unreachable,
            untrusted=seen.untrusted,
            papers=seen.papers,
            configuration=_wrong(self._config),
            channels=ledger.book.health(names),
            canary=canary_facts(ledger.book, names),
            owner=owner_of(self._config),
        )

    # -- while the home store is away --------------------------------------------------------------

    def _spare(self) -> FileLedger:
        """Where is remembered what was told while the vault itself cannot be asked."""
        return FileLedger(self._config.firm.staging / "watch" / "alerts.json")

    def _tell_without_the_vault(
        self, error: StoreError | TrustError, channels: list[Channel], now: datetime
    ) -> None:
        ledger = self._spare()
        away = {self._home: error.code}
        reached = isinstance(error, TrustError)
        facts = Facts(
            now,
            unreachable={} if reached else away,
            untrusted=away if reached else {},
            channels=ledger.book.health(c.name for c in channels),
            home_readable=False,
            owner=owner_of(self._config),
        )
        looked = look(facts, ledger, channels, self._config.firm_id, record=False)
        self._say(looked)
        self._beat(False, body_of(self._config.firm_id, now, [], "", len(looked.open)))

    def _store_is_back(self, channels: list[Channel], now: datetime) -> None:
        path: Path = self._spare().path
        if not path.exists():
            return
        ledger = self._spare()
        facts = Facts(now, home_readable=False, owner=owner_of(self._config))
        look(facts, ledger, channels, self._config.firm_id, record=False)
        if ledger.empty:
            path.unlink(missing_ok=True)

    # -- the canary --------------------------------------------------------------------------------

    def fail_on_purpose(self) -> None:
        """Raises CanaryFailed, always."""
        raise CanaryFailed("this task fails on purpose: it is the weekly test of the alerts")

    def tell_canary(self) -> None:
        """What the failure's callback does: the test goes the way of a real alert."""
        ledger = EvidenceLedger(self._wiring.vault("operations", self._home))
        now = self._wiring.clock.now()
        event = canary(now, owner_of(self._config))
        ledger.append(event)
        channels = channels_of(self._config)
        for channel in channels:
            self._note(ledger, channel.name, now)
        taken, failed = flush(ledger.book, channels, self._config.firm_id, now, ledger.append)
        ledger.close()
        log.info("The canary was sent: %d notices taken, %d attempts failed", taken, failed)

    def arrived(self, since: datetime) -> dict[str, str]:
        """Compares receipts with channels. Raises CanaryFailed when one has not taken the canary that
        was sent at or after `since`."""
        ledger = EvidenceLedger(self._wiring.vault("operations", self._home))
        names = [channel.name for channel in channels_of(self._config)]
        if not names:
            raise CanaryFailed(
                "this firm has no alert channel, so nobody is told anything",
                to=f"firm {self._config.firm_id}",
                todo="Name mail or a webhook in firm.yaml, `alerts` (docs/ALERTS.md).",
            )
        sent = {name: ledger.book.arrived.get(name) for name in names}
        late = sorted(name for name, at in sent.items() if at is None or at < since)
        if late:
            raise CanaryFailed(
                f"the test alert has not arrived on: {', '.join(late)}",
                to=f"firm {self._config.firm_id}",
                todo="See the channel's connection. The watch tries again, and tells it on the others.",
            )
        return {name: at.isoformat() for name, at in sent.items() if at}

    # -- parts -------------------------------------------------------------------------------------

    def _note(self, ledger: EvidenceLedger, channel: str, now: datetime) -> None:
        if channel not in ledger.book.channels:
            ledger.append(Event(Happened.CHANNEL, channel, now))

    def _beat(self, good: bool, body: str) -> None:
        heartbeat = heartbeat_of(self._config)
        if heartbeat is None:
            return
        try:
            heartbeat.beat(good, body)
        except DeliveryError as error:
            # Who does not get it tells: that is what he is for. The next watch tries again.
            log.error("The sign of life was not taken: %s", error.what)

    def _say(self, looked: Looked) -> None:
        for event in looked.events:
            log.warning("%s", subject_of(event, self._config.firm_id))
        for alert in looked.open:
            log.info("Open: %s: %s", alert.severity.word, text_of(alert).what)
        log.info(
            "Open: %d. Notices taken now: %d; still to be taken: %d; attempts that failed: %d",
            len(looked.open), looked.taken, looked.untold, looked.failed_attempts,
        )  # fmt: skip


def _wrong(config: FirmConfig) -> tuple[str, ...]:
    wrong = tuple(error.label for error in config.errors)
    return (*wrong, "firm") if config.issues else wrong
