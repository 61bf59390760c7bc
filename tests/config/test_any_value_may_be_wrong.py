"""Every value and every key of firm.yaml replaced, one at a time: never another error than ours,
never what was typed in its text, never a silent change of what is protected."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muniment.config.load import FirmConfig, load_firm
from muniment.config.yaml_text import parse
from muniment.errors import ConfigError
from tests.support.firms import FIRM_YAML, ROWS, write_firm

TYPED = "Zyxwvut v. Qponml"
DATA: dict[str, Any] = dict(parse(FIRM_YAML.encode()).data)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in below:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*place, key))


def around(data: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        data = data[key]
    return data


def texts(config: FirmConfig) -> str:
    return "\n".join([*(i.text for i in config.issues), *(e.text for e in config.errors)])


def load(folder: Path, data: Any) -> FirmConfig | str:
    """What is loaded, or the text of the error."""
    (folder / "firm.yaml").write_text(json.dumps(data), encoding="utf-8")
    try:
        return load_firm(folder)
    except ConfigError as error:
        return str(error)


def check(found: FirmConfig | str) -> None:
    if isinstance(found, str):
        assert "firm.yaml" in found
        assert "to do:" in found
        assert TYPED not in found
        return
    text = texts(found)
    assert TYPED not in text
    # Each source of the sheet is either in force or an error that says why.
    known = {row.source_id for row in found.rows} | {error.source_id for error in found.errors}
    assert known == {row["source_id"] for row in ROWS}
    assert all(error.issues for error in found.errors)


@pytest.mark.parametrize(
    "typed", [TYPED, "", -1, 0, 10**30, 0.5, True, None, [], [TYPED], {}, {TYPED: TYPED}, "not yet created"],
    ids=repr,
)  # fmt: skip
def test_any_value_may_be_wrong(tmp_path: Path, typed: Any) -> None:
    folder = write_firm(tmp_path)
    good = load(folder, DATA)
    assert isinstance(good, FirmConfig)
    for place in places(DATA):
        data = copy.deepcopy(DATA)
        around(data, place)[place[-1]] = typed
        found = load(folder, data)
        check(found)
        if typed == TYPED and isinstance(found, FirmConfig):
            free = place in (("name",), ("destinations", "main", "account"))
            # A pattern may be any text.
            free = free or place in (
                ("exceptions", 0, "pattern"),
                ("sources", "files", "exclude", 0),
            )
            assert free or texts(found), place


def test_any_key_may_be_misspelt_or_missing(tmp_path: Path) -> None:
    folder = write_firm(tmp_path)
    for place in places(DATA):
        if isinstance(place[-1], int):
            continue
        for new in (TYPED, f"{place[-1]}x", None):
            data = copy.deepcopy(DATA)
            block = around(data, place)
            value = block.pop(place[-1])
            if new is not None:
                block[new] = value
            found = load(folder, data)
            check(found)
            named = (
                place[:1] in (("destinations",), ("people",), ("retention",)) and len(place) == 2
            )
            if new is not None and isinstance(found, FirmConfig) and not named:
                assert texts(found), (place, new)
