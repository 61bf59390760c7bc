"""Writes a commented, valid example of both documents, and pins a vault in it.

`muniment init-firm` uses it: the documents first, then keys and vault, then `pin_vault`. Nothing that
exists is replaced.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

from muniment.config.firm import NOT_YET
from muniment.config.inventory import COLUMNS
from muniment.config.issues import FIRM_YAML, INVENTORY_CSV
from muniment.config.load import FirmConfig, load_firm
from muniment.config.sheet import write_sheet
from muniment.config.values import check_id, check_source_id, duration_text
from muniment.errors import ConfigError

_PLACE = re.compile(r"@([a-z_]+)@")
_VAULT = re.compile(rf"^vault:[ \t]*{NOT_YET}[ \t]*(?:#.*)?$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9/._-]*")


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init-firm` asks, with answers that give a valid example.

    `connection` is needed for an s3 destination; `lock` is what the bucket's default retention says,
    zero for a folder.
    """

    firm_id: str
    name: str = "Example Law"
    time_zone: str = "America/New_York"
    destination: str = "s3://example-backups/example"
    connection: str | None = "example_store"
    endpoint: str | None = None
    region: str | None = None
    lock: timedelta = timedelta(days=21)
    staging: Path = Path("/var/lib/muniment/example")
    keys: Path = Path("/etc/muniment/example")
    source_id: str = "file-server"
    source_root: Path = Path("/srv/matters")
    mail_domain: str = "firm.example"
    reviewed_on: date = date(2026, 1, 31)


def write_example(folder: Path, answers: Answers) -> FirmConfig:
    """Writes firm.yaml and inventory.csv into `folder` (its name must be the firm id), reads them
    back and returns what was read. Raises ConfigError."""
    try:
        check_id(answers.firm_id)
        check_source_id(answers.source_id)
    except ValueError as error:
        raise ConfigError(f"an id {error}", to="init-firm") from None
    for name in (FIRM_YAML, INVENTORY_CSV):
        if (folder / name).exists():
            raise ConfigError(
                "a configuration document stands there already",
                to=str(folder / name),
                safe="It was not touched.",
                todo="Choose another firm id, or move it away.",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / FIRM_YAML, firm_yaml(answers).encode())
        _write(folder / INVENTORY_CSV, inventory_csv(answers))
    except OSError as error:
        raise ConfigError(
            f"the example cannot be written ({error.strerror})",
            to=str(folder),
            todo="Give this user the right to write there.",
        ) from None
    config = load_firm(folder)
    config.raise_issues()
    return config


def firm_yaml(answers: Answers) -> str:
    """The text of the example's firm.yaml."""
    domain = answers.mail_domain
    destination = [f"url: {_scalar(answers.destination)}"]
    optional = (
        ("connection", answers.connection),
        ("endpoint", answers.endpoint),
        ("region", answers.region),
    )
    destination += [f"{key}: {_scalar(value)}" for key, value in optional if value]
    destination.append(
        f"lock: {duration_text(answers.lock)}  # what the store's default retention says"
    )
    return _filled(
        _template(FIRM_YAML),
        {
            "firm_id": _scalar(answers.firm_id),
            "name": _scalar(answers.name),
            "time_zone": _scalar(answers.time_zone),
            "destination": "\n".join(f"    {line}" for line in destination),
            "staging": _scalar(str(answers.staging)),
            "worker_identity": _scalar(str(answers.keys / "worker.age-identity")),
            "worker_signer": _scalar(str(answers.keys / "worker.pem")),
            "operations_identity": _scalar(str(answers.keys / "operations.age-identity")),
            "operations_signer": _scalar(str(answers.keys / "operations.pem")),
            "retention_signer": _scalar(str(answers.keys / "retention.pem")),
            "source_id": _scalar(answers.source_id),
            "email_partner": _scalar(f"managing.partner@{domain}"),
            "email_deputy": _scalar(f"deputy@{domain}"),
            "email_office": _scalar(f"office@{domain}"),
            "email_technician": _scalar(f"technician@{domain}"),
        },
    )


def inventory_csv(answers: Answers) -> bytes:
    """The bytes of the example's inventory.csv."""
    words = {
        "source_id": answers.source_id,
        "source_root": str(answers.source_root),
        "reviewed_on": answers.reviewed_on.isoformat(),
    }
    rows = [
        {column: _filled(cell or "", words) for column, cell in row.items()}
        for row in csv.DictReader(io.StringIO(_template(INVENTORY_CSV)))
    ]
    return write_sheet(COLUMNS, rows)


def pin_vault(folder: Path, vault_id: str, root_public: str) -> FirmConfig:
    """Puts vault id and root key in the place of `vault: not yet created`, leaves every other line
    alone, and returns the firm as read back. Raises ConfigError; then nothing was changed."""
    path = folder / FIRM_YAML
    text = path.read_text(encoding="utf-8")
    if len(_VAULT.findall(text)) != 1:
        raise ConfigError(
            f"the line `vault: {NOT_YET}` is not there, so this firm has a vault already",
            to=str(path),
            safe="Nothing was changed.",
            todo="Compare it with the key card. A second vault needs a second firm id.",
        )
    pin = f'vault:\n  vault_id: "{vault_id}"\n  root_public: "{root_public}"'
    before = text.encode()
    _write(path, _VAULT.sub(pin, text).encode())
    try:
        config = load_firm(folder)
        config.firm.pinned()
    except ConfigError:
        _write(path, before)
        raise
    return config


def _template(name: str) -> str:
    return (resources.files("muniment.config") / "templates" / name).read_text(encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    return _PLACE.sub(lambda found: words[found[1]], text)


def _scalar(text: str) -> str:
    """A text as one YAML value, in quotes where it needs them (JSON strings are YAML)."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null")
    return text if plain else json.dumps(text, ensure_ascii=False)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: Airflow may be reading the file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
            os.fchmod(out.fileno(), 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
