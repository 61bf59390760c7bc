"""The whole story through the command: set up, back up, look, give back, prove."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Office, Terminal


def test_a_matter_comes_back_as_it_was_on_the_first_day(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    before = office.truths[0]
    number = before.matters[0][0]
    asked = ["restore", "--matter", number, "--as-of", "2026-03-02"]

    report = terminal.json(*asked, "--to", tmp_path / "back", "--yes")

    assert report["performed"]["failures"] == []
    compared = before.compare(tmp_path / "back" / "files", before.of_matter(number))
    assert compared.missing == () and compared.changed == {} and compared.extra == ()
