"""Key files: only this user's, never shown, and who can read which."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.config import keyfiles
from muniment.config.firm import Keys
from muniment.config.keyfiles import (
    locate,
    read_identity_file,
    read_key_file,
    read_role_keys,
    separation,
    write_key_file,
)
from muniment.errors import KeyFileError
from tests.support.needs import missing

IDENTITY = "# created by a test\nAGE-SECRET-KEY-1TESTTESTTEST\n"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir(mode=0o700)
    for role in ("worker", "operations"):
        write_key_file(made / f"{role}.age-identity", IDENTITY)
        write_key_file(made / f"{role}.pem", PEM)
    write_key_file(made / "retention.pem", PEM)
    return made


@pytest.fixture
def keys(folder: Path) -> Keys:
    return Keys.model_validate(
        {
            role: {
                "identity": str(folder / f"{role}.age-identity"),
                "signer": str(folder / f"{role}.pem"),
            }
            for role in ("worker", "operations")
        }
        | {"retention": {"signer": str(folder / "retention.pem")}}
    )


def test_a_role_gets_the_text_of_its_files(keys: Keys) -> None:
    worker = read_role_keys(keys, "worker")
    assert (worker.identity, worker.signer) == (IDENTITY, PEM)
    assert read_role_keys(keys, "retention").identity is None


def test_keys_are_shown_by_nothing(keys: Keys) -> None:
    worker = read_role_keys(keys, "worker")
    assert "AGE-SECRET" not in repr(worker) + str(worker)
    assert "PRIVATE" not in repr(worker)
    with pytest.raises(TypeError):
        pickle.dumps(worker)


def test_a_role_without_keys_says_where_to_name_them() -> None:
    with pytest.raises(KeyFileError, match=r"keys\.worker"):
        read_role_keys(Keys(), "worker")
    with pytest.raises(KeyFileError):
        read_role_keys(Keys(), "escrow")


def test_a_new_key_file_is_private_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    old = os.umask(0)
    try:
        write_key_file(path, IDENTITY)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(KeyFileError):
        write_key_file(path, "another")
    assert path.read_text() == IDENTITY
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError):
        write_key_file(link, IDENTITY)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o660, 0o777])
def test_a_file_that_others_can_get_at_is_refused(folder: Path, mode: int) -> None:
    path = folder / "worker.pem"
    path.chmod(mode)
    with pytest.raises(KeyFileError) as caught:
        read_key_file(path)
    text = str(caught.value)
    assert str(path) in text
    assert f"{mode:04o}" in text
    assert "chmod 0600" in text


def test_a_read_only_file_of_this_user_is_good(folder: Path) -> None:
    (folder / "worker.pem").chmod(0o400)
    assert read_key_file(folder / "worker.pem") == PEM


def test_a_folder_that_others_can_write_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(KeyFileError, match="can replace a key file"):
        read_key_file(folder / "worker.pem")


def _missing(path: Path) -> None:
    path.unlink()


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("absent")


def _empty(path: Path) -> None:
    path.write_text(" \n")


def _huge(path: Path) -> None:
    path.write_text(IDENTITY + "#" * 70_000)


def _noise(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def _other(path: Path) -> None:
    path.write_text("age1public\n")


def _passphrase(path: Path) -> None:
    path.write_text("age-encryption.org/v1\n-> scrypt AAAA 18\n")


@pytest.mark.parametrize(
    "spoil",
    [_missing, _directory, _pipe, _dangling, _empty, _huge, _noise, _other, _passphrase],
)
def test_what_is_no_identity_file_is_refused_by_name(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    path = folder / "worker.age-identity"
    spoil(path)
    with pytest.raises(KeyFileError) as caught:
        read_identity_file(path)
    assert str(path) in str(caught.value)
    assert "AGE-SECRET" not in str(caught.value)


def test_an_identity_under_a_passphrase_belongs_in_the_safe(folder: Path) -> None:
    path = folder / "worker.age-identity"
    _passphrase(path)
    with pytest.raises(KeyFileError, match="passphrase, which a task cannot be asked for"):
        read_identity_file(path)


def test_a_signing_key_must_be_pkcs8(folder: Path, keys: Keys) -> None:
    (folder / "worker.pem").write_text(PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"))
    with pytest.raises(KeyFileError, match="no unencrypted PKCS #8"):
        read_role_keys(keys, "worker")


def test_a_link_to_a_private_file_is_followed(folder: Path) -> None:
    # Kubernetes and configuration management put keys in place as links.
    link = folder / "link"
    link.symlink_to(folder / "worker.pem")
    assert read_key_file(link) == PEM


def test_a_secret_is_looked_for_where_the_machine_puts_it(tmp_path: Path) -> None:
    (tmp_path / "worker-signer").write_text(PEM)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert locate("secret:worker-signer", environment) == tmp_path / "worker-signer"
    assert locate("secret:other", environment) == Path("/run/secrets/other")
    assert locate("secret:other", {}) == Path("/run/secrets/other")
    assert locate("/etc/key", environment) == Path("/etc/key")


def test_a_container_secret_may_be_read_by_the_container(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfiles, "CONTAINER_SECRETS", folder)
    (folder / "worker.pem").chmod(0o444)
    assert read_key_file(folder / "worker.pem") == PEM
    (folder / "worker.pem").chmod(0o466)
    with pytest.raises(KeyFileError):
        read_key_file(folder / "worker.pem")


# -- separation ----------------------------------------------------------------------------------


def test_one_process_that_reads_two_roles_is_not_separated(keys: Keys) -> None:
    found = separation(keys)
    assert found.readable == ("worker", "operations", "retention")
    assert not found.separated
    assert found.text.startswith("NOT SEPARATED: ")
    assert "3 roles" in found.text


def test_one_role_alone_is_separated(folder: Path, keys: Keys) -> None:
    for name in ("operations.age-identity", "operations.pem", "retention.pem"):
        (folder / name).unlink()
    found = separation(keys)
    assert found.text == "SEPARATED: worker readable, operations absent, retention absent"


def test_half_of_a_roles_keys_is_that_role(folder: Path, keys: Keys) -> None:
    (folder / "operations.pem").unlink()
    (folder / "retention.pem").unlink()
    assert separation(keys).readable == ("worker", "operations")


def test_roles_that_firm_yaml_does_not_name_are_absent() -> None:
    assert separation(Keys()).separated


def needs_root() -> None:
    if os.geteuid() != 0:
        missing("root", "only root can become another user; run the suite as root, as CI does")


def as_nobody(work: Callable[[], str]) -> str:
    """What `work` returns in a process without this one's rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            answer = work()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode()[:4096])
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answered:
        return answered.read()


def test_another_users_keys_are_closed(keys: Keys, folder: Path) -> None:
    needs_root()
    for path in (folder, *folder.parents):
        if path.stat().st_mode & 0o005 != 0o005:
            path.chmod(0o755)
    os.chown(folder / "worker.pem", 65534, 65534)
    text = as_nobody(lambda: separation(keys).text)
    assert text == "SEPARATED: worker readable, operations closed, retention closed"


def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    needs_root()
    os.chown(folder / "worker.pem", 65534, 65534)
    with pytest.raises(KeyFileError, match="belongs to another user"):
        read_key_file(folder / "worker.pem")
