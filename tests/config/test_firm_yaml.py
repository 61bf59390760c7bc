"""One bad value in firm.yaml: the text says where, what and what would be right, and stops only
what it touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.config.load import FirmConfig, list_firms, load_firm, source_ids
from muniment.errors import ConfigError
from tests.support.firms import FIRM_YAML, ROWS, loaded, write_firm

TYPED = "Zyxwvut"
"""Stands wherever a test types something: it must never come back."""


def changed(old: str, new: str) -> str:
    assert FIRM_YAML.count(old) == 1, old
    return FIRM_YAML.replace(old, new)


def line_of(yaml: str, text: str) -> int:
    return yaml[: yaml.index(text)].count("\n") + 1


def issue_texts(config: FirmConfig) -> str:
    return "\n".join(issue.text for issue in config.issues)


def test_a_good_firm_has_no_issue(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert not config.issues
    assert not config.errors
    config.raise_issues()
    assert [row.source_id for row in config.protected] == ["files", "archive", "ledger"]
    assert config.options("files").shard_size == 1 << 30
    assert config.options("archive").shard_size == 2 << 30
    assert config.retention(config.row("ledger")).retention_class == "records"
    assert config.destination(config.row("files")).url == "s3://bucket/testers"
    found = config.matter_rules("files").match(b"Matters/2024-0113 Alvarez/a.txt")
    assert found is not None
    assert found.number == "2024-0113"
    assert set(config.digests) == {"firm.yaml", "inventory.csv"}


# What stops the firm: (what stands there, what is written, where, what the text must say).
FATAL = [
    ("firm: testers", f"firm: {TYPED}", "firm", "is not an id"),
    ("firm: testers", "firm: others", "firm", "is not the name of its folder"),
    ("name: Testers", "name:", "name", "is not a text"),
    ("time_zone: America/New_York", "time_zone: America/New_Yrok", "time_zone", "New_York`?"),
    ("time_zone: America/New_York", f"time_zone: ../{TYPED}", "time_zone", "IANA name"),
    (f"staging: {'/var/lib/muniment/testers'}", "staging: var/lib", "staging", "absolute path"),
    ('"5f0c1e3a9b7d4286ae10c9d2f4b86375"', f"{TYPED}", "vault.vault_id", "32 hex"),
    ("  managing_partner: partner\n", "", "roles.managing_partner", "is missing"),
    ("roles:\n", f"rolls: {TYPED}\nx-roles:\n", "", "has a key that is not known"),
]


@pytest.mark.parametrize(("old", "new", "key", "says"), FATAL)
def test_what_every_source_needs_stops_the_firm(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    folder = write_firm(tmp_path, changed(old, new))
    with pytest.raises(ConfigError) as caught:
        load_firm(folder)
    text = str(caught.value)
    assert says in text
    assert f"key {key}" in text if key else "firm.yaml, line" in text
    assert TYPED not in text
    # Its DAGs stay in sight.
    assert source_ids(folder) == ["files", "archive", "ledger"]


# What stops no source.
HARMLESS = [
    ("labels:\n", f"lables: {TYPED}\nlabels:\n", "", "`labels`"),
    ("email: office@testers.example", f"email: {TYPED}", "people.office.email", "e-mail"),
    ("office_manager: office", "office_manager: ofice", "roles.office_manager", "`office`"),
    ("deputy: deputy", "deputy: partner", "roles.deputy", "stand in for himself"),
    (
        "technicians: [technician]",
        "technicians: [partner]",
        "roles.managing_partner",
        "is also a technician",
    ),
    ("to: technician", "to: [nobody]", "alerts.smtp.to[1]", "names nobody"),
    ("from: backup@provider.example", "from: nobody", "alerts.smtp.from", "e-mail"),
    ("matter_numbers: true", "matter_numbers: yes", "labels.matter_numbers", "true or false"),
    (
        "signer: /etc/muniment/retention.pem",
        "signer: /etc/muniment/worker.pem",
        "keys.retention.signer",
        "keys.worker.signer",
    ),
    (
        "signer: /etc/muniment/retention.pem",
        "signer: retention.pem",
        "keys.retention.signer",
        "absolute path",
    ),
    ("signer: secret:operations-signer", 'signer: "secret:"', "keys.operations.signer", "secret:"),
    ("until: 2026-03-31", "until: 2026-12-31", "exceptions[1]", "90 days"),
    ("until: 2026-03-31", "until: 31.3.2026", "exceptions[1].until", "2026-01-31"),
    ("until: 2026-03-31", "until: 2026-02-30", "exceptions[1].until", "2026-01-31"),
    ("accepted_by: partner", "accepted_by: technician", "exceptions[1].accepted_by", "technician"),
    ("accepted_by: partner", f"accepted_by: {TYPED}", "exceptions[1].accepted_by", "not an id"),
    (
        '- source: files\n    pattern: "Scanner/**"',
        '- source: ledger\n    pattern: "Scanner/**"',
        "exceptions[1].source",
        "Trust data cannot be excepted",
    ),
    ('pattern: "Scanner/**"', 'pattern: "/Scanner"', "exceptions[1].pattern", "relative"),
    ("- source: archive", "- source: archiv", "matter_rules[2].source", "`archive`"),
    (
        "    url: file:///srv/second",
        "    url: s3://b/c",
        "destinations.second.connection",
        "missing",
    ),
    ("cause: permission denied", f"cause: {TYPED} denied", "exceptions[1].cause", "form"),
    ("    lock: 0d", "    lock: 0d\n    region: X y", "destinations.second.region", "eu-west-1"),
    (
        "    lock: 0d",
        f"    lock: 0d\n    endpoint: {TYPED}/https://a",
        "destinations.second.endpoint",
        "https://",
    ),
    ("    lock: 0d", "    lock: 7d", "destinations.second.lock", "cannot enforce"),
    ("    lock: 0d", "    lock: 400d", "destinations.second.lock", "at most 90d"),
]


@pytest.mark.parametrize(("old", "new", "key", "says"), HARMLESS)
def test_what_touches_no_source_stops_none(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    yaml = changed(old, new)
    config = loaded(tmp_path, yaml)
    text = issue_texts(config)
    assert says in text
    assert f"key {key}:" in text if key else "firm.yaml, line" in text
    assert TYPED not in text
    assert len(config.protected) == len(ROWS)
    with pytest.raises(ConfigError):
        config.raise_issues()


# What stops one source or some, and leaves the others.
STOPPING = [
    ("shard_size: 1GiB", f"shard_size: {TYPED}", "sources.files.shard_size", "2GiB", {"files"}),
    ("shard_size: 1GiB", "shard_size: 1MiB", "sources.files.shard_size", "64MiB", {"files"}),
    ("shard_size: 1GiB", f"shard_sice: {TYPED}", "sources.files", "`shard_size`", {"files"}),
    ('["**/Thumbs.db"]', f'["{TYPED}/../x"]', "sources.files.exclude[1]", "folder", {"files"}),
    ('["**/Thumbs.db"]', "1", "sources.files.exclude", "not a list", {"files"}),
    ('"{number}/**"', f'"{{{TYPED}}}/**"', "matter_rules[2].pattern", "{number}", {"archive"}),
    ('"{number}/**"', f'"{TYPED}/**"', "matter_rules[2].pattern", "no {number}", {"archive"}),
    ("daily: 30", "daily: 0", "retention.matters", "keeps nothing", {"files", "archive"}),
    ("daily: 30", "daily: 1000", "retention.matters.daily", "at most 366", {"files", "archive"}),
    ("daily: 30", "daili: 30", "retention.matters", "`daily`", {"files", "archive"}),
    ("class: records", "class: record", "retention.trust", "class: records", {"ledger"}),
    ("years: 7", "years: 5", "retention.trust", "nobody confirmed it", {"ledger"}),
    ("from: representation_terminated", "from: closed", "retention.trust.from", "'matter_concl", {"ledger"}),
    (
        "url: s3://bucket/testers",
        f"url: s3://user:{TYPED}@bucket/testers",
        "destinations.main.url",
        "credentials",
        {"files", "archive", "ledger"},
    ),
    ("url: s3://bucket/testers", "url: ftp://x", "destinations.main.url", "s3://", {"files", "archive", "ledger"}),
    ("    connection: testers_store\n", "", "destinations.main.connection", "missing", {"files", "archive", "ledger"}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "says", "stopped"), STOPPING)
def test_what_touches_a_source_stops_that_one(
    tmp_path: Path, old: str, new: str, key: str, says: str, stopped: set[str]
) -> None:
    config = loaded(tmp_path, changed(old, new))
    every = issue_texts(config) + "\n".join(error.text for error in config.errors)
    assert says in every
    assert f"key {key}" in every
    assert TYPED not in every
    assert {error.source_id for error in config.errors} == stopped
    assert {row.source_id for row in config.rows} == {"files", "archive", "ledger"} - stopped
    for source_id in stopped:
        with pytest.raises(ConfigError) as caught:
            config.row(source_id)
        assert TYPED not in str(caught.value)


def test_a_mistake_is_on_the_line_that_the_text_names(tmp_path: Path) -> None:
    yaml = changed("daily: 30", "daily: 1000")
    config = loaded(tmp_path, yaml)
    assert config.issues[0].line == line_of(yaml, "daily: 1000")


def test_labels_that_cannot_be_read_hide_matter_numbers(tmp_path: Path) -> None:
    yaml = changed("labels:\n  matter_numbers: true", "labels: nonsense")
    assert loaded(tmp_path, yaml).firm.labels.matter_numbers is False


def test_a_bad_entry_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    yaml = changed(
        "matter_rules:\n",
        'matter_rules:\n  - source: ledger\n    pattern: "no number"\n'
        '  - source: ledger\n    pattern: ""\n',
    )
    config = loaded(tmp_path, yaml)
    assert {e.source_id for e in config.errors} == {"ledger"}
    assert [rule.source for rule in config.firm.matter_rules] == ["files", "archive"]


def test_a_rule_for_a_source_that_is_not_there_is_reported_once(tmp_path: Path) -> None:
    yaml = changed("- source: archive", "- source: archives").replace('"{number}/**"', '"bad"')
    config = loaded(tmp_path, yaml)
    assert issue_texts(config).count("matter_rules[2].pattern") == 1
    assert not config.errors


def test_a_firm_without_a_vault_says_how_to_make_one(tmp_path: Path) -> None:
    start, end = FIRM_YAML.index("vault:\n"), FIRM_YAML.index("destinations:")
    config = loaded(tmp_path, FIRM_YAML[:start] + "vault: not yet created\n" + FIRM_YAML[end:])
    assert config.firm.vault is None
    with pytest.raises(ConfigError, match="init-firm"):
        config.firm.pinned()


def test_a_pinned_vault_is_what_the_key_card_says(tmp_path: Path) -> None:
    pin = loaded(tmp_path).firm.pinned()
    assert pin.vault_id == "5f0c1e3a9b7d4286ae10c9d2f4b86375"
    assert len(bytes.fromhex(pin.root_public)) == 32


@pytest.mark.parametrize(
    ("document", "secret"),
    [
        ("firm.yaml", "AGE-SECRET-KEY-1QQQQ"),
        ("firm.yaml", "-----BEGIN PRIVATE KEY-----"),
        ("firm.yaml", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("inventory.csv", "age-secret-key-1qqqq"),
    ],
)
def test_a_secret_in_a_document_is_refused_and_not_repeated(
    tmp_path: Path, document: str, secret: str
) -> None:
    folder = write_firm(tmp_path)
    path = folder / document
    path.write_bytes(path.read_bytes() + f"# {secret}\n".encode())
    with pytest.raises(ConfigError) as caught:
        load_firm(folder)
    assert "secret key stands in" in str(caught.value)
    assert f"{document}, line" in str(caught.value)
    assert secret not in str(caught.value)


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    folder = write_firm(tmp_path)
    (folder / "inventory.csv").unlink()
    with pytest.raises(ConfigError, match=r"inventory\.csv"):
        load_firm(folder)
    assert source_ids(folder) == []


def test_firms_are_the_folders_that_have_a_firm_yaml(tmp_path: Path) -> None:
    folder = write_firm(tmp_path)
    (tmp_path / "notes").mkdir()
    assert list_firms(tmp_path) == [folder]
    assert list_firms(tmp_path / "absent") == []


def test_the_errors_of_a_firm_survive_pickling(tmp_path: Path) -> None:
    import pickle

    config = loaded(tmp_path, changed("years: 7", "years: 5"))
    error = config.errors[0].error()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
