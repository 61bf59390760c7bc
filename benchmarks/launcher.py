"""Launcher: runs one command and writes down what it cost. A program of its own, with nothing imported
that it does not need: Linux counts the memory of whoever starts a process into that process' peak.

    python -I -S launcher.py RESULT.json COMMAND [ARGUMENT]...

CPU seconds are those of the command and all its descendants that were waited for (wait4). Peak memory
is the larger of the kernel's own figure for the largest process, and of the sum over the tree as seen
every 20 ms.
"""

import os
import select
import sys
import time

EVERY_MS = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found


def _tree_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            own = int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        own = 0
    return own + sum(map(_tree_bytes, _children(pid)))


def main() -> int:
    result, command = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(127)
    ended = os.pidfd_open(pid)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    peak = 0
    while not waiting.poll(EVERY_MS):
        peak = max(peak, _tree_bytes(pid))
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    with open(result, "w") as file:
        file.write(
            f'{{"wall": {wall:.4f}, "user": {usage.ru_utime:.4f}, "system": {usage.ru_stime:.4f},'
            f' "peak": {max(peak, usage.ru_maxrss * 1024)}, "code": {code}}}'
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
