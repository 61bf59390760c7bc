"""What is read without pydantic is what pydantic reads: the same values, and nothing that it refuses."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest

from muniment.config import judge, plain
from muniment.config.explain import models_in
from muniment.config.firm import Firm
from muniment.config.inventory import InventoryRow
from muniment.config.plain import NotPlain
from muniment.config.schema import FieldInfo, Model
from muniment.config.yaml_text import parse
from tests.support.firms import FIRM_YAML, write_firm
from tests.support.needs import REPOSITORY

MUTATIONS = 25
"""Of each model."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 10**30, 0.5, 1.0, float("nan"), "", "x", "7", "7d", "2GiB", "file-server", "true",
    "2026-01-31", "not yet created", [], {}, [None], ["x"], ["x", "x"], [1], ("x",), {"x": 1}, {"class": "records"},
    b"x", date(2026, 1, 31), timedelta(days=1), Path("/x"), "/x", "/x/../y", "env:X", "secret:x", "a" * 3000, 3, 0.25,
)  # fmt: skip


def every_model(root: type[Model]) -> Iterator[type[Model]]:
    yield root
    for field in root.model_typed().values():
        for below in models_in(field.annotation):
            yield from every_model(below)


MODELS = list(dict.fromkeys([*every_model(Firm), InventoryRow]))


def example(model: type[Model], rng: random.Random) -> dict[str, Any]:
    """A document of this model, mostly right, with some of what may be left out."""
    if model is Firm:
        return copy.deepcopy(dict(parse(FIRM_YAML.encode()).data))
    found: dict[str, Any] = {}
    for name, field in model.model_typed().items():
        if not field.required and rng.random() < 0.7:
            continue
        below = models_in(field.annotation)
        key = rng.choice([field.alias or name, field.alias or name, name])
        if field.examples:
            found[key] = copy.deepcopy(rng.choice(field.examples))
        elif words := words_of(field.annotation):
            found[key] = rng.choice(words)
        elif below:
            inner = example(rng.choice(below), rng)
            found[key] = rng.choice([inner, [inner], {"one": inner, "two": copy.deepcopy(inner)}])
        else:
            found[key] = copy.deepcopy(rng.choice(fitting(field)))
    return found


def words_of(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((words for arg in get_args(kind) if (words := words_of(arg))), ())


def fitting(field: FieldInfo) -> list[Any]:
    """Those of the odd values that the field takes."""
    read = plain.reader(Annotated[field.annotation, field])
    found = []
    for value in ODD:
        try:
            read(copy.deepcopy(value))
        except (NotPlain, ValueError):
            continue
        found.append(value)
    return found or list(ODD)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in below:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*place, key))


def spoiled(data: dict[str, Any], rng: random.Random) -> Any:
    """The same with something changed, taken out or put in."""
    data = copy.deepcopy(data)
    known = list(places(data))
    if not known or rng.random() < 0.1:
        return rng.choice((*ODD, data | {"more": 1}))
    place = rng.choice(known)
    around: Any = data
    for key in place[:-1]:
        around = around[key]
    if rng.random() < 0.2:
        del around[place[-1]]
    elif isinstance(around, dict) and rng.random() < 0.2:
        around[rng.choice(("more", 7, "from", "class", ""))] = around[place[-1]]
    else:
        around[place[-1]] = copy.deepcopy(rng.choice(ODD))
    return data


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_is_taken_at_first_sight_is_what_pydantic_makes(model: type[Model]) -> None:
    rng = random.Random(model.__name__)
    taken = 0
    for turn in range(MUTATIONS * 8):
        data: Any = example(model, rng)
        if turn % 4:
            data = spoiled(data, rng)
        try:
            found = model.model_plain(copy.deepcopy(data))
        except (NotPlain, ValueError):
            continue
        judged = judge.validated(model, data)
        assert found == judged, data
        assert repr(found) == repr(judged)
        assert found.model_fields_set == judged.model_fields_set
        taken += 1
    assert taken > 5


def test_a_good_firm_is_read_without_pydantic(tmp_path: Path) -> None:
    folder = write_firm(tmp_path)
    program = (
        "import sys, pathlib\n"
        "from muniment.config.load import load_firm\n"
        f"load_firm(pathlib.Path({str(folder)!r})).raise_issues()\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    environment = {"PYTHONPATH": str(REPOSITORY / "include")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_a_model_does_not_change_and_says_what_it_is() -> None:
    pin = MODELS[[m.__name__ for m in MODELS].index("VaultPin")](
        vault_id="ab" * 16, root_public="cd" * 32
    )
    with pytest.raises(AttributeError):
        pin.vault_id = "x"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="hex characters"):
        type(pin)(vault_id="x", root_public="cd" * 32)
    copied = pin.model_copy(update={"vault_id": "ef" * 16})
    assert copied != pin
    assert copied.model_dump() == {"vault_id": "ef" * 16, "root_public": "cd" * 32}
    assert "ab" * 16 in repr(pin)
