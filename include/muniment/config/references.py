"""What one part of firm.yaml says about another: every name that is used must be somebody's.

Pure functions over a parsed firm; they return issues and change nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from muniment.config.approvals import flaws
from muniment.config.firm import Firm
from muniment.config.inventory import InventoryRow
from muniment.config.issues import FIRM_YAML, ConfigIssue, listed_words, suggestion
from muniment.config.papers import TRUST_PAPERS
from muniment.config.policy import AcceptedException, Records
from muniment.config.yaml_text import Document, Place


def _issue(document: Document, place: Place, what: str, right: str) -> ConfigIssue:
    key = ""
    for part in place:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if key else part
    return ConfigIssue(FIRM_YAML, key, what, right, document.line(place))


def people_issues(firm: Firm, document: Document) -> Iterator[ConfigIssue]:
    """Roles, alerts and confirmations name people; a deputy is somebody else; an approver is no
    technician."""
    roles = firm.roles
    named: list[tuple[Place, str | None]] = [
        (("roles", "managing_partner"), roles.managing_partner),
        (("roles", "deputy"), roles.deputy),
        (("roles", "office_manager"), roles.office_manager),
        (("roles", "trust_lawyer"), roles.trust_lawyer),
        (("workstations", "owner"), firm.workstations.owner),
    ]
    named += [(("roles", "technicians", n), who) for n, who in enumerate(roles.technicians)]
    if firm.alerts.smtp:
        named += [(("alerts", "smtp", "to", n), who) for n, who in enumerate(firm.alerts.smtp.to)]
        named += [
            (("alerts", "smtp", "escalate_to", n), who)
            for n, who in enumerate(firm.alerts.smtp.escalate_to)
        ]
    for n, policy in enumerate(firm.matters):
        named.append((("matters", n, "custodian"), policy.custodian))
        named += [
            (("matters", n, "walled_from", m), who) for m, who in enumerate(policy.walled_from)
        ]
    for name, rule in firm.retention.items():
        if isinstance(rule, Records):
            named.append((("retention", name, "confirmed_by"), rule.confirmed_by))
    for place, who in named:
        if who is not None and who not in firm.people:
            yield _issue(document, place, "names nobody of `people`", _known(who, firm.people))
    for place, who in named[:2]:
        if who in roles.technicians:
            what = "is also a technician, who could then approve his own request"
            yield _issue(document, place, what, "Choose two people.")
    if roles.deputy == roles.managing_partner:
        what = "is the managing partner, who cannot stand in for himself"
        yield _issue(document, ("roles", "deputy"), what, "Name somebody else, or leave it out.")


def approval_issues(firm: Firm, document: Document) -> Iterator[ConfigIssue]:
    """Approvers are people, no technicians, and known to Airflow; the glass is broken by two."""
    for place, what, right in flaws(firm):
        yield _issue(document, ("approvals", *place), what, right)


def custodian_issues(firm: Firm, document: Document) -> Iterator[ConfigIssue]:
    """Who keeps a seal is asked, and is nobody who asks for restores by trade."""
    for n, policy in enumerate(firm.matters):
        place: Place = ("matters", n, "custodian")
        who = policy.custodian
        if who is None or who not in firm.people:
            continue
        if who in firm.roles.technicians:
            what = "is a technician, whose asking for it would be the custodian's word"
            yield _issue(document, place, what, "Name somebody else.")
        if firm.approvals is None:
            what = "is asked by nobody: firm.yaml has no part `approvals`"
            yield _issue(document, place, what, "Add `approvals:` (docs/RESTORE_APPROVAL.md).")
        elif not firm.people[who].login:
            what = "is nobody whom Airflow knows, so nothing of this matter is given back"
            yield _issue(document, place, what, f"Give {who} a `login` in `people`.")


def key_issues(firm: Firm, document: Document) -> Iterator[ConfigIssue]:
    """No two roles share a key file."""
    used: dict[str, str] = {}
    for role in ("worker", "operations", "retention"):
        part = getattr(firm.keys, role)
        for kind, reference in part.model_dump().items() if part else ():
            key = f"keys.{role}.{kind}"
            if reference is None:
                continue
            if reference in used:
                what = f"is the same file as {used[reference]}"
                right = "Each role has keys of its own: what one may do the others may not."
                yield _issue(document, ("keys", role, kind), what, right)
            used.setdefault(reference, key)


def destination_issues(firm: Firm, document: Document) -> dict[str, ConfigIssue]:
    """By the destination's name: those that cannot be used although they are well written."""
    found: dict[str, ConfigIssue] = {}
    urls: dict[str, str] = {}
    for name, destination in firm.destinations.items():
        place: Place = ("destinations", name)
        if destination.url.startswith("s3://") and destination.connection is None:
            right = "Name the Airflow connection that holds the store's credential."
            found[name] = _issue(document, (*place, "connection"), "is missing", right)
        elif destination.url in urls:
            what = f"is the same store as destinations.{urls[destination.url]}"
            right = "Two copies in one store are one copy."
            found[name] = _issue(document, (*place, "url"), what, right)
        elif destination.matter_keys == destination.url:
            what = "is the store itself, where nothing can be erased before its lock ends"
            right = "Name a second store without lock."
            found[name] = _issue(document, (*place, "matter_keys"), what, right)
        elif destination.url.startswith("file:") and destination.lock:
            what = "is a lock, which a folder cannot enforce"
            right = "Write `lock: 0d`: a lock that nobody enforces must not be counted on."
            found[name] = _issue(document, (*place, "lock"), what, right)
        urls.setdefault(destination.url, name)
    return found


