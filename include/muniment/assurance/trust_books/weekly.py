"""Weekly: one look at the trust books of one source, out of the vault and, where it is reached, the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.assurance.reconcile import Reconciled, RestoredBooks
from muniment.assurance.trial import Draw
from muniment.assurance.trust_books.columns import (
    MATTERS,
    Books,
    Values,
    books_from_csv,
    books_of,
)
from muniment.assurance.trust_books.conduct import Rules
from muniment.assurance.trust_books.figures import Figures, figures_in
from muniment.assurance.trust_books.judge import Given, judge
from muniment.assurance.trust_books.sealed_report import (
    About,
    compared_before,
    report_of,
    reports_in,
    store_report,
)
from muniment.assurance.trust_books.verdicts import Origin, Verdict
from muniment.clock import to_text
from muniment.config.firm import Firm
from muniment.errors import MunimentError, SourceError
from muniment.model.item import Completeness
from muniment.sources.base import Source
from muniment.sources.clio.trust.tables import Table
from muniment.vault.vault import Vault

IDS = 500
"""Ids of damaged entries that are kept of an expectation; the counts are whole."""
SUCCESS = (Completeness.COMPLETE, Completeness.WITH_EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class Looked:
    """What may be told in the clear: numbers and ids of expectations, nothing of class finding.

    `damage` makes a verification red, `entries` are ids of the entries that it is about; `anomalies` are the
    source's own; `report` is the name of the sealed report's entry, empty where no trust lawyer is named.
    """

    damage: Mapping[str, int]
    entries: Mapping[str, tuple[str, ...]]
    anomalies: Mapping[str, int]
    amendments: int
    unjudged: Mapping[str, tuple[str, ...]]
    report: str


def look_at_books(
    vault: Vault,
    drawn: Draw,
    found: Reconciled,
    firm: Firm,
    *,
    papers: Vault | None = None,
    live: Source | None = None,
    run_id: str = "",
    sealing: bool = True,
) -> Looked:
    """Judges the books that a reconciler restored; seals the whole for the trust lawyer.

    Args:
        papers: where the upload folder's snapshots are; None where there is no such folder.
        sealing: whether findings are looked for and a report is written.

    Raises StoreError, VaultError, and what reading rows raises.
    """
    assert found.books is not None
    restored = found.books
    recipient = lawyer_of(firm) if sealing else None
    before_seq = _before(vault, drawn)
    figures = _figures(papers, firm, restored.now)
    tables = figures.tables if figures else None
    judged = judge(
        Given(
            system=drawn.system,
            now=books_of(restored.now, tables),
            today=drawn.at[:10],
            kept=_from_csv(restored.kept, tables),
            before=_from_csv(restored.earlier(before_seq)) if before_seq else None,
            rules=rules_of(firm),
            figures=figures,
            reports=restored.reports,
            same=lambda entry: _same(restored, live, entry),
        ),
        findings=recipient is not None,
    )
    about = About(drawn.source, drawn.seq, drawn.commit, before_seq, run_id)
    name = ""
    if recipient is not None:
        report = report_of(judged, about, firm.firm, to_text(vault.clock.now()))
        name = store_report(vault, report, about, recipient)
    damage = {id_: n for id_, n in judged.damage.items() if id_ not in found.told}
    return Looked(
        damage,
        {id_: _entries(judged.of(id_)) for id_ in damage},
        judged.anomalies,
        judged.of("TX-06").count,
        judged.unjudged,
        name,
    )


def lawyer_of(firm: Firm) -> str | None:
    """The recipient of the person in the role `trust_lawyer`; None where there is none."""
    person = firm.people.get(firm.roles.trust_lawyer or "")
    return person.recipient if person is not None else None


def rules_of(firm: Firm) -> Rules:
    set_ = firm.trust_books
    return Rules(
        set_.back_dated_days, set_.reconciled_days, set_.stale_check_days, set_.limit, frozenset(set_.firm_owners),
    )  # fmt: skip


def _before(vault: Vault, drawn: Draw) -> int:
    """The snapshot of the last report, else the last good one before this; of those that are still there."""
    history = vault.history(drawn.source)
    earlier = [record for record in history.live if record.seq < drawn.seq]
    wanted = compared_before(reports_in(vault, drawn.source), drawn.seq)
    if any(record.seq == wanted for record in earlier):
        return wanted
    good = [record for record in earlier if record.commit.completeness in SUCCESS]
    return good[-1].seq if good else 0


def _figures(papers: Vault | None, firm: Firm, tables: Mapping[str, Table]) -> Figures | None:
    settings = firm.trust_papers
    if settings is None or papers is None:
        return None
    matters = {
        str(one["number"]): (str(one["matter_id"]), one["client_id"])
        for one in tables[MATTERS].records()
        if one["number"]
    }
    try:
        return figures_in(papers, settings, firm.time_zone, matters)
    except MunimentError as error:
        # The folder's own verification says more; here it is a reason why something was not judged.
        return Figures({}, (f"the snapshot of {settings.source} cannot be read ({error.code})",))


def _from_csv(
    parts: Mapping[str, bytes], papers: Mapping[str, Mapping[str, Values]] | None = None
) -> Books | None:
    """None where a snapshot has no tables that can be read: what was compared with them is then not judged."""
    if not parts.get("trust_transaction"):
        return None
    try:
        return books_from_csv(parts, papers)
    except ValueError:
        return None


def _entries(one: Verdict) -> tuple[str, ...]:
    found = [p.entry for p in one.places if p.entry and p.origin is not Origin.SOURCE]
    return tuple(found[:IDS])


def _same(restored: RestoredBooks, live: Source | None, entry: str) -> bool | None:
    if live is None:
        return None
    try:
        return restored.same(live, entry)
    except SourceError:
        return None
