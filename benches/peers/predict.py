"""A trained classifier on new rows in PyTorch, timed: the peer of `gleaner predict`.

It reads a run's `model.safetensors` and an .npz with `x` (uint8, divided by 255, or float32 as it is), puts the rows through the
classifier's layers in pieces of 2,000, and writes an .npz with y, probs, logits and entropy. Time is taken from before the
reading to after the writing, without the start of Python and the import of PyTorch. By hand:

    python benches/peers/predict.py runs/digits-m2-seed0 x.npz --out p.npz --threads 2

It prints {"seconds": s, "peak_mb": m, "torch": "...", "threads": n}.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

PIECE = 2000
ACTIVATIONS = {
    "softplus": torch.nn.functional.softplus,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "leaky-relu": lambda x: torch.nn.functional.leaky_relu(x, 0.2),
}


def classifier(run):
    with safe_open(Path(run) / "model.safetensors", "pt") as file:
        config = json.loads(file.metadata()["config"])
        layers = [name.removesuffix(".weight") for name in file.keys() if name.startswith("classifier.") and name.endswith(".weight")]
        layers.sort(key=lambda name: ("hidden" not in name, name))
        weights = [(file.get_tensor(f"{name}.weight"), file.get_tensor(f"{name}.bias")) for name in layers]
    activation = ACTIVATIONS[config["activation"]]

    def logits(x):
        for weight, bias in weights[:-1]:
            x = activation(x @ weight + bias)
        weight, bias = weights[-1]
        return x @ weight + bias

    return logits


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run")
    arguments.add_argument("rows")
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--threads", type=int, default=2)
    args = arguments.parse_args()
    torch.set_num_threads(args.threads)
    logits_of = classifier(args.run)
    started = time.perf_counter()
    x = np.load(args.rows)["x"]
    x = torch.from_numpy(x).reshape(len(x), -1)
    scale = 255.0 if x.dtype == torch.uint8 else 1.0
    with torch.inference_mode():
        pieces = [logits_of(x[at : at + PIECE].float() / scale) for at in range(0, len(x), PIECE)]
        logits = torch.cat(pieces)
        log_probs = logits.log_softmax(1)
        entropy = -(log_probs.exp() * log_probs).sum(1)
    np.savez(args.out, y=logits.argmax(1).numpy(), probs=log_probs.exp().numpy(), logits=logits.numpy(), entropy=entropy.numpy())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "torch": torch.__version__, "threads": args.threads}))


if __name__ == "__main__":
    main()
