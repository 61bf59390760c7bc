"""How the embedded Airflow is configured: by its environment alone.

Every setting that matters stands in `process_environment`, which wins over the airflow.cfg that
Airflow writes for itself. What must be the same after a restart (keys, passwords) is in two 0600
files of the home folder.

Left at its default on purpose: `dag_discovery_safe_mode`. Airflow reads only DAG files that hold
both words, dag and airflow, and the product's files must be found by an untouched Airflow.

For the demo and tests. An MSP's installation is configured by its own means, with FAB instead of
the simple auth manager, which Airflow calls fit for development only.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package `muniment`, for the import path of Airflow's processes."""

# Petrol, dark enough for white text. Eleven steps, as Airflow's `[api] theme` wants them.
_BRAND = {
    "50": "0.975 0.012 205",
    "100": "0.945 0.026 205",
    "200": "0.890 0.048 206",
    "300": "0.810 0.070 207",
    "400": "0.700 0.085 209",
    "500": "0.590 0.085 211",
    "600": "0.510 0.078 213",
    "700": "0.440 0.068 215",
    "800": "0.375 0.056 217",
    "900": "0.310 0.044 219",
    "950": "0.235 0.034 221",
}


@dataclass(frozen=True)
class AirflowSettings:
    """What the caller decides about one embedded Airflow.

    `users` maps a login to a role of the simple auth manager (viewer, user, op, admin).
    `environment` is added last and wins: connections as `AIRFLOW_CONN_<ID>`, further settings;
    its PYTHONPATH is put after the source root instead.
    """

    home: Path
    dags_folder: Path
    plugins_folder: Path
    database_uri: str
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(
        default_factory=lambda: {"technician": "admin", "partner": "op"}
    )
    parallelism: int = 4

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def passwords_file(self) -> Path:
        return self.home / "passwords.json"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def passwords(self) -> dict[str, str]:
        """By login; made on first use and kept in a 0600 file."""
        return _kept(self.passwords_file, {user: secrets.token_urlsafe(9) for user in self.users})

    def process_environment(self) -> dict[str, str]:
        """The whole environment of every Airflow process."""
        self.passwords()
        inherited = {
            name: value
            for name, value in os.environ.items()
            # Somebody's own Airflow must not leak in. Without byte code a start takes twice as
            # long.
            if not name.startswith("AIRFLOW") and name != "PYTHONDONTWRITEBYTECODE"
        }
        paths = [str(SOURCE_ROOT), self.environment.get("PYTHONPATH", "")]
        own = {
            "AIRFLOW_HOME": str(self.home),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            **_for_this_system(),
            **self._options(),
            **self.environment,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        return inherited | own

    def _options(self) -> dict[str, str]:
        sections = {
            "core": self._core(),
            "database": {"sql_alchemy_conn": self.database_uri},
            **self._api(),
            "scheduler": {"scheduler_idle_sleep_time": "0.2"},
            # A supervisor that has missed the moment its task ended looks again only after this
            # many seconds, and its slot is taken until then. With the default 5 a run of twenty
            # short tasks spent half its time so.
            "workers": {"min_heartbeat_interval": "1"},
            "dag_processor": {
                "refresh_interval": "5",
                "min_file_process_interval": "30",
                "parsing_processes": "1",
                "print_stats_interval": "0",
                "dag_bundle_storage_path": str(self.home / "bundles"),
            },
            "logging": {
                "base_log_folder": str(self.logs),
                "dag_processor_child_process_log_directory": str(self.logs / "dag_processor"),
                "colored_console_log": "False",
            },
        }
        return {
            f"AIRFLOW__{section.upper()}__{option.upper()}": value
            for section, options in sections.items()
            for option, value in options.items()
        }

    def _core(self) -> dict[str, str]:
        return {
            "executor": "LocalExecutor",
            "parallelism": str(self.parallelism),
            "load_examples": "False",
            "dags_folder": str(self.dags_folder),
            "plugins_folder": str(self.plugins_folder),
            "fernet_key": self._secrets()["fernet_key"],
            "auth_manager": "airflow.api_fastapi.auth.managers.simple"
            ".simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": ",".join(f"{u}:{role}" for u, role in self.users.items()),
            "simple_auth_manager_passwords_file": str(self.passwords_file),
            "execution_api_server_url": f"{self.base_url}/execution/",
            "min_serialized_dag_update_interval": "5",
            # The default asks the name server, which a laptop on a train does not have.
            "hostname_callable": "socket.gethostname",
        }

    def _api(self) -> dict[str, dict[str, str]]:
        steps = {step: {"value": f"oklch({colour})"} for step, colour in _BRAND.items()}
        return {
            "api": {
                "host": "127.0.0.1",
                "port": str(self.port),
                "base_url": self.base_url,
                "instance_name": "Muniment",
                "theme": json.dumps({"tokens": {"colors": {"brand": steps}}}),
                "secret_key": self._secrets()["secret_key"],
            },
            "api_auth": {"jwt_secret": self._secrets()["jwt_secret"]},
        }

    def _secrets(self) -> dict[str, str]:
        new = {
            "fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "secret_key": secrets.token_urlsafe(48),
            "jwt_secret": secrets.token_urlsafe(64),
        }
        return _kept(self.home / "secrets.json", new)


def _for_this_system() -> dict[str, str]:
    if sys.platform != "darwin":
        return {}
    # macOS ends a forked process that touches its Objective-C run time or proxy settings, and
    # LocalExecutor forks for every task.
    return {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES", "NO_PROXY": "*"}


def _kept(file: Path, new: Mapping[str, str]) -> dict[str, str]:
    """The values of an earlier run, completed by new ones, in a file only its owner reads."""
    old: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    values = {**new, **old}
    if values != old:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            json.dump(values, output)
        os.replace(draft, file)
    return values
