"""Runs one `gleaner coreset ... --json`, stops it if it takes too long, and says what it came to and the memory it took.

    python benches/peers/selection.py --limit 600 -- gleaner coreset FILE --method craig --fraction 0.1 --json --out OUT.npz

prints one line: {"seconds": s, "objective": f, "ratio": r, "cpu_seconds": c, "peak_bytes": b}, s as the program itself says, c of the
whole process, or, of a program that was stopped, {"stopped": true, "cpu_seconds": c, "peak_bytes": b}.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, required=True, help="seconds after which the program is stopped")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    # Files, not pipes: nobody reads until it is done.
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complaints:
        print(json.dumps(outcome(args, said, complaints)))


def outcome(args, said, complaints):
    program = subprocess.Popen(args.command, stdout=said, stderr=complaints)
    stopped = False

    def stop(*_):
        nonlocal stopped
        stopped = True
        program.kill()

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, args.limit)
    _, status, usage = os.wait4(program.pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    answer = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024}
    if stopped:
        return answer | {"stopped": True}
    said.seek(0)
    complaints.seek(0)
    if program.returncode:
        sys.exit(f"{complaints.read()}exit status {program.returncode} from {' '.join(args.command)}")
    fields = json.loads(said.read().splitlines()[-1])
    return answer | {name: fields[name] for name in ["seconds", "objective", "ratio"]}


if __name__ == "__main__":
    main()
