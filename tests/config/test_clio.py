"""sources.<id>.clio of firm.yaml, and where its secret is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from muniment.config.clio import ClioOptions
from muniment.config.keyfiles import read_secret
from muniment.errors import ConfigError, KeyFileError

STATE = {"state": "/var/lib/muniment/example-state"}


@pytest.mark.parametrize(
    "given",
    [
        {"client_secret": "s3cr3t-that-was-typed-here"},
        {"client_secret": "env:lower-case"},
        {"client_secret": "secret:"},
        {"client_secret": "secret:../x"},
        {"host": "http://app.clio.com"},
        {"host": "https://user:word@app.clio.com"},
        {"redirect_uri": "http://elsewhere.example/clio"},
        {"redirect_uri": "http://127.0.0.1/clio"},
        {"region": "uk"},
        {"api_version": "5.0.0"},
        {"state": "relative"},
        {"peak": {"time_zone": "America/New_York", "first_hour": 19, "last_hour": 4}},
    ],
)
def test_what_cannot_be_meant_is_refused_and_not_repeated(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        ClioOptions.model_validate(STATE | given)
    assert "s3cr3t" not in str(caught.value) and "word@" not in str(caught.value)


def test_the_rest_has_defaults() -> None:
    options = ClioOptions.model_validate(STATE)
    assert (options.region, options.api_version, options.client_secret) == ("us", "4.0.13", None)
    assert options.overlap.total_seconds() == 900
    good = {"client_secret": "env:EXAMPLE", "redirect_uri": "https://office.firm.example/clio"}
    assert ClioOptions.model_validate(STATE | good)


def test_a_secret_is_read_from_a_private_file_or_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "clio.secret"
    path.write_text("word\n")
    path.chmod(0o600)
    assert read_secret(str(path)) == "word"
    assert read_secret("env:EXAMPLE", {"EXAMPLE": " word\n"}) == "word"
    with pytest.raises(ConfigError, match="not set"):
        read_secret("env:EXAMPLE", {})
    path.chmod(0o644)
    with pytest.raises(KeyFileError) as caught:
        read_secret(str(path))
    assert "word" not in str(caught.value)
    path.chmod(0o600)
    path.write_text("two words\n")
    with pytest.raises(KeyFileError, match="not one secret"):
        read_secret(str(path))
