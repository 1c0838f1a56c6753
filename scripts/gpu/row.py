"""One row of gpu-check.sh: starts a program that is timed in turns (see benches/peers/peer.py), has it take some steps, and prints the
median of a few runs of them, how long the first steps took, and how much memory it had, of the machine and of the GPU.

    row.py [--reference J] [--most SECONDS] [--warm-up N] [--steps N] [--runs N] NAME -- COMMAND...

With --reference, the objective that it reports must be that one to 1e-3, and the relative difference is printed. The exit status is 1
if the program does not do what it should. Needs nothing but Python.
"""

import argparse
import json
import queue
import shutil
import statistics
import subprocess
import sys
import threading
import time

TOLERANCE = 1e-3


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=float, help="objective that another program found at the same numbers")
    parser.add_argument("--most", type=float, default=60, help="seconds at most")
    parser.add_argument("--warm-up", type=int, default=20, help="steps that are not counted")
    parser.add_argument("--steps", type=int, default=200, help="steps in a run; 0 only sets the program up")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("name")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


class Program:
    """A program that answers lines with lines of JSON."""

    def __init__(self, command, most):
        self.end = time.monotonic() + most
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def answer(self, steps=None):
        if steps is not None:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        try:
            line = self.lines.get(timeout=max(self.end - time.monotonic(), 0.1))
        except queue.Empty:
            raise RuntimeError("not done in time") from None
        if not line:
            raise RuntimeError(f"ended early with status {self.process.wait()}")
        try:
            return json.loads(line)
        except ValueError:
            raise RuntimeError(f"said {line.strip()!r}") from None

    def stop(self):
        self.process.kill()
        self.process.wait()


def gpu_mebibytes():
    """Of GPU memory in use by whatever runs there, or nothing where it cannot be told."""
    if not shutil.which("nvidia-smi"):
        return None
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    told = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return sum(map(int, told)) if told and all(word.isdigit() for word in told) else None


def row(args):
    before, started = gpu_mebibytes(), time.monotonic()
    program = Program(args.command, args.most)
    try:
        ready = program.answer()
        cells = []
        if args.steps:
            program.answer(args.warm_up)
            first = time.monotonic() - started
            runs = [statistics.median(program.answer(args.steps)["milliseconds"]) for _ in range(args.runs)]
            cells.append(f"{statistics.median(runs):9.3f} ms ({min(runs):.3f} to {max(runs):.3f})")
            cells.append(f"first {args.warm_up} steps after {first:.1f} s")
            last = program.answer(1)
            if last.get("peak_bytes"):
                cells.append(f"{last['peak_bytes'] >> 20} MiB")
            after = gpu_mebibytes()
            if before is not None and after is not None:
                cells.append(f"{after - before} MiB on the GPU")
        else:
            cells.append(f"ready after {time.monotonic() - started:.1f} s")
        objective = ready.get("objective")
        if objective is not None:
            cells.append(f"J {objective:.6f}")
        if args.reference is not None:
            if objective is None:
                raise RuntimeError("reported no objective")
            difference = abs(objective - args.reference) / abs(args.reference)
            cells.append(f"differs by {difference:.1e}")
            # Written so that NaN does not pass.
            if not difference <= TOLERANCE:
                raise RuntimeError(", ".join(cells) + f"; {TOLERANCE:.0e} is allowed")
        return ", ".join(cells)
    except BrokenPipeError:
        raise RuntimeError(f"ended early with status {program.process.wait()}") from None
    finally:
        program.stop()


def main():
    args = options()
    try:
        print(f"  {args.name:<44} {row(args)}", flush=True)
    except (OSError, RuntimeError) as problem:
        print(f"  {args.name:<44} FAILED: {problem}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
