"""No file names the machine it was written on: its folders, its package mirror, its user."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.docs.pages import files, name_of
from tests.support.needs import REPOSITORY

HOME = re.compile(rb"(?<![\w.$}-])/(?:work|home/(?!airflow\b|x\b)\w+|Users/\w+|root)/[\w.-]")
"""A path below somebody's home; `airflow` is the user of the container's image, `x` is nobody."""


def contents() -> dict[str, bytes]:
    """Every file that is text; vectors and golden vaults are sealed bytes."""
    found = {}
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data[:8192] and path != Path(__file__).resolve():
            found[name_of(path)] = data
    return found


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    here = os.fsencode(REPOSITORY) + b"/"
    named = {
        (name, data[max(0, at.start() - 20) : at.end() + 20].decode("utf-8", "replace"))
        for name, data in contents().items()
        for at in HOME.finditer(data)
    }
    assert named == set()
    if len(REPOSITORY.parts) > 2:
        assert [name for name, data in contents().items() if here in data] == []


def test_no_file_names_a_package_mirror() -> None:
    mirrors = set()
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
                     "npm_config_registry", "GOPROXY"):  # fmt: skip
        for url in re.split(r"[\s,]+", os.environ.get(variable, "")):
            if host := urlsplit(url).hostname:
                mirrors.add(host.encode())
    every = contents()
    assert [(n, m) for n, data in every.items() for m in mirrors if m in data] == []
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        assert not re.search(
            rb"^\s*--?(index-url|extra-index-url|find-links|i )", every[name], re.M
        )
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert b"://" not in re.sub(rb"#.*", b"", every[name]), name
