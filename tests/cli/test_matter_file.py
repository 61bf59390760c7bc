"""A matter as a file through the command: from Clio and from the share together, names kept out of what is said."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from tests.cli.conftest import Office, Terminal
from tests.cli.test_clio import consent, firm
from tests.matter_file.links import cells, links
from tests.simulators.clio.running import Running, running

__all__ = ["consent", "firm"]


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running(seed=5, matters=3, documents_per_matter=2, rate=0) as made:
        yield made


@pytest.fixture
def number(firm: Office, terminal: Terminal, sim: Running) -> str:
    """A matter that Clio and the share have."""
    number = firm.truths[-1].matters[0][0]
    matter = sim.rows("matters.json", fields="id")[0]["id"]
    values = {"display_number": f"{number}-Alvarez"}
    sim.control("change", collection="matters", id=matter, values=values)
    terminal("backup", "files", "--accept-mass-deletion")
    terminal("backup", "clio")
    return str(number)


def test_a_matter_file_has_clio_and_the_share(
    firm: Office,
    terminal: Terminal,
    sim: Running,
    number: str,
    tmp_path: Path,
) -> None:
    into = tmp_path / "back"
    planned = terminal.json("restore", "--matter", number, "--plan-only", "--as", "matter-file")
    told = terminal("restore", "--matter", number, "--to", into, "--as", "matter-file", "--yes")
    assert "WHOLE" in told.out
    assert "evidence" in told.out
    truth = firm.truths[-1]
    assert truth.compare(into / "files", truth.of_matter(number)).identical
    page = (into / "index.html").read_text(encoding="utf-8")
    plan = planned["plan"]
    assert f"all {sum(c['items'] for c in plan['choices']):,} items of the plan are here" in page
    shown = sum(int(row[2].replace(",", "")) for row in cells(page, "given") if row[0])
    assert shown == sum(c["items"] for c in plan["choices"])
    there = [into / os.fsdecode(unquote_to_bytes(link.partition("#")[0])) for link in links(page)]
    assert [path for path in there if not path.exists()] == []
    files = {p for p in (into / "files").rglob("*") if p.is_file() and not p.is_symlink()}
    assert "a link, not followed" in page
    assert files <= set(there)
    assert number in page
    with (into / "clio/contacts.vcf").open() as cards:
        assert "Alvarez" not in told.out + told.err
        assert cards.readline() == "BEGIN:VCARD\n"
    with (into / "clio/bills.csv").open(encoding="utf-8-sig", newline="") as table:
        assert "Total" in (csv.DictReader(table).fieldnames or ())
    names = [row["name"] for row in sim.rows("contacts.json", fields="name")]
    again = terminal(
        "restore", "--matter", number, "--to", into, "--as", "matter-file", "--yes", code=9
    )
    for said in (told.out, told.err, again.out, again.err, str(planned)):
        assert not [name for name in names if name in said]
    terminal(
        "restore", "--matter", number, "--to", into, "--as", "matter-file", "--yes", "--overwrite"
    )


def test_only_a_matter_becomes_a_matter_file(
    firm: Office, terminal: Terminal, tmp_path: Path
) -> None:
    answer = terminal(
        "restore", "--source", "files", "--to", tmp_path / "x", "--as", "matter-file", code=2
    )
    assert "--matter" in answer.err


def test_without_the_option_the_items_are_given_as_they_are(
    terminal: Terminal, number: str, tmp_path: Path
) -> None:
    terminal("restore", "--matter", number, "--to", tmp_path / "back", "--yes")
    assert not (tmp_path / "back/index.html").exists()
    assert list((tmp_path / "back/clio/matters").glob("*.json"))
