"""sources.<id>.netdocuments of firm.yaml: the application that may write back."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from muniment.config.netdocuments import NetDocumentsOptions

READS = {"state": "/var/lib/muniment/example-state", "client_id": "AP-4F1C9A2B"}
WRITES = {"client_id": "AP-7D2E51B0", "client_secret": "secret:netdocuments-restore"}


def test_the_application_that_writes_is_never_that_of_the_backup() -> None:
    with pytest.raises(ValidationError, match="names in `restore` the application of the backup"):
        NetDocumentsOptions.model_validate(
            READS | {"restore": WRITES | {"client_id": "AP-4F1C9A2B"}}
        )


@pytest.mark.parametrize(
    "given",
    [{"client_secret": "typed here"}, {"grant": "word"}, {"state": "relative"}, {"more": 1}],
)
def test_what_cannot_be_meant_is_refused_and_not_repeated(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        NetDocumentsOptions.model_validate(READS | {"restore": WRITES | given})
    assert "typed here" not in str(caught.value)


def test_it_asks_for_no_right_to_delete() -> None:
    found = NetDocumentsOptions.model_validate(READS | {"restore": WRITES}).restore
    assert found is not None and found.grant == "service account"
    assert set(found.scope.split()) == {"read", "organize", "edit"}
    assert NetDocumentsOptions.model_validate(READS).restore is None
