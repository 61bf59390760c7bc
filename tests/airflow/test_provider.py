"""Connection types: Airflow lists ours, with a form each."""

from __future__ import annotations

import pytest

from muniment.airflow.provider import provider_info

OURS = [row["connection-type"] for row in provider_info()["connection-types"]]


@pytest.fixture(scope="module")
def manager() -> object:
    from airflow.providers_manager import ProvidersManager

    return ProvidersManager()


def test_the_systems_have_a_connection_type_each() -> None:
    assert OURS == ["muniment_files", "clio", "netdocuments", "m365"]


def test_what_we_declare_is_what_airflow_allows() -> None:
    import json
    from pathlib import Path

    import jsonschema

    import airflow

    schema = json.loads((Path(airflow.__file__).parent / "provider.yaml.schema.json").read_text())
    jsonschema.validate(
        provider_info()["connection-types"], schema["properties"]["connection-types"]
    )


@pytest.mark.parametrize("name", OURS)
def test_airflow_shows_a_form_for_each(name: str, manager: object) -> None:
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    hook = ProvidersManagerTaskRuntime().hooks[name]
    assert hook is not None
    assert hook.hook_name.startswith("Muniment: ")
    widgets = manager.connection_form_widgets  # type: ignore[attr-defined]
    assert any(field.startswith(f"extra__{name}__") for field in widgets)
    assert name in manager.field_behaviours  # type: ignore[attr-defined]


def test_no_secret_is_kept_where_airflow_shows_it() -> None:
    for row in provider_info()["connection-types"]:
        for name in row["conn-fields"]:
            assert not any(word in name for word in ("secret", "password", "token", "key"))
