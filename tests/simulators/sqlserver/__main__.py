"""Runs the stand-in as a program: prints one line of JSON when it is ready, and runs until it is ended.

python -m tests.simulators.sqlserver --share '\\\\files\\sql=/tmp/share' --database practice
"""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from tests.simulators.sqlserver.instance import SYSADMIN
from tests.simulators.sqlserver.running import running


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.simulators.sqlserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--share", action="append", default=[], help="SERVER_PATH=FOLDER")
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--password", default="word")
    given = parser.parse_args()
    folders = {path: Path(real) for path, _, real in (one.partition("=") for one in given.share)}
    with running(folders, port=given.port) as server:
        for name in given.database:
            server.instance.add(name)
        server.instance.login("muniment", given.password, SYSADMIN)
        print(json.dumps({"port": server.port, "user": "muniment"}), flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
