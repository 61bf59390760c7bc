"""RestoreStatement: what the DAG itself says of a restore, in the clear beside the delivery: ids, counts, times, digests."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CERTIFICATE = "certificate.json"


def write_statement(folder: Path, statement: Mapping[str, Any]) -> None:
    """For the folder's owner, whole or not at all. Raises OSError."""
    path = folder / CERTIFICATE
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(statement, out, indent=2, sort_keys=True)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(draft, path)