def exception_issues(
    firm: Firm, rows: Collection[InventoryRow], document: Document
) -> tuple[tuple[AcceptedException, ...], list[ConfigIssue]]:
    """The exceptions that count, and why the others do not. Trust data cannot be excepted; only a
    person of `people` who is no technician can accept."""
    trust = {row.source_id for row in rows if row.trust_data}
    counted: list[AcceptedException] = []
    issues: list[ConfigIssue] = []
    for exception in firm.exceptions:
        place: Place = ("exceptions", _position(document, exception, firm))
        who = exception.accepted_by
        if exception.source in trust:
            right = "Trust data cannot be excepted: mend the cause."
            issues.append(
                _issue(document, (*place, "source"), "has trust data; it does not count", right)
            )
        elif who not in firm.people:
            what = "names nobody of `people`; it does not count"
            issues.append(_issue(document, (*place, "accepted_by"), what, _known(who, firm.people)))
        elif who in firm.roles.technicians:
            what = "is a technician, whose own work it would excuse; it does not count"
            right = "Have a partner or the office manager accept it."
            issues.append(_issue(document, (*place, "accepted_by"), what, right))
        else:
            counted.append(exception)
    return tuple(counted), issues


def _position(document: Document, exception: AcceptedException, firm: Firm) -> int:
    """Where it stands in the document, which may have bad entries before it."""
    same = [
        n
        for n, entry in _entries(document, "exceptions")
        if entry.get("source") == exception.source
        and entry.get("pattern") == exception.pattern
        and entry.get("cause") == exception.cause
    ]
    return same[0] if same else firm.exceptions.index(exception)


def source_issues(firm: Firm, known: Collection[str], document: Document) -> Iterator[ConfigIssue]:
    """Rules and options for sources that the inventory has not: most often a typing mistake."""
    named: list[tuple[Place, str]] = [(("sources", name), name) for name in firm.sources]
    for part in ("matter_rules", "exceptions"):
        for n, entry in _entries(document, part):
            if isinstance(entry.get("source"), str):
                named.append(((part, n, "source"), entry["source"]))
    named += [(("matters_expected_in", n), s) for n, s in enumerate(firm.matters_expected_in)]
    for place, source in named:
        if source not in known:
            what = "is for a source that inventory.csv has not; it has no effect"
            yield _issue(document, place, what, _known(source, known))


def paper_issues(
    firm: Firm, rows: Collection[InventoryRow], document: Document
) -> Iterator[ConfigIssue]:
    """An upload folder of which nobody says what is due, and papers that are due in a folder that is none."""
    folders = [r.source_id for r in rows if r.by_muniment and r.system == TRUST_PAPERS]
    settings = firm.trust_papers
    if settings is None:
        for source in folders if "trust_papers" not in document.data else ():
            what = f"is missing, so nobody is told when papers do not come into {source}"
            right = "Name accounts and first month; docs/TRUST_PAPERS.md has an example."
            yield _issue(document, ("trust_papers",), what, right)
    elif settings.source not in folders:
        what = f"is no source of the system {TRUST_PAPERS}, so its papers are missed for ever"
        right = (
            f"Known: {listed_words(sorted(folders))}."
            if folders
            else (f"Add a row with the system {TRUST_PAPERS} to inventory.csv.")
        )
        yield _issue(document, ("trust_papers", "source"), what, right)


def _entries(document: Document, part: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The blocks of a list as they stand in the document, where they are blocks."""
    listed = document.data.get(part)
    for n, entry in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(entry, dict):
            yield n, entry


def _known(typed: str, known: Collection[str]) -> str:
    return f"{suggestion(typed, known)}Known: {listed_words(sorted(known))}."
