"""A drill loads the databases that came back, and says so where one does not load or gives back something else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from muniment.assurance import drill
from muniment.assurance.database_contract import DatabaseContract
from muniment.assurance.database_trial import DAMAGED, LOADED, NO_SERVER
from muniment.assurance.drill import Seen, look, names_from_bytes, plan_drill, restore
from muniment.assurance.drill_draw import Drawn, Place
from muniment.model.drill import Scenario
from muniment.model.item import Fidelity, Row
from muniment.recovery.selection import Scope
from muniment.sources.databases.source import DatabaseSource
from muniment.sources.databases.sqlite import SqliteEngine
from muniment.sources.files import FileTarget
from tests.support.databases import DatabaseFirm


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "practice.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, cents BIGINT)")
        connection.executemany("INSERT INTO ledger (cents) VALUES (?)", [(n * 7,) for n in range(50)])  # fmt: skip
    return path


def held(tmp_path: Path, live: Path, spoil: bytes = b"") -> Seen:
    """A drill of the whole source; `spoil` is written over the middle of what came back."""
    firm = DatabaseFirm(tmp_path / "firm", lambda _: DatabaseSource("files", SqliteEngine(live, "files", 5)))  # fmt: skip
    firm.back_up()
    drawn = Drawn(Scenario.SOURCE, "files", Scope.SOURCE, "", ("files",), firm.clock.now())
    places = {"store": Place("store", firm.vault(), {"files": "sqlite"})}
    plans = plan_drill(list(places.values()), drawn)
    box = tmp_path / "box"
    box.mkdir()
    _, told = restore("store", places["store"], plans["store"], drawn, lambda source, digest: FileTarget(box / source, restore_id=digest))  # fmt: skip
    if spoil:
        [dump] = [path for path in box.rglob("*") if path.is_file()]
        content = bytearray(dump.read_bytes())
        content[len(content) // 2 : len(content) // 2 + len(spoil)] = spoil
        dump.write_bytes(content)
    work = tmp_path / "work"
    work.mkdir()
    return look(places, plans, drawn, box, names_from_bytes(told), lambda _: DatabaseContract("sqlite"), work)  # fmt: skip


def test_a_database_that_loads_and_gives_back_all_is_whole(tmp_path: Path, live: Path) -> None:
    seen = held(tmp_path, live)
    assert seen.whole, seen
    assert (seen.documents, seen.opened) == (1, 1)


def test_a_database_that_came_back_torn_is_not(tmp_path: Path, live: Path) -> None:
    seen = held(tmp_path, live, spoil=b"\xff" * 4096)
    assert not seen.whole
    assert (seen.documents, seen.opened) == (1, 0)


@pytest.mark.parametrize(
    ("loaded", "equal", "opened"), [(LOADED, 1, 1), (DAMAGED, 0, 0), (NO_SERVER, 1, 0)]
)
def test_what_its_server_said_decides(loaded: str, equal: int, opened: int) -> None:
    """Also of a dump whose bytes are right: broken before it was read."""
    contract = DatabaseContract("postgresql")
    row = Row(item_id=b"x" * 16, kind="database", native_id=b"databases/a.sql", matter="", size=1, mtime_ns=0, digest=b"y" * 32, fidelity=Fidelity.FILE, parts=())  # fmt: skip
    found = dict.fromkeys(contract.columns) | {
        "there": True, "opened": None, "loaded": loaded, "expected_size": 1, "size": 1, "expected_sha256": "y",
        "sha256": "y", "expected_mtime": "0", "mtime": "0",
    }  # fmt: skip
    seen = Seen()
    drill._judge(row, found, contract, seen)
    assert (seen.equal, seen.documents, seen.opened) == (equal, 1, opened)
