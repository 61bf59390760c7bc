"""A real Airflow on this machine, without container or root: a few processes over PostgreSQL.

Nouns: AirflowServices (api-server, scheduler, dag-processor, triggerer of one home folder).

Invariants
- Only PostgreSQL: SQLite locked up under forty mapped tasks.
- Nothing listens outside loopback. Logs are read from the disk, so no log server is started.
- Another program with the same home sees the same services and can stop them.
- The services run on after the program that started them has ended, until `stop`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from muniment.embedded.airflow_api import AirflowApi
from muniment.embedded.airflow_settings import AirflowSettings
from muniment.embedded.processes import Child, ProcessSet
from muniment.errors import EmbeddedError

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_PATIENCE = {
    # Running tasks may end first; the second request, after a quarter of this, ends them.
    "scheduler": 20.0,
    "dag-processor": 10.0,
    "api-server": 10.0,
    # It waits up to ten seconds for a runner that has gone already, and holds nothing of its own.
    "triggerer": 4.0,
}
PREFERRED_PORT = 8080
_MIGRATE_SECONDS = 300.0


def free_port(preferred: int = PREFERRED_PORT) -> int:
    """`preferred` if nobody listens there, else any free port of loopback."""
    for port in (preferred, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = trial.getsockname()[1]
            return chosen
    raise EmbeddedError("This machine has no free port on loopback.", to="127.0.0.1")


def port_for(home: Path) -> int:
    """Where the Airflow of this home listens, or would: the port of last time if it runs or if
    that port is free, so that bookmarks and URLs in mails stay good."""
    file = home / "port"
    last = int(file.read_text()) if file.exists() else PREFERRED_PORT
    return last if _services(home).running() else free_port(last)


def stop_airflow(home: Path) -> None:
    """Ends the Airflow of this home, whoever started it; does nothing when none runs."""
    _services(home).stop()


def _services(home: Path) -> ProcessSet:
    return ProcessSet(home / "services")


class AirflowServices:
    """Starts, watches and stops one Airflow.

    Args:
        python: the interpreter that has Airflow installed.
        components: which to run. The triggerer (180 MB) serves deferred tasks only; without it
            everything else works, but Airflow's home page shows it in red.
    """

    def __init__(
        self,
        settings: AirflowSettings,
        python: Path,
        components: tuple[str, ...] = tuple(COMPONENTS),
    ) -> None:
        self.settings = settings
        self.components = components
        self._python = python
        self._processes = _services(settings.home)

    @property
    def base_url(self) -> str:
        """Where people and `AirflowApi` find it."""
        return self.settings.base_url

    @property
    def running(self) -> bool:
        """Are all components alive? Says nothing about their health."""
        return set(self.components) <= set(self._processes.running())

    def migrate(self) -> None:
        """Creates or upgrades the tables; takes about 4 s also when there is nothing to do.

        Raises EmbeddedError with the program's last words.
        """
        environment = self.settings.process_environment()
        log = self._processes.log("migrate")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            try:
                done = subprocess.run(
                    self._command("db", "migrate"),
                    env=environment,
                    cwd=self.settings.home,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=_MIGRATE_SECONDS,
                )
                failed = f"status {done.returncode}" if done.returncode else ""
            except (OSError, subprocess.TimeoutExpired) as error:
                failed = str(error)
        if failed:
            raise EmbeddedError(
                f"`airflow db migrate` failed ({failed}). Its last words:\n"
                + self._processes.tail("migrate"),
                to=str(log),
            )

    def start(self) -> None:
        """Starts what does not run yet, all at once; does not wait. The tables must be there."""
        environment = self.settings.process_environment()
        (self.settings.home / "port").write_text(str(self.settings.port))
        running = self._processes.running()
        for name in self.components:
            if name not in running:
                command = self._command(*COMPONENTS[name])
                child = Child(
                    name, command, environment, self.settings.home, patience=_PATIENCE[name]
                )
                self._processes.start(child)

    def health(self) -> dict[str, str]:
        """Each component's own word (`healthy`, `unhealthy`), `silent` before it has said one."""
        silent = dict.fromkeys(["metadatabase", *self.components], "silent")
        # Not through a proxy of the environment: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.base_url}/api/v2/monitor/health", timeout=10) as answer:
                told = json.load(answer)
        except (OSError, ValueError):
            return silent
        states = {name.replace("_", "-"): row["status"] or "silent" for name, row in told.items()}
        return {name: states.get(name, "silent") for name in silent} | {"api-server": "healthy"}

    def wait_healthy(
        self,
        timeout: float = 120.0,
        on_progress: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """Until every component is healthy. `on_progress` gets `health()` whenever it changes.

        Raises EmbeddedError, with the log of the component at fault, when one has ended or is not
        healthy in `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        before: Mapping[str, str] = {}
        while True:
            states = self.health()
            if states != before and on_progress:
                on_progress(states)
            before = states
            # A healthy word can be that of an earlier life: only a living process counts.
            if fallen := self._processes.fallen():
                raise self._fault(fallen[0], "has ended by itself")
            if all(state == "healthy" for state in states.values()):
                return
            if time.monotonic() > deadline:
                late = next(name for name in self.components if states[name] != "healthy")
                raise self._fault(late, f"is {states[late]} after {timeout:.0f} s")
            time.sleep(0.25)

    def stop(self) -> None:
        """Ends every process of it; running tasks are asked to end too, then killed."""
        self._processes.stop()

    def api(self, user: str = "technician") -> AirflowApi:
        """A REST session, logged in as one of the settings' users."""
        api = AirflowApi(self.base_url, self.settings.logs)
        api.login(user, self.settings.passwords()[user])
        return api

    def _command(self, *arguments: str) -> list[str]:
        return [str(self._python), "-m", "airflow", *arguments]

    def _fault(self, component: str, what: str) -> EmbeddedError:
        return EmbeddedError(
            f"Airflow's {component} {what}. Its last words:\n{self._processes.tail(component)}",
            to=str(self._processes.log(component)),
        )
