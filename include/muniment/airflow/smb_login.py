"""What is taken out of an Airflow connection that names a file share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muniment.errors import ConfigError

if TYPE_CHECKING:
    from muniment.wiring_smb import Login

FILES = "muniment_files"
"""Our own form of a connection to a file share."""


def smb_login_of(found: Any, connection: str) -> Login:
    """User, password, domain and port. Server and share stand in the inventory. Raises ConfigError for a connection of
    another type."""
    from muniment.wiring_smb import Login

    if found.conn_type != FILES:
        raise ConfigError(
            f"the Airflow connection is of the type `{found.conn_type}`, and no file share",
            to=f"connection {connection}",
            todo="Give it the type `Muniment: file share`, or name another one in the inventory's column `connection`. Then"
            " clear this task.",
        )
    try:
        extra = found.extra_dejson
    except ValueError:
        extra = {}
    return Login(
        (found.login or "").strip(),
        (found.password or "").strip(),
        str(extra.get("domain") or "").strip(),
        int(found.port or 0),
        connection,
    )
