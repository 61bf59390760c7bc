"""Key files of the roles: where they lie, who can read them, and their text.

A reference is an absolute path, or `secret:<name>`: a secret that the machine gives to a service,
looked for in `$CREDENTIALS_DIRECTORY` (systemd credentials) and then in `/run/secrets` (Docker,
Podman). Never an Airflow connection or variable: Airflow hands those to any task.

Invariants: a key file that others on the machine can read is refused, not used with a warning; no
error, repr or pickle shows key text. What the text means is for `muniment.vault` to say.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from muniment.config.firm import SECRET, Keys
from muniment.config.reached import ENVIRONMENT
from muniment.errors import ConfigError, KeyFileError
from muniment.model.value import Hidden, Value

MAX_BYTES = 64 * 1024
CONTAINER_SECRETS = Path("/run/secrets")
ROLES = ("worker", "operations", "retention")
_IDENTITY = "AGE-SECRET-KEY-"
_PASSPHRASE = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_SIGNER = "-----BEGIN PRIVATE KEY-----"


class RoleKeys(Hidden, frozen=True):
    """A role's key files as text: `identity` an age identity file, None for a role that only signs;
    `signer` PKCS #8 PEM."""

    role: str
    identity: str | None
    signer: str

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys do not travel between processes: read them where they are used")


def read_role_keys(keys: Keys, role: str) -> RoleKeys:
    """Reads a role's key files. Raises KeyFileError that names the file and how to mend it."""
    part = getattr(keys, role) if role in ROLES else None
    if part is None:
        raise KeyFileError(
            f"firm.yaml names no keys of the role {role}",
            to=f"firm.yaml, key keys.{role}",
            todo=f"Name its files under keys.{role}, on the machine that does this role's work.",
        )
    identity = getattr(part, "identity", None)
    return RoleKeys(
        role,
        read_identity_file(locate(identity)) if identity is not None else None,
        _read_signer_file(locate(part.signer)),
    )


def locate(reference: str, environment: Mapping[str, str] | None = None) -> Path:
    """The file that a reference means on this machine; it need not exist."""
    if not reference.startswith(SECRET):
        return Path(reference)
    name = reference.removeprefix(SECRET)
    credentials = (os.environ if environment is None else environment).get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / name).exists():
        return Path(credentials) / name
    return CONTAINER_SECRETS / name


def read_identity_file(path: Path) -> str:
    """The text of an age identity file that is not under a passphrase. Raises KeyFileError."""
    content = _read_private(path)
    # Looked for before it is decoded: such a file may be binary.
    if content.lstrip().startswith(_PASSPHRASE):
        raise KeyFileError(
            "this identity is under a passphrase, which a task cannot be asked for",
            to=str(path),
            todo="Name the role's own identity file here. An escrow identity belongs in the safe,"
            " not on this machine.",
        )
    text = _text_of(path, content)
    if not any(line.strip().startswith(_IDENTITY) for line in text.splitlines()):
        raise KeyFileError("this is no age identity file", to=str(path))
    return text


def _read_signer_file(path: Path) -> str:
    text = read_key_file(path)
    if _SIGNER not in text:
        raise KeyFileError("this is no unencrypted PKCS #8 key (PEM)", to=str(path))
    return text


def read_key_file(path: Path) -> str:
    """The text of a file that only this user (or root) can read. Raises KeyFileError."""
    return _text_of(path, _read_private(path))


def read_secret(reference: str, environment: Mapping[str, str] | None = None) -> str:
    """The secret that a reference means on this machine; `env:<NAME>` is a variable of this process.

    Raises KeyFileError, ConfigError.
    """
    if reference.startswith(ENVIRONMENT):
        name = reference.removeprefix(ENVIRONMENT)
        value = (os.environ if environment is None else environment).get(name, "").strip()
        if not value:
            raise ConfigError(
                "a variable that firm.yaml names for a secret is not set",
                to=f"variable {name}",
                todo=f"Set {name} in the environment of this service, or name a file.",
            )
        return value
    path = locate(reference)
    lines = read_key_file(path).split()
    if len(lines) != 1:
        raise KeyFileError("this file holds not one secret", to=str(path))
    return lines[0]


