"""A firm's two documents for tests, to be changed one value at a time."""

from __future__ import annotations

from pathlib import Path

from muniment.config.inventory import COLUMNS
from muniment.config.load import FirmConfig, load_firm
from muniment.config.sheet import write_sheet

FIRM_YAML = """\
firm: testers
name: Testers
time_zone: America/New_York
vault:
  vault_id: "5f0c1e3a9b7d4286ae10c9d2f4b86375"
  root_public: "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"
destinations:
  main:
    url: s3://bucket/testers
    connection: testers_store
  second:
    url: file:///srv/second
    lock: 0d
staging: /var/lib/muniment/testers
keys:
  worker:
    identity: /etc/muniment/worker.age-identity
    signer: /etc/muniment/worker.pem
  operations:
    identity: /etc/muniment/operations.age-identity
    signer: secret:operations-signer
  retention:
    signer: /etc/muniment/retention.pem
people:
  partner:
    email: partner@testers.example
  deputy:
    email: deputy@testers.example
  office:
    email: office@testers.example
  technician:
    email: technician@provider.example
roles:
  managing_partner: partner
  deputy: deputy
  office_manager: office
  technicians: [technician]
retention:
  matters:
    class: recovery_points
    daily: 30
  trust:
    class: records
    years: 7
    from: representation_terminated
matter_rules:
  - source: files
    pattern: "Matters/{number} {title}/**"
  - source: archive
    pattern: "{number}/**"
sources:
  files:
    exclude: ["**/Thumbs.db"]
    shard_size: 1GiB
exceptions:
  - source: files
    pattern: "Scanner/**"
    cause: permission denied
    accepted_by: partner
    accepted_on: 2026-01-15
    until: 2026-03-31
alerts:
  smtp:
    connection: smtp_default
    from: backup@provider.example
    to: technician
labels:
  matter_numbers: true
"""


def cells(source_id: str, **changed: str) -> dict[str, str]:
    """A good row of a file share, with some cells changed."""
    return {
        "source_id": source_id,
        "system": "files",
        "description": "Matter files",
        "location": f"/srv/{source_id}",
        "connection": "",
        "classification": "important",
        "backup_method": "muniment",
        "frequency": "daily 02:00",
        "retention": "matters",
        "trust_data": "no",
        "rpo": "25h",
        "rto": "4h",
        "destination": "main",
        "native_retention": "",
        "reviewed_by": "office",
        "reviewed_on": "2026-01-31",
        "owner": "office",
        "notes": "",
    } | changed


ROWS = (
    cells("files"),
    cells("archive", frequency="weekly sun 03:00", rpo="8d"),
    cells("ledger", trust_data="yes", classification="critical", retention="trust"),
)


def write_firm(root: Path, yaml: str = FIRM_YAML, rows: tuple[dict[str, str], ...] = ROWS) -> Path:
    """Writes both documents into `root`/testers and returns that folder."""
    folder = root / "testers"
    folder.mkdir(exist_ok=True)
    (folder / "firm.yaml").write_text(yaml, encoding="utf-8")
    (folder / "inventory.csv").write_bytes(write_sheet(COLUMNS, rows))
    return folder


def loaded(
    root: Path, yaml: str = FIRM_YAML, rows: tuple[dict[str, str], ...] = ROWS
) -> FirmConfig:
    return load_firm(write_firm(root, yaml, rows))
