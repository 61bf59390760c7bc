"""Figures that a firm uploads: what is read, and what is said of what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from muniment.assurance.trust_books.figures import Figures, in_runs, read_figures
from muniment.config.papers import TrustPapers

ZONE = "America/New_York"
NOW = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
MATTERS = {"2024-0113": ("7", "3"), "2024-0200": ("8", "4")}
HEADING = b"period_end,journal_balance,client_ledger_total\n"


def settings(**account: str) -> TrustPapers:
    return TrustPapers.model_validate(
        {"source": "papers", "first_month": "2026-03", "accounts": {"iolta": {"books": "9", **account}}}
    )  # fmt: skip


def read(files: dict[str, bytes], **account: str) -> Figures:
    held = {f"2026-03/iolta/{name}".encode(): data for name, data in files.items()}
    figures = {path: data for path, data in held.items() if b"/figures/" in path.lower()}
    return read_figures(figures, list(held), settings(**account), ZONE, NOW, MATTERS)


def test_ledgers_are_named_by_id_by_number_or_by_kind() -> None:
    found = read({
        "figures/reconciliation.csv": b"\xef\xbb\xbfPeriod_End, journal_balance ,client_ledger_total\r\n2026-03-31,1,1.00\r\n",
        "Figures/Clients.csv": b'matter_number,matter_id,ledger_kind,balance\n2024-0113,,,"1,200.50"\n,8,client,-3\n,,interest,0.40\n',
    })  # fmt: skip
    table = found.tables["reconciliation_client_balance"]
    assert table["client_id"] == ["3", "4", None]
    assert table["matter_id"] == ["7", "8", None]
    assert table["balance"] == ["1200.50", "-3.00", "0.40"]
    assert table["period_end"] == ["2026-03-31"] * 3
    assert table["account_id"] == ["9"] * 3
    assert found.tables["reconciliation"]["journal_balance"] == ["1.00"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"period_end,journal_balance\n", "it has no column client_ledger_total"),
        (HEADING + b"2026-03-31,12.5,1.00\n", "line 2, column journal_balance is no amount such as -1234.50"),
        (HEADING + b"31.3.2026,1.00,1.00\n", "line 2, column period_end is no day such as 2026-03-31"),
        (HEADING + b"2026-02-28,1.00,1.00\n", "line 2: period_end is no day of 2026-03"),
        (HEADING + b"\xff\xfe\n", "it is no CSV in UTF-8"),
        (b"", "it has no column period_end, journal_balance, client_ledger_total"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_by_line_and_not_by_what_stands_there(
    data: bytes, why: str
) -> None:
    found = read({"figures/reconciliation.csv": data})
    assert found.unread[0] == f"iolta 2026-03: figures/reconciliation.csv cannot be read: {why}"
    assert found.tables["reconciliation"]["period_end"] == []


def test_a_number_that_no_matter_has_is_not_repeated() -> None:
    found = read({"figures/clients.csv": b"matter_number,balance\nZebra v. Lion,1.00\n"})
    assert "line 2: the books have no matter of that number" in found.unread[0]
    assert "Zebra" not in "".join(found.unread)


def test_months_without_figures_are_said_once_they_are_due_and_figures_are_no_signed_paper() -> (
    None
):
    found = read({"figures/bank.csv": b"period_end,opening_balance,closing_balance\n2026-03-31,1.00,2.00\n"})  # fmt: skip
    assert found.unread == (
        "iolta: no reconciliation figures uploaded for 2026-03",
        "iolta: no clients figures uploaded for 2026-03",
    )
    assert found.unsigned == {"9": ["2026-03"]}
    assert read({"signed reconciliation.pdf": b"1"}).unsigned == {}


def test_an_account_that_nobody_ties_to_the_books_is_said() -> None:
    plain = TrustPapers.model_validate(
        {"source": "papers", "first_month": "2026-03", "accounts": {"iolta": None}}
    )
    found = read_figures({b"2026-03/iolta/figures/bank.csv": b"x"}, [], plain, ZONE, NOW, {})
    assert found.unread == ("iolta: firm.yaml does not say which account of the books it is",)


def test_runs_of_months_are_joined() -> None:
    assert in_runs(["2025-11", "2025-12", "2026-01", "2026-03"]) == "2025-11 to 2026-01, 2026-03"
