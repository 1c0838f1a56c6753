"""What the programs here have in common that are timed in turns: how they talk, read Gleaner's weights, and take their own time.

Such a program is a small server: after setting up it prints {"ready": true, "objective": J or null, "torch": "...", "threads": N},
then for each line with an integer n it does its work n times and prints {"milliseconds": [n numbers], "peak_bytes": b}, b the most
memory that the process has had until then. It ends with its input. The first times after the start are longer (allocation,
CUDA start-up, compilation): the caller takes a few and drops them.
"""

import json
import sys
import time

import numpy as np
import torch


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
    """`milliseconds(n)` does the work n times and returns how long each took."""
    common = {"ready": True, "torch": torch.__version__, "threads": torch.get_num_threads()}
    answer(common | {"resident_bytes": peak_bytes()} | ready)
    for line in sys.stdin:
        times = milliseconds(int(line))
        answer({"milliseconds": times, "peak_bytes": peak_bytes()})


def times_of(work, device):
    """The function that `serve` wants, for work on that device."""
    return (lambda count: on_gpu(work, count)) if device.type == "cuda" else (lambda count: on_cpu(work, count))


def on_cpu(work, count):
    times = []
    for _ in range(count):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1e3)
    return times


def on_gpu(work, count):
    """By events on the stream: rounds are queued without waiting for one another, as in training."""
    events = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
    torch.cuda.synchronize()
    events[0].record()
    for event in events[1:]:
        work()
        event.record()
    torch.cuda.synchronize()
    return [before.elapsed_time(after) for before, after in zip(events, events[1:])]


def read_safetensors(path):
    """The arrays of a safetensors file and the JSON under `config`: length of the header, header as JSON, then the numbers."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, not F32")
        first, end = entry["data_offsets"]
        values = np.frombuffer(data[start + first : start + end], dtype="<f4")
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors, json.loads(metadata.get("config", "null"))


def read_arrays(path):
    """The arrays of an .npz by name."""
    with np.load(path) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
