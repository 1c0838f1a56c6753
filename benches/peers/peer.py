"""How programs that are timed in turns talk.

Such a program is a small server: after setting up it prints {"ready": true, "objective": J or null, ...}, then for each line with an
integer n it does its work n times and prints {"milliseconds": [n numbers], "peak_bytes": b}, b the most memory that the process has
had until then. It ends with its input. The first times after the start are longer (allocation, CUDA start-up, compilation): the
caller takes a few and drops them.
"""

import json
import sys
import time


def answer(line):
    print(json.dumps(line), flush=True)


def peak_bytes():
    """The most memory that this process has had, where the system says so: Linux does."""
    try:
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        return None


def serve(ready, milliseconds):
    """`milliseconds(n)` does the work n times and returns how long each took; `ready` is what there is to say before."""
    answer({"ready": True, "resident_bytes": peak_bytes()} | ready)
    for line in sys.stdin:
        times = milliseconds(int(line))
        answer({"milliseconds": times, "peak_bytes": peak_bytes()})


def on_cpu(work, count):
    times = []
    for _ in range(count):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1e3)
    return times
