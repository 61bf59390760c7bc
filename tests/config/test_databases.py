"""sources.<id>.database of firm.yaml, and what becomes of it together with a connection."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from muniment.config.databases import DatabaseOptions
from muniment.errors import ConfigError
from muniment.sources.databases.access import Tls, database_of, native_id
from muniment.wiring_databases import Login, access_of


@pytest.mark.parametrize(
    "given",
    [
        {"password": "s3cr3t-that-was-typed-here"},
        {"port": 0},
        {"tls": "perhaps"},
        {"ca": "relative.pem"},
        {"tools": "bin"},
        {"lock_wait": "0s"},
        {"restore": {"databases": ["x"]}},
        {"restore": {"password": "s3cr3t"}},
    ],
)
def test_what_cannot_be_meant_is_refused_and_not_repeated(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        DatabaseOptions.model_validate(given)
    assert "s3cr3t" not in str(caught.value)


def test_the_password_comes_from_the_connection_and_the_rest_from_firm_yaml_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMPLE_DATABASE", "kept")
    options = DatabaseOptions.model_validate(
        {"host": "db.firm.example", "password": "env:EXAMPLE_DATABASE", "ca": "/etc/ca.pem"}
    )
    login = Login("other.example", 6543, "reader", "held", "firm_books")
    access = access_of(options, login, "here")
    assert (access.host, access.port, access.user, access.password) == (
        "db.firm.example",
        6543,
        "reader",
        "held",
    )
    assert (access.tls, access.ca) == (Tls.VERIFY, Path("/etc/ca.pem"))
    assert access_of(options, Login(user="reader"), "here").password == "kept"
    assert "kept" not in repr(access_of(options, Login(user="reader"), "here"))


@pytest.mark.parametrize("lacking", ["host", "user", "password"])
def test_what_is_nowhere_to_be_found_is_named(lacking: str) -> None:
    held = {"host": "h", "user": "u", "password": "p"} | {lacking: ""}
    with pytest.raises(ConfigError, match=f"the {lacking} of the database server is nowhere"):
        access_of(DatabaseOptions(), Login(**held), "here")


@pytest.mark.parametrize("name", ["practice", "Practice 2024", "a/b", "ä%25", ".", "x.sql"])
def test_a_name_of_a_database_is_one_step_of_a_native_id(name: str) -> None:
    native = native_id(name)
    assert database_of(native) == name and native.count(b"/") == 1


@pytest.mark.parametrize(
    "native", [b"", b"databases/", b"databases/a/b", b"other/x", b"\xff", b"databases/%61"]
)
def test_what_is_no_native_id_of_a_database(native: bytes) -> None:
    assert database_of(native) is None
