"""Loading runs at every parse of the DAG files: two small files and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from muniment.config.load import load_firm
from tests.support.firms import cells, write_firm
from tests.support.needs import REPOSITORY


def test_a_hundred_rows_are_a_hundred_sources(tmp_path: Path) -> None:
    rows = tuple(cells(f"share-{n}", frequency=f"daily 0{n % 10}:{n % 60:02}") for n in range(100))
    assert len(load_firm(write_firm(tmp_path, rows=rows)).protected) == 100


def test_loading_imports_nothing_heavy_and_opens_no_connection(tmp_path: Path) -> None:
    folder = write_firm(tmp_path)
    program = (
        "import sys, pathlib\n"
        "def watch(event, args):\n"
        "    assert not event.startswith(('socket.', 'subprocess.')), event\n"
        "from muniment.config.load import load_firm\n"
        "sys.addaudithook(watch)\n"
        f"load_firm(pathlib.Path({str(folder)!r})).raise_issues()\n"
        "heavy = {'airflow', 'boto3', 'botocore', 'cryptography', 'requests', 'pandas', 'numpy',\n"
        "         'great_expectations', 'rich', 'muniment.vault', 'muniment.sources'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(REPOSITORY / "include")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
