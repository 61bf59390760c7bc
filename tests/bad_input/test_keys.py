"""Key files that are missing, unreadable, spoiled, or somebody else's.

The worker's keys are the whole firm's, so no source is backed up with bad ones; nothing is lost, nothing
is written, and the same run is good once the file is mended.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from muniment.cli.main import main
from muniment.vault.age import Identity, seal_with_passphrase
from muniment.vault.signing import Signer
from tests.bad_input.conftest import Airflow, Office, Trouble, four_answers
from tests.support.privileges import as_nobody, needs_root


@dataclass(frozen=True)
class Harm:
    """What happens to a key file of the worker; the error; its exit code; what is said of it."""

    file: str
    do: Callable[[Path, Office], object]
    code: str
    exit: int
    said: str


def another_letter(text: str, at: int) -> str:
    """One in 32 keys has any given letter there already."""
    return text[:at] + ("P" if text[at] == "Q" else "Q") + text[at + 1 :]


def swapped(path: Path) -> None:
    path.unlink()
    path.mkdir()


def passphrased(path: Path, office: Office) -> None:
    text = f"{office.keys.escrow}\n".encode()
    path.write_bytes(seal_with_passphrase(text, "word", work_factor=10))


HARMS = {
    "missing": Harm("worker.pem", lambda p, o: p.unlink(), "M110", 3, "cannot be opened"),
    "readable to others": Harm(
        "worker.pem", lambda p, o: p.chmod(0o644), "M110", 3, "others on this machine"
    ),
    "readable to a group": Harm(
        "worker.identity", lambda p, o: p.chmod(0o640), "M110", 3, "others on this machine"
    ),
    "a folder": Harm("worker.pem", lambda p, o: swapped(p), "M110", 3, "no regular file"),
    "empty": Harm("worker.pem", lambda p, o: p.write_text(""), "M110", 3, "is empty"),
    "cut off": Harm("worker.pem", lambda p, o: p.write_text(p.read_text()[:60]), "M110", 3, "key"),
    "no key at all": Harm(
        "worker.identity", lambda p, o: p.write_text("hello"), "M110", 3, "no age identity"
    ),
    "one letter changed": Harm(
        "worker.identity",
        lambda p, o: p.write_text(another_letter(p.read_text(), 30)),
        "M110",
        3,
        "identity",
    ),
    "in another's folder": Harm(
        "worker.pem", lambda p, o: p.parent.chmod(0o777), "M110", 3, "write its folder"
    ),
    "an escrow identity under its passphrase": Harm(
        "worker.identity", passphrased, "M110", 3, "under a passphrase"
    ),
    "an identity that nothing is sealed to": Harm(
        "worker.identity",
        lambda p, o: p.write_text(f"{Identity.generate()}\n"),
        "M110",
        3,
        "is sealed to",
    ),
    "a signer that root never named": Harm(
        "worker.pem", lambda p, o: p.write_bytes(Signer.generate().pem()), "M330", 6, "entitle"
    ),
    "the signer of another role": Harm(
        "worker.pem",
        lambda p, o: p.write_bytes(o.keys.retention_signer.pem()),
        "M330",
        6,
        "entitle",
    ),
}


def written(office: Office) -> set[str]:
    """Objects of both stores but evidence: that a run failed is told there by whoever can sign it."""
    names = {o.name for store in (office.store, office.second) for o in store.list()}
    return {name for name in names if not name.startswith("evidence/")}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_a_bad_key_of_the_worker_is_said_and_nothing_is_written(
    trouble: Trouble, harm: Harm
) -> None:
    office = trouble.office
    path = office.folder / "keys" / harm.file
    good = path.read_bytes()
    before = written(office)
    harm.do(path, office)

    runs = office.back_up_all(code=harm.exit).runs()

    for source in ("files", "archive"):
        error = runs[source]["error"]
        four_answers(error, harm.code)
        assert harm.said in error["what"]
        assert good.decode().splitlines()[0][20:] not in str(runs)
    symptoms = office.muniment("doctor", "--json", code=3).symptoms()
    assert "keys" in symptoms and symptoms["keys"]["todo"]
    assert written(office) == before
    office.must_have_empty_staging()

    if path.is_dir():
        path.rmdir()
    path.parent.chmod(0o700)
    office.key(harm.file, good)
    trouble.mended()


def test_a_key_that_this_user_may_not_read_says_whose_it_should_be(trouble: Trouble) -> None:
    needs_root()
    office = trouble.office
    for folder in (office.folder, *office.folder.parents[:3]):
        folder.chmod(0o755)
    (office.folder / "keys").chmod(0o755)

    # What is imported by now need not be read by that user.
    office.muniment("backup", "no-such-source", code=3)

    def try_it() -> tuple[int, str]:
        os.chdir("/")
        with redirect_stderr(StringIO()) as said:
            code = main(["--firm", str(office.firm), "backup", "--all"], clock=office.clock)
        return code, said.getvalue()

    code, said = as_nobody(try_it)
    assert code == 3
    assert "[M110] a key file cannot be opened (Permission denied)" in said
    assert "mode 0600 and this user as its owner" in said
    trouble.mended()


@pytest.mark.parametrize("passphrase", [True, False], ids=["under a passphrase", "in the open"])
def test_an_escrow_identity_in_the_place_of_operations_is_told_to_go_back_into_the_safe(
    trouble: Trouble, passphrase: bool
) -> None:
    office = trouble.office
    good = (office.folder / "keys/operations.identity").read_bytes()
    path = office.key("operations.identity", f"{office.keys.escrow}\n")
    if passphrase:
        passphrased(path, office)

    symptom = office.muniment("doctor", "--json", code=3).symptoms()["keys"]
    assert "safe" in symptom["what"] + symptom["todo"]
    if passphrase:
        asked = ["restore", "--source", "files", "--to", office.folder / "back", "--yes", "--json"]
        four_answers(office.muniment(*asked, code=3).json["error"], "M110")
    # Backups need none of it.
    office.back_up_all()
    office.key("operations.identity", good)
    trouble.mended(earlier=("files", "archive"))


def test_the_identity_of_another_role_is_found(trouble: Trouble) -> None:
    office = trouble.office
    good = (office.folder / "keys/worker.identity").read_bytes()
    office.key("worker.identity", f"{office.keys.operations}\n")
    symptom = office.muniment("doctor", "--json", code=3).symptoms()["keys"]
    assert "worker: this identity is that of another role (operations)" in symptom["what"]
    office.key("worker.identity", good)
    trouble.mended()


def test_two_roles_with_one_file_are_told_apart_by_name(trouble: Trouble, airflow: Airflow) -> None:
    office = trouble.office
    office.document(lambda text: text.replace("keys/retention.pem", "keys/worker.pem"))
    why = airflow.refused()["practice__configuration"]
    assert "is the same file as keys.worker.signer" in why
    office.document()
    trouble.mended()


def test_a_credential_file_of_the_store_that_is_no_such_file_is_said(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = trouble.office
    office.document(
        main="s3://bucket/practice", main_more="\n    connection: store\n    region: us-east-1"
    )
    for content, mode, said in (
        ("aws_access_key_id=a\n", 0o600, "has no"),
        ("aws_access_key_id=a\naws_secret_access_key=b\n", 0o644, "readable to others"),
        (None, 0, "cannot be read"),
    ):
        path = office.folder / "credential"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
            path.chmod(mode)
        monkeypatch.setenv("MUNIMENT_S3_CREDENTIAL", str(path))
        error = trouble.of_files("M110", 3)
        assert said in error["what"]
        assert error["to"] == str(path)
    office.document()
    trouble.mended()
