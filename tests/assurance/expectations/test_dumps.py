"""Dumps are loaded, by a role that can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.firm import small
from muniment.assurance.openable import Outcome
from muniment.assurance.sql_load import SqlLoader
from muniment.embedded.postgres import programs
from muniment.errors import EmbeddedError
from tests.support.needs import missing


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("share") / "share"
    small(root, seed=3)
    return (root / "Accounting/practice-2024.sql").read_bytes()


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLoader]:
    try:
        programs()
    except EmbeddedError as error:
        missing("PostgreSQL", error.todo)
    with SqlLoader(tmp_path_factory.mktemp("server")) as loader:
        yield loader


def load(loader: SqlLoader, folder: Path, data: bytes) -> Outcome | None:
    (folder / "dump.sql").write_bytes(data)
    return loader.load(folder / "dump.sql")


def test_a_whole_dump_loads(loader: SqlLoader, dump: bytes, tmp_path: Path) -> None:
    assert load(loader, tmp_path, dump) is Outcome.OPENED


def test_a_dump_that_was_cut_off_does_not(loader: SqlLoader, dump: bytes, tmp_path: Path) -> None:
    assert load(loader, tmp_path, dump[: len(dump) * 9 // 10]) is Outcome.DAMAGED
    assert load(loader, tmp_path, dump[: dump.index(b"COPY ") + 200]) is Outcome.DAMAGED


def test_a_row_that_its_table_refuses_is_damage(
    loader: SqlLoader, dump: bytes, tmp_path: Path
) -> None:
    head, copy, rest = dump.partition(b"COPY public.trust_ledger ")
    line, newline, rows = rest.partition(b"\n")
    assert load(loader, tmp_path, head + copy + line + newline + b"x\ty\n" + rows) is (
        Outcome.DAMAGED
    )


def test_a_reference_to_nothing_is_damage(loader: SqlLoader, dump: bytes, tmp_path: Path) -> None:
    head, copy, rest = dump.partition(b"COPY public.clients ")
    line, newline, rows = rest.partition(b"\n")
    _, _, without_first = rows.partition(b"\n")
    assert load(loader, tmp_path, head + copy + line + newline + without_first) is (Outcome.DAMAGED)


def test_roles_and_extensions_of_the_firms_server_are_passed_over(
    loader: SqlLoader, dump: bytes, tmp_path: Path
) -> None:
    more = (
        b"CREATE EXTENSION IF NOT EXISTS nothing_we_have;\n"
        b"ALTER TABLE public.matters OWNER TO practice;\nGRANT ALL ON public.matters TO clerk;\n"
    )
    changed = dump.replace(b"CREATE INDEX", more + b"CREATE INDEX")
    fenced = b"\\restrict abc\n" + changed + b"\\unrestrict abc\n"
    assert load(loader, tmp_path, fenced) is Outcome.OPENED


@pytest.mark.parametrize(
    "order",
    [
        "\\! touch {mark}\n",
        "\\unrestrict abc\n\\! touch {mark}\n",
        "COPY (SELECT 1) TO PROGRAM 'touch {mark}';\n",
        "COPY (SELECT 1) TO '{mark}';\n",
        "\\o {mark}\nSELECT 1;\n",
        "\\copy (SELECT 1) TO '{mark}'\n",
        "CREATE TABLE public.t (a int);\nCOPY public.t;\\!touch${{IFS}}{mark} (a) FROM stdin;\n\\.\n",
    ],
)
def test_a_dump_that_gives_orders_to_the_machine_is_not_obeyed(
    loader: SqlLoader, dump: bytes, tmp_path: Path, order: str
) -> None:
    mark = tmp_path / "obeyed"
    # Where anybody could write, so that nothing but the fences can stop it.
    tmp_path.chmod(0o777)
    planted = order.format(mark=mark).encode()
    load(loader, tmp_path, dump.replace(b"CREATE INDEX", planted + b"CREATE INDEX"))
    assert not mark.exists()


def test_another_kind_of_sql_is_not_judged(loader: SqlLoader, tmp_path: Path) -> None:
    assert load(loader, tmp_path, b"-- MySQL dump 10.13\nCREATE TABLE t (a int);\n") is None


def test_where_no_postgres_is_installed_a_dump_is_not_judged(
    dump: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from muniment.assurance import sql_load

    def none_here(self: object) -> None:
        raise EmbeddedError("none")

    monkeypatch.setattr(sql_load.EmbeddedPostgres, "start", none_here)
    with SqlLoader(tmp_path / "none") as loader:
        assert load(loader, tmp_path, dump) is None
