"""Who receives a restore: a certificate for those who have to swear to it, nothing for those who are walled off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from muniment.recovery.sealed.opening import open_delivery
from muniment.vault.age import Identity
from tests.cli.conftest import Office, Terminal


def test_a_matter_comes_with_a_certificate_that_a_stranger_can_check(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    number, into = office.truths[1].matters[0][0], tmp_path / "back"
    told = terminal.json(
        "restore", "--matter", number, "--to", into, "--yes",
        "--requested-by", "technician", "--approved-by", "managing-partner",
    )  # fmt: skip

    own = into / "_certificate"
    made = told["certificate"]
    assert made["files"] > 0 and made["signer"] and made["folder"] == str(own)
    card = yaml.safe_load((office.firm / "firm.yaml").read_text())["vault"]
    run = subprocess.run(
        [sys.executable, "-I", own / "verify_delivery.py", "--root-key", card["root_public"]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    custody = (own / "custody.jsonl").read_text()
    assert "approval stated, not recorded here" in custody and "technician" in custody
    again = terminal("restore", "--matter", number, "--to", into, "--yes", "--overwrite")
    assert "certificate" in again.out
    terminal("restore", "--matter", number, "--to", tmp_path / "b", "--yes", "--no-certificate")
    assert not (tmp_path / "b" / "_certificate").exists()


def test_whoever_is_walled_off_gets_nothing_and_hears_the_opaque_id_alone(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    number, title = office.truths[1].matters[0]
    opaque = terminal.json("restore", "--matter", number, "--plan-only")["matter"]["ids"][0]
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["matters"] = [{"matter": number, "walled_from": ["technician"]}]
    path.write_text(yaml.safe_dump(held))
    asked = ["restore", "--matter", number, "--to", tmp_path / "back", "--yes"]

    for people in ([], ["--for", "technician"], ["--requested-by", "technician"]):
        answer = terminal.json(*asked, *people, code=9)
        assert (answer["error"]["code"], answer["error"]["to"]) == ("M589", opaque)
        assert number not in str(answer) and title not in str(answer)
    assert not (tmp_path / "back").exists()
    given = terminal.json(*asked, "--for", "managing-partner")
    count = given["plan"]["choices"][0]["items"]
    everything = terminal.json(
        "restore", "--source", "files", "--to", tmp_path / "all", "--yes", "--for", "technician"
    )
    assert everything["plan"]["choices"][0]["withheld"] == {"walled off": count}
    terminal("checkpoint")
    del held["matters"]
    path.write_text(yaml.safe_dump(held))
    terminal(*asked, "--overwrite", "--for", "technician", code=9)
    terminal("restore", "--matter", number, "--plan-only", "--for", "nobody-known", code=2)


def test_sealed_to_somebody_it_opens_with_that_key_and_nothing_else_stands_there(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    number, into = office.truths[1].matters[0][0], tmp_path / "back"
    asked = ["restore", "--matter", number, "--to", into, "--yes", "--as", "matter-file"]
    terminal(*asked, "--seal-to", "nobody", code=2)
    terminal(*asked, "--seal-to", "office-manager", "--for", "deputy", code=2)
    answer = terminal.json(*asked, "--seal-to", "office-manager", code=9)
    assert answer["error"]["code"] == "M591"
    assert answer["error"]["to"] == "firm.yaml, people.office-manager.recipient"
    assert not into.exists()

    [nobody] = [s for s in terminal.json("doctor")["symptoms"] if s["about"] == "deliveries"]
    assert nobody["state"] == "warning" and "age-keygen" in nobody["todo"]
    person = Identity.generate()
    path = office.firm / "firm.yaml"
    held = yaml.safe_load(path.read_text())
    held["people"]["office-manager"]["recipient"] = str(person.recipient)
    path.write_text(yaml.safe_dump(held))
    assert "can be sealed for office-manager" in terminal("doctor").out
    told = terminal.json(*asked, "--seal-to", "office-manager")
    assert told["sealed_to"] == str(person.recipient)
    assert told["plan"]["target"] == f"matter file, sealed to {person.recipient}"
    assert told["certificate"]["files"] > 0
    assert sorted(p.name for p in into.iterdir()) == [
        "README.txt", "SHA256SUMS", "_certificate.tar.age", "_index.tar.age", "files-0001.tar.age",
    ]  # fmt: skip
    open_delivery(into, person, tmp_path / "opened")
    assert (tmp_path / "opened/index.html").exists()
    program = tmp_path / "opened/_certificate/verify_delivery.py"
    run = subprocess.run([sys.executable, "-I", program, "--sealed", into], check=False)
    assert run.returncode == 3  # all but whose root key it is
    said = (tmp_path / "opened/_certificate/certificate.json").read_text()
    assert '"received_by": "office-manager"' in said

    # A recipient of one's own needs no firm.yaml.
    other = ["restore", "--matter", number, "--to", tmp_path / "other", "--yes"]
    terminal.json(*other, "--seal-to", str(person.recipient), "--no-certificate")
    assert not (tmp_path / "other/_certificate.tar.age").exists()
    assert "no certificate" in (tmp_path / "other/README.txt").read_text()
    assert not (tmp_path / "other/.sealing").exists()
