"""docs/CONFIGURATION.md is the models', and says everything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from muniment.config.explain import models_in
from muniment.config.firm import Firm
from muniment.config.inventory import COLUMNS, InventoryRow
from muniment.config.reference import PAGE, reference
from muniment.config.schema import Model, validated
from tests.support.needs import REPOSITORY


def models(root: type[Model]) -> Iterator[type[Model]]:
    yield root
    for field in root.model_typed().values():
        for below in models_in(field.annotation):
            yield from models(below)


def test_the_page_is_not_stale() -> None:
    written = (REPOSITORY / PAGE).read_text(encoding="utf-8")
    assert written == reference(), "run `python -m muniment.config.reference`"


def test_every_key_and_column_has_a_description() -> None:
    for model in {*models(Firm), InventoryRow}:
        assert model.__doc__
        for name, field in model.model_typed().items():
            assert field.description or name == "row", f"{model.__name__}.{name}"


def test_every_key_and_column_stands_on_the_page() -> None:
    text = reference()
    for model in models(Firm):
        for name, field in model.model_typed().items():
            assert f"| `{field.alias or name}` |" in text
    for column in COLUMNS:
        assert f"| `{column}` |" in text
    assert "@firm@" not in text
    assert "@inventory@" not in text


def test_every_example_of_a_key_is_valid() -> None:
    for model in models(Firm):
        for field in model.model_typed().values():
            for example in field.examples:
                validated(Annotated[field.annotation, field], example)


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    command = [sys.executable, "-m", "muniment.config.reference", str(page)]
    environment = {"PYTHONPATH": str(REPOSITORY / "include"), "PATH": ""}
    subprocess.run(command, check=True, env=environment)
    assert page.read_text(encoding="utf-8") == reference()
