"""PostgreSQL backed up and given back as a dump, against a real server."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import DatabaseFirm, Server, postgres_source
from tests.support.practice import tree


def test_a_database_is_dumped_whole_and_comes_back_as_a_file(
    server: Server, practice: str, tmp_path: Path
) -> None:
    firm = DatabaseFirm(tmp_path, postgres_source(server.access, practice))
    outcome = firm.back_up()
    assert outcome.completeness == "complete"

    _, report = firm.restore(tmp_path / "back")
    assert report.whole
    [(name, (_, dump))] = [f for f in tree(tmp_path / "back").items() if f[1][0] == "file"]
    assert name == f"files/databases/{practice}.sql"
    assert (
        isinstance(dump, bytes)
        and dump.rstrip().count(b"-- PostgreSQL database dump complete") == 1
    )
    assert b"Client 50" in dump
