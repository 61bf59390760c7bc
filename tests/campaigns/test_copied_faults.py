"""A true copy, of which the weekly verification says nothing, and connectors with a fault, one of each kind of source."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.campaigns.copied_faults import FAULTS, verified
from tests.campaigns.copied_firms import FIRMS

EXPECTED = {
    "nothing of a file is counted": "items.loaded",
    "a file is copied without its log": "items.rows",
    "a view of a file is lost": "items.objects",
    "a differential backup is taken for a whole one": "items.header",
    "rows of messages are cut": "items.row",
    "zeros in the middle of a set": "items.live_same",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_of_each_kind_of_source_is_found(name: str, tmp_path: Path) -> None:
    fault = next(one for one in FAULTS if one.name == name)
    with ExitStack() as servers, FIRMS[fault.mode](tmp_path / "firm", servers) as firm:
        assert EXPECTED[name] in verified(firm, fault, 1)


def test_there_are_eighty_faults_and_a_true_copy_is_let_through(tmp_path: Path) -> None:
    assert len(FAULTS) == len({fault.name + fault.mode for fault in FAULTS}) == 80
    with ExitStack() as servers, FIRMS["mail"](tmp_path / "firm", servers) as firm:
        assert verified(firm, None, 1) == []
