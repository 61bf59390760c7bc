"""doctor: what is wrong is found, and said with its mend."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Office, Terminal


def symptoms(report: dict[str, object], state: str) -> str:
    listed = report["symptoms"]
    assert isinstance(listed, list)
    return "\n".join(f"{s['about']}: {s['what']}" for s in listed if s["state"] == state)


def test_a_healthy_firm_is_fit(office: Office, terminal: Terminal) -> None:
    report = terminal.json("doctor")

    assert report["bad"] == 0
    good = symptoms(report, "good")
    for about in ("configuration", "keys", "destination main", "vault", "source files", "staging"):
        assert about in good
    looked = symptoms(report, "warning")
    assert "NOT SEPARATED" in looked
    assert "locks NOT ENFORCED" in looked
    assert "laptops: Nothing backs it up" in looked


def test_one_role_on_a_machine_is_separated(office: Office, terminal: Terminal) -> None:
    for name in ("operations.age-identity", "operations.pem", "retention.pem"):
        (office.keys / name).unlink()
    assert ": SEPARATED" in symptoms(terminal.json("doctor"), "good").replace("NOT SEP", "")


def test_every_warning_and_fault_says_how_to_mend_it(office: Office, terminal: Terminal) -> None:
    (office.keys / "worker.pem").chmod(0o644)
    shutil.rmtree(office.share)

    listed = terminal.json("doctor", code=3)["symptoms"]

    bad = [s for s in listed if s["state"] == "bad"]
    assert {s["about"] for s in bad} == {"keys", "source files"}
    assert all(s["todo"] for s in bad)


@pytest.mark.parametrize(
    ("harm", "code", "said"),
    [
        (lambda o: shutil.rmtree(o.share), 4, "source files"),
        (lambda o: shutil.rmtree(o.store), 5, "destination main"),
        (lambda o: (o.firm / "firm.yaml").write_text("firm: other\n"), 3, "configuration"),
        (lambda o: (o.firm / "inventory.csv").unlink(), 3, "configuration"),
        (lambda o: (o.keys / "worker.pem").write_text("not a key"), 3, "keys"),
        (lambda o: (o.keys / "worker.age-identity").chmod(0o640), 3, "keys"),
    ],
)
def test_each_harm_is_found(
    office: Office, terminal: Terminal, harm: object, code: int, said: str
) -> None:
    assert callable(harm)
    harm(office)
    assert said in symptoms(terminal.json("doctor", code=code), "bad")


def test_a_key_that_the_vault_does_not_know_is_found(office: Office, terminal: Terminal) -> None:
    retention = office.keys / "retention.pem"
    (office.keys / "worker.pem").write_bytes(retention.read_bytes())
    assert "does not know this signing key" in symptoms(terminal.json("doctor", code=3), "bad")


def test_an_overdue_run_and_an_old_checkpoint_are_seen(office: Office, terminal: Terminal) -> None:
    terminal("checkpoint")
    for _ in range(3):
        terminal.tomorrow()
    looked = symptoms(terminal.json("doctor"), "warning")
    assert "a run is overdue" in looked
    assert "checkpoint is 3 d old" in looked


def test_a_vault_inside_a_source_is_refused(office: Office, terminal: Terminal) -> None:
    table = office.firm / "inventory.csv"
    table.write_text(table.read_text().replace(str(office.share), str(office.folder)))
    assert "lie in one another" in symptoms(terminal.json("doctor", code=3), "bad")


def test_a_planted_vault_document_is_reported(office: Office, terminal: Terminal) -> None:
    first = next((office.store / "vault").iterdir())
    (office.store / "vault" / "00000002.json").write_bytes(first.read_bytes())
    assert "T203" in symptoms(terminal.json("doctor", code=6), "bad")


def test_without_a_probe_nothing_is_written(office: Office, terminal: Terminal) -> None:
    before = set(office.store.rglob("*"))
    terminal("doctor", "--no-probe")
    assert set(office.store.rglob("*")) == before


def test_a_person_reads_it_as_a_list(office: Office, terminal: Terminal) -> None:
    out = terminal("doctor").out
    assert "ok    age is installed" in out or "look  age is not installed" in out
    assert "0 bad" in out


def test_the_firm_may_be_the_current_folder(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.always = ()
    monkeypatch.chdir(office.firm)
    terminal("doctor")
    monkeypatch.chdir(Path("/"))
    assert "--firm" in terminal("doctor", code=3).out
