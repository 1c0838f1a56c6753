"""What the peers in PyTorch have in common: they take their own time, on a CPU or a GPU, and read Gleaner's weights and arrays."""

import json

import numpy as np
import torch

import peer


def serve(ready, work, device):
    """Does `work()` as often as it is asked to; `ready` is what there is to say before."""
    common = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    peer.serve(common | ready, times_of(work, device))


def times_of(work, device):
    """The function that `serve` wants, for work on that device."""
    return (lambda count: on_gpu(work, count)) if device.type == "cuda" else (lambda count: peer.on_cpu(work, count))


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