def _text_of(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise KeyFileError("a key file is not text", to=str(path)) from None


def _read_private(path: Path) -> bytes:
    try:
        # Non-blocking, so that a pipe in a key's place is found out and not waited for.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileError(
            f"a key file cannot be opened ({error.strerror})",
            to=str(path),
            todo="Put it back (see the key card) with mode 0600 and this user as its owner, or run"
            " this on the machine of its role.",
        ) from None
    try:
        _check(path, os.fstat(handle))
        _check_folder(path)
        content = b""
        while len(content) <= MAX_BYTES and (piece := os.read(handle, MAX_BYTES + 1)):
            content += piece
    except OSError as error:
        raise KeyFileError(f"a key file cannot be read ({error.strerror})", to=str(path)) from None
    finally:
        os.close(handle)
    if not content.strip() or len(content) > MAX_BYTES:
        raise KeyFileError("a key file is empty, or far too large for a key", to=str(path))
    return content


def write_key_file(path: Path, text: str) -> None:
    """Writes a new key file with mode 0600, durable on return. Never replaces a file: a key that is
    overwritten may be the only one that opens something. Raises KeyFileError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        raise KeyFileError(
            f"a key file cannot be made ({error.strerror})",
            to=str(path),
            safe="What stands there was not touched.",
            todo="Choose another folder, or move the old key file away if it is surely not needed.",
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError("a key file is no regular file", to=str(path))
    # A container engine owns its secrets' modes; inside, there is one service to read them.
    forbidden = 0o022 if CONTAINER_SECRETS in path.parents else 0o077
    if status.st_mode & forbidden:
        raise KeyFileError(
            f"others on this machine can get at a key file (mode {status.st_mode & 0o777:04o})",
            to=str(path),
            todo="Count the key as known to them if they were not meant to, then"
            f" `chmod 0600 {path}`.",
        )
    if status.st_uid not in (0, os.geteuid()):
        raise KeyFileError(
            "a key file belongs to another user, who can change it",
            to=str(path),
            todo=f"Give it to the user that runs this: `chown {os.geteuid()} {path}`.",
        )


def _check_folder(path: Path) -> None:
    status = path.parent.stat()
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise KeyFileError(
            "others on this machine can replace a key file, because they can write its folder",
            to=str(path.parent),
            todo=f"`chmod go-w {path.parent}`.",
        )


# -- who can read what ---------------------------------------------------------------------------


class Separation(Value, frozen=True):
    """Which roles' keys this process can open. By role: `readable`, `closed` (there, but not for
    this user), `absent`."""

    roles: Mapping[str, str]

    @property
    def readable(self) -> tuple[str, ...]:
        return tuple(role for role, state in self.roles.items() if state == "readable")

    @property
    def separated(self) -> bool:
        """At most one role: whoever takes over this process gets no second one."""
        return len(self.readable) <= 1

    @property
    def text(self) -> str:
        """The line for `muniment doctor`."""
        roles = ", ".join(f"{role} {state}" for role, state in self.roles.items())
        if self.separated:
            return f"SEPARATED: {roles}"
        return (
            f"NOT SEPARATED: {roles}. Whoever takes over this user has {len(self.readable)} roles;"
            " put each role's keys on its own machine, or at least under its own user."
        )


def separation(keys: Keys) -> Separation:
    """Tries to open every role's key files, as an intruder in this process would. Reads no byte."""
    found: dict[str, str] = {}
    for role in ROLES:
        part = getattr(keys, role)
        states = {_state(locate(reference)) for reference in _references(part)}
        # One readable file of a role is that role's power already.
        found[role] = next(s for s in ("readable", "closed", "absent") if s in states | {"absent"})
    return Separation(found)


def _references(part: object) -> list[str]:
    named = [getattr(part, kind, None) for kind in ("identity", "signer", "store")]
    return [reference for reference in named if reference]


def _state(path: Path) -> str:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    except OSError:
        return "closed"
    return "readable"
