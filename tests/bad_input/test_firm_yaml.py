"""firm.yaml as people leave it: what is wrong stops what it touches, and is said with line and key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from muniment.vault.signing import Signer
from tests.bad_input.conftest import Airflow, Office, Trouble, four_answers


@dataclass(frozen=True)
class Mistake:
    """A change of the text; where it is said to be; what is said to be right."""

    change: Callable[[str], str]
    where: str
    right: str


def swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


OF_THE_FIRM = {
    "a tab": Mistake(swap("  main:\n", "\tmain:\n"), "firm.yaml, line 6", "a tab"),
    "a missing colon": Mistake(swap("time_zone:", "time_zone"), "firm.yaml, line", "missing colon"),
    "a key twice": Mistake(swap("people:", "roles: {}\npeople:"), "firm.yaml, line", "Keep one"),
    "an unknown zone": Mistake(
        swap("America/New_York", "Eastern"), "line 3, key time_zone", "America/New_York"
    ),
    "another firm's id": Mistake(swap("firm: practice", "firm: other"), "key firm", "rename"),
    "no staging": Mistake(swap("staging: ", "stage: "), "key staging", "staging"),
    "half a vault id": Mistake(
        lambda text: text.replace(text.split('vault_id: "')[1][:16], "", 1),
        "key vault.vault_id",
        "from the key card",
    ),
    "a secret key": Mistake(
        lambda text: text + "# AGE-SECRET-KEY-1QQPQY\n", "firm.yaml, line 30", "replace it"
    ),
}


@pytest.mark.parametrize("mistake", OF_THE_FIRM.values(), ids=OF_THE_FIRM.keys())
def test_what_every_source_needs_stops_the_firm_and_no_dag_vanishes(
    trouble: Trouble, airflow: Airflow, mistake: Mistake
) -> None:
    office = trouble.office
    office.document(mistake.change)

    symptom = office.muniment("doctor", "--json", code=3).symptoms()["configuration"]
    assert mistake.where in symptom["what"]
    error = office.muniment("backup", "--all", "--json", code=3).json["error"]
    four_answers(error, "M100")
    assert mistake.where in error["to"]
    assert mistake.right in error["todo"]

    refused = airflow.refused()
    assert set(refused) == {
        "practice__files__backup",
        "practice__archive__backup",
        "practice__configuration",
    }
    assert all(mistake.right in why for why in refused.values())

    office.document()
    assert airflow.refused() == {}
    trouble.mended()


OF_A_SOURCE = {
    "an S3 store without connection": Mistake(
        lambda text: swap(text.split('url: "')[1].split('"')[0], "s3://bucket/firm")(text),
        "key destinations.main.connection",
        "Name the Airflow connection",
    ),
    "a lock that no folder has": Mistake(
        swap("lock: 0d", "lock: 21d"), "key destinations.main.lock", "Write `lock: 0d`"
    ),
    "a credential in an address": Mistake(
        swap('url: "file://', 'url: "s3://key:secret@'), "key destinations.main.url", "connection"
    ),
    "an unknown option of the source": Mistake(
        lambda text: text + 'sources: {files: {exlude: ["**/*.tmp"]}}\n',
        "line 30, key sources.files",
        "Did you mean `exclude`?",
    ),
    "a size without a unit": Mistake(
        lambda text: text + "sources: {files: {shard_size: 2 gigs}}\n",
        "key sources.files.shard_size",
        "2GiB",
    ),
    "a matter rule without a number": Mistake(
        swap("Matters/{number} {title}/**", "Matters/{title}/**"),
        "key matter_rules[1].pattern",
        "{number}",
    ),
}


@pytest.mark.parametrize("mistake", OF_A_SOURCE.values(), ids=OF_A_SOURCE.keys())
def test_what_one_source_needs_stops_that_source_only(
    trouble: Trouble, airflow: Airflow, mistake: Mistake
) -> None:
    office = trouble.office
    office.document(mistake.change)

    said = office.muniment("doctor", "--json", code=3).json["symptoms"]
    told = [s for s in said if s["about"] == "configuration" and mistake.where in s["what"]]
    assert told
    runs = office.back_up_all(code=3).runs()
    assert runs["archive"]["outcome"]["completeness"] == "complete"
    four_answers(runs["files"]["error"], "M100")
    refused = airflow.refused()
    assert set(refused) <= {"practice__files__backup", "practice__configuration"}
    assert mistake.right in "".join(refused.values())
    # Nothing that was typed is repeated: it may be what nobody should read.
    assert "secret" not in "".join(refused.values())

    office.document()
    assert airflow.refused() == {}
    trouble.mended()


def test_the_vault_id_of_another_firm_is_not_believed(trouble: Trouble) -> None:
    office = trouble.office
    for change in (
        {"vault_id": "5f0c1e3a9b7d4286ae10c9d2f4b86375"},
        {"root_public": Signer.generate().public.hex()},
    ):
        office.document(**change)
        runs = office.back_up_all(code=6).runs()
        for source in ("files", "archive"):
            four_answers(runs[source]["error"], "M350")
            assert "key card" in runs[source]["error"]["todo"]
        asked = ["restore", "--source", "files", "--to", office.folder / "nothing", "--yes"]
        office.muniment(*asked, code=6)
        assert not (office.folder / "nothing").exists()
        symptoms = office.muniment("doctor", "--json", code=6).symptoms()
        assert "M350" in symptoms["vault at main"]["what"]

    office.document()
    trouble.mended()


def test_the_store_of_another_firm_is_not_written_to(trouble: Trouble) -> None:
    """The address was copied from another firm's file and one word was not changed."""
    office = trouble.office
    other = Office.__new__(Office)
    (office.folder / "other").mkdir()
    other.__init__(office.folder / "other", office._capture, clock=office.clock)  # type: ignore[misc]
    before = {o.name for o in other.store.list()}
    office.document(main=f"file://{other.folder}/store")

    trouble.of_files("M350", 6)

    assert {o.name for o in other.store.list()} == before
    office.document()
    trouble.mended()


def test_a_document_that_is_not_there_or_cannot_be_read_is_named(
    trouble: Trouble, airflow: Airflow
) -> None:
    office = trouble.office
    for name in ("inventory.csv", "firm.yaml"):
        content = (office.firm / name).read_bytes()
        (office.firm / name).unlink()
        four_answers(office.muniment("backup", "--all", "--json", code=3).json["error"], "M100")
        (office.firm / name).mkdir()
        error = office.muniment("backup", "--all", "--json", code=3).json["error"]
        four_answers(error, "M100")
        assert name in error["to"]
        (office.firm / name).rmdir()
        (office.firm / name).write_bytes(content)
    assert airflow.refused() == {}
    trouble.mended()
