"""The contract of ExpectationContract: what each source's expectations must keep to.

To judge one: subclass `ExpectationContractSuite` in a test module, say which contract, and give a row and
a place where that row's item was restored.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from muniment.assurance.contracts import (
    COLUMNS,
    COMMON,
    ITEM_COLUMNS,
    ITEMS,
    ExpectationContract,
    suite_of,
)
from muniment.assurance.openable import FORMATS
from muniment.config.inventory import SYSTEMS
from muniment.model.item import Row

SECRET = "Harbor Holdings"


class ExpectationContractSuite:
    contract: ExpectationContract

    def restored(self, folder: Path) -> list[Row]:
        """Puts items into `folder` as their target would, with SECRET in names and content; their rows."""
        raise NotImplementedError

    def test_it_is_for_a_system_that_is_backed_up(self) -> None:
        assert self.contract.system in SYSTEMS

    def test_its_columns_are_its_own(self) -> None:
        columns = list(self.contract.columns)
        assert len(set(columns)) == len(columns)
        assert not set(columns) & set(ITEM_COLUMNS)

    def test_names_of_expectations_say_their_table_and_are_unique(self) -> None:
        names = [expected.name for expected in suite_of(self.contract)]
        assert len(set(names)) == len(names)
        for expected in suite_of(self.contract):
            assert expected.name.startswith(f"{expected.table}.")
            assert expected.means.endswith(".")

    def test_every_expectation_looks_at_columns_that_are_there(self) -> None:
        columns = {name: {*held} for name, held in COLUMNS.items()}
        columns[ITEMS] |= {*self.contract.columns}
        for expected in suite_of(self.contract):
            asked = {v for k, v in expected.arguments.items() if k.startswith("column")}
            assert asked and asked <= columns[expected.table], expected.name

    def test_every_column_of_its_own_is_looked_at(self) -> None:
        asked = {
            value
            for expected in self.contract.suite()
            for key, value in expected.arguments.items()
            if key.startswith("column")
        }
        assert asked == set(self.contract.columns)

    def test_great_expectations_knows_every_kind_with_these_arguments(self) -> None:
        known: Any = import_module("great_expectations.expectations")
        for expected in suite_of(self.contract):
            getattr(known, expected.kind)(**expected.arguments)

    def test_nothing_common_is_said_again(self) -> None:
        assert not {e.name for e in self.contract.suite()} & {e.name for e in COMMON}

    def test_what_it_describes_fits_its_columns_and_names_nothing(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            path = self.contract.standing(row, tmp_path, row.native_id)
            assert path.is_symlink() or path.exists()
            facts = self.contract.describe(row, path)
            assert set(facts) == set(self.contract.columns)
            assert SECRET not in json.dumps(dict(facts))

    def test_what_is_not_there_is_described_too_and_differs(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            there = self.contract.describe(
                row, self.contract.standing(row, tmp_path, row.native_id)
            )
            missing = self.contract.describe(row, None)
            assert set(missing) == set(there)
            assert dict(missing) != dict(there)

    def test_a_format_is_one_that_is_opened_or_none(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            assert self.contract.format_of(row) in {"", *FORMATS}

    def test_whatever_a_row_says_it_answers(self, tmp_path: Path) -> None:
        for row in self.restored(tmp_path):
            for odd in (b"", b"\xff\xfe", b"a/" * 500 + b"x.pdf", b"~$x.docx", b"x.PDF"):
                changed = replace(row, native_id=odd, metadata={})
                assert self.contract.format_of(changed) in {"", *FORMATS}
                assert set(self.contract.describe(changed, None)) == set(self.contract.columns)


def digest(content: bytes) -> bytes:
    return sha256(content).digest()
