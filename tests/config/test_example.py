"""The example that `init-firm` writes, the example firm of the repository, the key card."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from muniment.config.example import Answers, pin_vault, write_example
from muniment.config.inventory import COLUMNS
from muniment.config.key_card import EscrowEntry, KeyCard, render_key_card, root_fingerprint
from muniment.config.load import list_firms, load_firm
from muniment.errors import ConfigError
from tests.support.needs import REPOSITORY

FIRMS = REPOSITORY / "include" / "firms"
VAULT_ID, ROOT = "5f" * 16, "3b" * 32


def test_the_example_is_valid_and_unfinished(tmp_path: Path) -> None:
    config = write_example(tmp_path / "example", Answers("example"))
    config.raise_issues()
    assert config.firm.vault is None
    assert [row.source_id for row in config.protected] == ["file-server"]
    assert config.matter_rules("file-server").match(b"Matters/2024-0113 Moss/a") is not None


def test_the_example_firm_of_the_repository_is_what_init_firm_writes(tmp_path: Path) -> None:
    write_example(tmp_path / "example", Answers("example"))
    for name in ("firm.yaml", "inventory.csv"):
        assert (tmp_path / "example" / name).read_bytes() == (FIRMS / "example" / name).read_bytes()


def test_every_firm_of_the_repository_loads_without_an_issue() -> None:
    firms = list_firms(FIRMS)
    assert FIRMS / "example" in firms
    for folder in firms:
        load_firm(folder).raise_issues()


@pytest.mark.parametrize(
    "answers",
    [
        Answers("a", name='Smith & "Sons": #1 {LLP} – Müller\n', source_root=Path('/srv/a b,"c"')),
        Answers("true", source_id="null"),
        Answers("x", destination="file:///mnt/vault a", connection=None, lock=timedelta(0)),
        Answers("x", endpoint="https://s3.example.net:8333", region="eu-west-1"),
        Answers(
            "x", keys=Path("/etc/a: b"), staging=Path("/var/{x}"), reviewed_on=date(2026, 2, 3)
        ),
        Answers("x", mail_domain="müller.example", time_zone="Europe/Berlin"),
    ],
)
def test_any_answers_give_a_valid_example(tmp_path: Path, answers: Answers) -> None:
    config = write_example(tmp_path / answers.firm_id, answers)
    assert config.firm.name == answers.name
    assert config.firm.staging == answers.staging
    assert config.rows[0].location == str(answers.source_root)
    assert config.firm.destinations["main"].lock == answers.lock


def test_what_exists_is_not_replaced(tmp_path: Path) -> None:
    write_example(tmp_path / "example", Answers("example"))
    before = (tmp_path / "example" / "firm.yaml").read_bytes()
    with pytest.raises(ConfigError, match="stands there already"):
        write_example(tmp_path / "example", Answers("example", name="Other"))
    assert (tmp_path / "example" / "firm.yaml").read_bytes() == before


def test_a_bad_id_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not an id"):
        write_example(tmp_path / "Bad Id", Answers("Bad Id"))
    assert not (tmp_path / "Bad Id").exists()


def test_a_vault_is_pinned_once_and_no_other_line_changes(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    write_example(folder, Answers("example"))
    before = (folder / "firm.yaml").read_text().splitlines()
    pin = pin_vault(folder, VAULT_ID, ROOT).firm.pinned()
    assert (pin.vault_id, pin.root_public) == (VAULT_ID, ROOT)
    after = (folder / "firm.yaml").read_text().splitlines()
    assert [line for line in before if line not in after] == ["vault: not yet created"]
    assert [line for line in after if line not in before] == [
        "vault:", f'  vault_id: "{VAULT_ID}"', f'  root_public: "{ROOT}"',
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="has a vault already"):
        pin_vault(folder, VAULT_ID, ROOT)
    assert sorted(path.name for path in folder.iterdir()) == ["firm.yaml", "inventory.csv"]


def test_a_bad_pin_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    write_example(folder, Answers("example"))
    before = (folder / "firm.yaml").read_bytes()
    with pytest.raises(ConfigError):
        pin_vault(folder, "short", ROOT)
    assert (folder / "firm.yaml").read_bytes() == before


def test_the_example_opens_in_a_spreadsheet_program(tmp_path: Path) -> None:
    content = (FIRMS / "example" / "inventory.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfsource_id,")
    assert all(line.endswith(b"\r") for line in content.split(b"\n")[:-1])
    assert content.split(b"\r\n")[0].decode("utf-8-sig") == ",".join(COLUMNS)


# -- the key card --------------------------------------------------------------------------------


def card() -> str:
    return render_key_card(
        KeyCard(
            firm_name="Example Law",
            vault_id="0123456789abcdef" * 2,
            root_public=ROOT,
            escrows=[EscrowEntry("escrow-1", "age1" + "q" * 58, "bank"), EscrowEntry("e2", "age1")],
            destinations=["s3://example-backups/example"],
            created_at=datetime(2026, 1, 31, tzinfo=UTC),
            tools={"recover.py": "ab" * 32},
        )
    )


def test_the_key_card_says_what_a_stranger_needs() -> None:
    text = card()
    flat = text.replace(" ", "").replace("\n", "")
    for part in ("0123456789abcdef" * 2, ROOT, "age1" + "q" * 58, "ab" * 32):
        assert part in flat or part[:34] in flat
    assert "0123 4567 89ab cdef 0123 4567 89ab cdef" in text
    assert root_fingerprint(ROOT) in flat
    assert "s3://example-backups/example" in text
    assert "recover.py" in text
    assert "mark ________________________________" in text
    assert "2026-01-31" in text


def test_the_key_card_fits_on_one_page() -> None:
    lines = card().splitlines()
    assert max(len(line) for line in lines) <= 78
    assert len(lines) <= 72


def test_the_fingerprint_is_the_key_id_of_the_signatures() -> None:
    from muniment.vault.signing import keyid_of

    assert root_fingerprint(ROOT) == keyid_of(bytes.fromhex(ROOT))


def test_the_templates_travel_with_the_package() -> None:
    for name in ("firm.yaml", "inventory.csv", "CONFIGURATION.md"):
        assert (resources.files("muniment.config") / "templates" / name).is_file()
