"""The command line: for whoever is left on the day Airflow is down. Files and keys, no Airflow.

Nouns
- Session: what one call was told: a firm's folder, or a store with the two numbers of the key card;
  which identities open it.
- Screen: where answers go. A person gets tables, a program one JSON document.
- Exit code: the answer in a number; see `muniment.cli.exits`.

Invariants
- Standard output carries the answer and nothing else; progress, questions and errors go to standard
  error. With `--json` it carries exactly one JSON document, also when the command fails.
- What destroys or overwrites is planned, shown and confirmed first.
- Errors carry no names of clients or files. `ls`, `show`, `diff` and `matters` do: that is what
  they are for, and the vault's keys decide who can run them.
- Nothing heavy is imported before a command needs it, and no module of another command (`commands`).
"""

from __future__ import annotations

import sys


def _import_msgspec() -> None:
    """msgspec takes `get_type_hints` from `typing_extensions` where that is installed, and else from `typing`, which from Python
    3.11 on does the same. Here it is not shown the first: it loads `inspect` and more, 0.015 CPU seconds of each command."""
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


_import_msgspec()
