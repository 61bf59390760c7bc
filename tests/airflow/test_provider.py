"""Connection types: Airflow lists ours, with a form each."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from muniment.airflow.provider import provider_info
from tests.simulators.clio.running import Running, running

OURS = [row["connection-type"] for row in provider_info()["connection-types"]]


@pytest.fixture(scope="module")
def manager() -> object:
    from airflow.providers_manager import ProvidersManager

    return ProvidersManager()


def test_the_systems_have_a_connection_type_each() -> None:
    assert OURS == [
        "muniment_files", "clio", "netdocuments", "m365", "muniment_mariadb", "muniment_sql_server",
    ]  # fmt: skip


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
    # What the page of connections reads: the public properties import every hook of every vendor first.
    widgets = manager._connection_form_widgets_from_metadata  # type: ignore[attr-defined]
    assert any(field.startswith(f"extra__{name}__") for field in widgets)
    assert name in manager._field_behaviours_from_metadata  # type: ignore[attr-defined]


def test_no_secret_is_kept_where_airflow_shows_it() -> None:
    for row in provider_info()["connection-types"]:
        for name in row["conn-fields"]:
            assert not any(word in name for word in ("secret", "password", "token", "key"))


def test_a_clio_connection_can_be_given_the_port_without_which_airflow_does_not_test_it() -> None:
    [form] = [r for r in provider_info()["connection-types"] if r["connection-type"] == "clio"]
    assert "port" not in form["ui-field-behaviour"]["hidden-fields"]


# -- the button Test of a Clio connection ------------------------------------------------------------


@pytest.fixture(scope="module")
def clio() -> Iterator[Running]:
    with running(seed=4, matters=1, empty=True, rate=0) as made:
        yield made


def answered(sim: Running, monkeypatch: pytest.MonkeyPatch, **other: str) -> tuple[bool, str]:
    """As the API server does it: a connection that is held by the environment for the time of the test."""
    from airflow.sdk import Connection

    given = {"login": sim.told["client_id"], "password": sim.told["client_secret"]} | other
    found = Connection(
        conn_id="firm_clio",
        conn_type="clio",
        host=given.pop("host", sim.told["app"]),
        login=given.pop("login"),
        password=given.pop("password"),
        extra=json.dumps({"region": "us", "ca": sim.told["ca"]} | given),
    )
    monkeypatch.setenv("AIRFLOW_CONN_FIRM_CLIO", found.get_uri())
    return found.test_connection()


def test_clio_says_that_it_knows_the_application(
    clio: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, said = answered(clio, monkeypatch)
    assert good
    assert said.startswith("Clio knows this application in the region `us`.")
    assert "muniment consent" in said


def test_what_is_wrong_with_it_is_said_with_what_to_do_and_without_the_secret(
    clio: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = clio.told["regions"]["eu"]
    for other, words in (
        ({"password": "s3cr3t"}, "[M212] Clio does not know this application in the region `us`."),
        ({"login": ""}, "The app key is missing"),
        ({"password": ""}, "The app secret is missing"),
        ({"host": elsewhere, "region": "eu"}, "does not know this application in the region `eu`"),
        ({"region": "uk"}, "[M100] the Airflow connection names a region that Clio does not have"),
        (
            {"ca": ""},
            "[M212] the certificate of the other side is not one that this machine trusts",
        ),
    ):
        good, said = answered(clio, monkeypatch, **other)
        assert not good
        assert words in said
        assert "s3cr3t" not in said and str(clio.told["client_secret"]) not in said
