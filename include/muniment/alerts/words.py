"""Words: an alert as people read it - what, where, safe, to do. Ids, codes, counts and times only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from muniment.alerts.model import Alert, Cause, Event, Happened, Scalar
from muniment.clock import to_text
from muniment.ids import sha256_hex


@dataclass(frozen=True, slots=True)
class CauseWords:
    """`what` may use the numbers of the alert in braces, and `{subject}`."""

    what: str
    safe: str
    todo: str


_EARLIER = "Every earlier snapshot is unharmed and can be restored."
_LOG = "Open the run of this source's backup in Airflow; the first red task's log ends with what to do."

WORDS: Mapping[Cause, CauseWords] = {
    Cause.NEVER_RUN: CauseWords(
        "{subject} has no snapshot at all; one was due at {due}",
        "Nothing is protected of this source yet.",
        "See in Airflow whether its backup DAG is switched on and the scheduler runs; then trigger it.",
    ),
    Cause.LATE: CauseWords(
        "{subject} has no new snapshot although one was due at {due}; the last good one is of {last_good}; "
        "run in progress: {began}",
        _EARLIER,
        "See in Airflow whether its backup DAG is switched on, waits or still runs; then trigger it.",
    ),
    Cause.FAILED: CauseWords(
        "the backup of {subject} failed ({times} in a row, {code}); the last good snapshot is of {last_good}",
        _EARLIER,
        _LOG,
    ),
    Cause.INCOMPLETE: CauseWords(
        "{subject}: incomplete snapshots in a row: {times} ({code}); the last good one is of {last_good}",
        "What could be taken is committed and restorable. " + _EARLIER,
        _LOG,
    ),
    Cause.ANOMALY: CauseWords(
        "snapshot {seq} of {subject} looks like an attack ({signals}: {count} of {of}); the last clean one is {last_clean}",
        "Everything is kept: the snapshot, and every earlier one. Nothing of {subject} is forgotten until this is "
        "cleared.",
        "Look at the source now, and take it off the network if it is an attack. `muniment anomaly show` says more; "
        "restore with `--as-of last-clean`. `muniment anomaly clear` ends this alert; docs/ANOMALIES.md.",
    ),
    Cause.CONFIGURATION: CauseWords(
        "the configuration is wrong and {subject} is not protected as it should be",
        _EARLIER,
        "Run `muniment doctor`; it names the file, the row or key, and what would be right.",
    ),
    Cause.TRUST_PAPERS_OVERDUE: CauseWords(
        "papers of the trust account {subject} are not in the vault: {papers}; due at {due}",
        "What was put into the upload folder {source} before is backed up as ever.",
        "Put them into the folder of this month and account; the next backup resolves this. "
        "`muniment papers` lists what is missing; docs/TRUST_PAPERS.md says how files are to be called.",
    ),
    Cause.VERIFICATION_FAILED: CauseWords(
        "the verification of {last} found something wrong",
        "Verification only reads.",
        "Open the tab Verification of that run, and docs/VERIFICATION.md.",
    ),
    Cause.VERIFICATION_OVERDUE: CauseWords(
        "nothing was verified for {days} days; a week is the rule",
        "Backups go on.",
        "See why the verification DAG does not run, and trigger it.",
    ),
    Cause.DRILL_FAILED: CauseWords(
        "the recovery drill of {last} did not pass",
        "A drill touches no production system.",
        "Read its run in Airflow and the partner's remarks, mend what they name, and hold it again.",
    ),
    Cause.DRILL_OPEN: CauseWords(
        "the recovery drill of {last} waits for the managing partner's answer for {days} days",
        "What it restored stands in its sandbox until then, and is removed afterwards.",
        "Ask for the answer: Airflow, Required Actions. Without one the drill is not held.",
    ),
    Cause.GLASS_BROKEN: CauseWords(
        "the restore {run} was let go by {people} without an approver; its review is due at {due}",
        "What was delivered is in its certificate. The vault was only read.",
        "Ask both what happened. An approver who is neither reviews it: `muniment approvals review {run}`.",
    ),
    Cause.DRILL_OVERDUE: CauseWords(
        "no recovery drill was held for {days} days; a quarter is the rule",
        "Backups and verification go on.",
        "Trigger the recovery drill in Airflow, and see that its DAG is switched on.",
    ),
    Cause.DRILL_SOURCE_OVERDUE: CauseWords(
        "nothing of {subject} came back in a recovery drill for {days} days; a year is the rule",
        "Its backups and the weekly verification go on.",
        "Trigger the recovery drill in Airflow: it draws what waited longest. `muniment drills` shows all.",
    ),
    Cause.DRILL_KIT_OVERDUE: CauseWords(
        "no drill was held from the recovery kit alone for {days} days; a year is the rule",
        "Backups, verification and the other drills go on.",
        "Hold one with who keeps the escrow identity: docs/DRILLS.md, 'From the recovery kit alone'.",
    ),
    Cause.CHECK_FAILED: CauseWords(
        "the daily check of {last} found damage or tampering in the store ({codes})",
        "It only reads. Restores take the true versions, and snapshots that it does not name are unharmed.",
        "Open the log of `check` in the checkpoint DAG; `muniment explain CODE` says more. Tell the "
        "managing partner.",
    ),
    Cause.CHECK_OVERDUE: CauseWords(
        "what is stored was last checked at {last}; a day is the rule",
        "Backups and restores go on.",
        "See why the task `check` of the checkpoint DAG does not run, or run `muniment check`.",
    ),
    Cause.CHECKPOINT_OVERDUE: CauseWords(
        "no checkpoint was signed since {last}",
        "Backups go on; the removal of newer snapshots could go unseen.",
        "See why the checkpoint DAG does not run, or run `muniment checkpoint`.",
    ),
    Cause.NOT_COVERED: CauseWords(
        "the vendor of {subject} lists {count} things that no row of the inventory covers: {things}",
        "What the inventory covers is backed up as ever.",
        "`muniment discovery` names them. Let a row cover them, or have them accepted for a time: docs/DISCOVERY.md.",
    ),
    Cause.DISABLED_UNCERTIFIED: CauseWords(
        "{count} accounts of {subject} were disabled, or went, without a certificate: {things}",
        "What earlier snapshots have of them is kept. The vendor deletes a mailbox about 30 days after its account or "
        "licence went.",
        "`muniment discovery` names them. Trigger the departure DAG for each now, while the vendor still has it: "
        "docs/DEPARTURES.md.",
    ),
    Cause.DISCOVERY_FAILED: CauseWords(
        "what vendors list could not be asked for: {codes}",
        "Backups are not touched by it. What was found before stays open.",
        "Open the red task of the discovery DAG; its log ends with what to do.",
    ),
    Cause.DISCOVERY_OVERDUE: CauseWords(
        "what vendors list was last held against the inventory at {last}; twice a day is the rule",
        "Backups go on. A new mailbox or a disabled account could go unseen.",
        "See why the discovery DAG does not run, and trigger it.",
    ),
    Cause.WORKSTATIONS: CauseWords(
        "of {count} people it cannot be shown that their computers are backed up: {things}; {overdue} overdue, the next "
        "is due at {due}",
        "Their mail and what lies in systems of the inventory is backed up as ever.",
        "`muniment discovery` names them and says what is lacking: docs/DISCOVERY.md.",
    ),
    Cause.STORE_UNREACHABLE: CauseWords(
        "the store {subject} does not answer ({code})",
        "What lies in it is unharmed; nothing new is backed up there meanwhile.",
        "See the store's status, the network and the credential. `muniment doctor` tries each.",
    ),
    Cause.TRUST_BROKEN: CauseWords(
        "the store {subject} cannot be tied to the key card ({code})",
        "Nothing is read from it as long as that is so.",
        "Compare vault id and root key with the printed key card. Tell the managing partner.",
    ),
    Cause.DAMAGE: CauseWords(
        "damage was found in the vault: {findings} findings ({codes})",
        "Snapshots that the findings do not name are unharmed.",
        "Run `muniment check`; `muniment explain CODE` says more.",
    ),
    Cause.TAMPERING: CauseWords(
        "somebody wrote into the vault where nobody writes: {findings} findings ({codes})",
        "Readers take the true versions; restores are not misled.",
        "Run `muniment check`, tell the managing partner, and replace the credential that was used.",
    ),
    Cause.SET_BACK: CauseWords(
        "snapshots that were there are gone from the store: {findings} findings ({codes})",
        "Everything up to the newest snapshot that is still there is unharmed.",
        "Keep the store as it is. Run `muniment check` with the mark known outside, and tell the "
        "managing partner.",
    ),
    Cause.LOCK_ENDING: CauseWords(
        "the lock of {objects} objects that snapshots need ends at {earliest}",
        "They are still there and still locked.",
        "See why the lock keeper does not run.",
    ),
    Cause.CHANNEL_DOWN: CauseWords(
        "the alert channel {subject} took nothing for more than a day ({cause}); {pending} notices wait",
        "No notice is lost: each is sent when the channel takes it.",
        "Mend the connection of this channel.",
    ),
    Cause.CANARY_LOST: CauseWords(
        "the weekly test alert has not arrived on every channel since {last}",
        "Alerts go out on the channels that work; those that wait are kept.",
        "Trigger the canary DAG, and look at the channel that does not take it.",
    ),
    Cause.WATCH_SILENT: CauseWords(
        "Airflow's watch has been silent for {minutes} minutes: the scheduler may be dead",
        "Snapshots that were made are unharmed. No backup starts while the scheduler is dead.",
        "Look at the scheduler on the Airflow machine, and start it again.",
    ),
    Cause.CANARY: CauseWords(
        "this is the weekly test: it failed on purpose, and you read this, so alerts arrive",
        "Everything.",
        "Nothing.",
    ),
}  # fmt: skip

_HEAD = {
    Happened.OPENED: "",
    Happened.UPDATED: "worse: ",
    Happened.ESCALATED: "still open: ",
    Happened.RESOLVED: "resolved: ",
    Happened.CANARY_SENT: "test: ",
}
_OBJECT = re.compile(
    r"(?:commits|bases|snapshots|state|packs|evidence|checkpoints|retention|keys|vault)/[a-z0-9_./-]{1,150}\Z"
)


@dataclass(frozen=True, slots=True)
class Text:
    """A notice in words."""

    what: str
    safe: str
    todo: str


class _Known(dict[str, Scalar]):
    def __missing__(self, key: str) -> str:
        return "?"


def text_of(alert: Alert) -> Text:
    words = WORDS[alert.cause]
    known = _Known({name: _shown(value) for name, value in alert.numbers.items()})
    known["subject"] = alert.subject or "the firm"
    for name in ("last_good", "began"):
        known.setdefault(name, "none")
    return Text(*(part.format_map(known) for part in (words.what, words.safe, words.todo)))


def subject_of(event: Event, firm: str) -> str:
    """One line for a mail's subject or a ticket's title."""
    alert = event.alert
    assert alert is not None
    said = text_of(alert).what
    if event.happened is Happened.CANARY_SENT:
        return f"[{firm}] {_HEAD[event.happened]}{said}"
    return f"[{firm}] {alert.severity.word.upper()}: {_HEAD.get(event.happened, '')}{said}"


def lines_of(event: Event, firm: str) -> list[str]:
    """The notice in full, a line each."""
    alert = event.alert
    assert alert is not None
    text = text_of(alert)
    lines = [
        subject_of(event, firm),
        f"  safe:     {text.safe}",
        f"  to do:    {text.todo}" if event.happened is not Happened.RESOLVED else "",
        f"  opened:   {to_text(alert.opened_at)}",
        f"  now:      {to_text(event.at)}",
        f"  owner:    {alert.owner}" if alert.owner else "",
        f"  day:      {alert.level} since it opened, and not mended" if alert.level else "",
        f"  evidence: {', '.join(map(safe_ref, alert.refs))}" if alert.refs else "",
        f"  alert:    {alert.key}, notice {event.notice_id}",
    ]
    return [line for line in lines if line]


def safe_ref(name: str) -> str:
    """An object's name if it is one that the vault gives; else a digest, for a stranger's object may be
    called after a client."""
    return name if _OBJECT.match(name) else f"object-{sha256_hex(name.encode())[:12]}"


def _shown(value: Scalar) -> Scalar:
    if value is None or value == "":
        return "none"
    return value
