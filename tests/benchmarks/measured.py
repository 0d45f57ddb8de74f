"""Run one command and print what it took, as JSON: `python -I -S measured.py LIMIT_S OUTPUT PROGRAM ARGUMENT ...`.

A small process of its own: the peak memory that the kernel reports of a child is never below that of its parent.
"""

import json
import os
import signal
import sys
import time


def main() -> None:
    limit_s, output, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        _become(command, output)

    def end_all(*_: object) -> None:
        os.killpg(child, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_all)
    signal.alarm(limit_s)
    _, status, used = os.wait4(child, 0)
    figures = {
        "wall_s": time.perf_counter() - start,
        "cpu_s": used.ru_utime + used.ru_stime,
        "rss_mb": used.ru_maxrss / 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    print(json.dumps(figures))


def _become(command: list[str], output: str) -> None:
    try:
        os.setsid()
        written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(written, 1)
        os.dup2(written, 2)
        os.execvp(command[0], command)
    finally:
        os._exit(127)


main()
