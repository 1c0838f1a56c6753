"""A folder of pictures to tensors by torchvision's `ImageFolder` and `DataLoader`: the peer of `read_folder`.

It makes its pictures in a temporary folder, or uses those in --folder DIR: 20,000 PNG files of 32 x 32 pixels and as
many JPEG files of 64 x 64, each in 10 class folders, smooth with a little noise, as photographs are. With --make it
only makes them. A pass over the folder is timed from listing it to the last tensor, with --workers processes and
batches of 256, after one pass that nobody times: the files then lie in the memory of the system for every program
alike.

With --serve it is a small server, so that several programs can be timed in turns: it prints {"ready": true, ...}, then
for each line with an integer n it makes n passes and prints {"milliseconds": [n numbers]}. Without, it prints one JSON
line for each kind of picture, with the median of --passes passes. Both print the sum of all bytes, by which to see that
two programs have read the same (JPEG decoders differ by a unit here and there).
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.datasets import ImageFolder

KINDS = {"png": 32, "jpg": 64}
CLASSES = 10


def make(folder, kind, count):
    """`count` pictures of a kind, in class folders below `folder`/`kind`."""
    side = KINDS[kind]
    random = np.random.default_rng(0)
    for number in range(count):
        place = folder / kind / f"class{number % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        corners = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        smooth = np.asarray(corners.resize((side, side), Image.BICUBIC), dtype=np.int16)
        noisy = smooth + random.integers(-4, 5, (side, side, 3))
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        picture.save(place / f"{number:05}.{kind}", **({"quality": 90} if kind == "jpg" else {}))


def read(folder, workers):
    """Milliseconds of a pass, pictures seen, and the sum of their bytes."""
    started = time.perf_counter()
    transform = torchvision.transforms.PILToTensor()
    loader = torch.utils.data.DataLoader(
        ImageFolder(folder, transform), batch_size=256, num_workers=workers
    )
    batches = [batch for batch, _ in loader]
    pictures = torch.cat(batches)
    took = (time.perf_counter() - started) * 1e3
    return took, len(pictures), int(pictures.sum(dtype=torch.int64))


def answer(line):
    print(json.dumps(line), flush=True)


def measure(folder, args):
    """One pass that is not timed, then passes as asked for."""
    _, count, total = read(folder, args.workers)
    about = {"folder": str(folder), "pictures": count, "sum": total, "workers": args.workers}
    about["torchvision"] = torchvision.__version__
    if args.serve:
        answer({"ready": True, **about})
        for line in sys.stdin:
            passes = [read(folder, args.workers)[0] for _ in range(int(line))]
            answer({"milliseconds": passes})
    else:
        passes = [read(folder, args.workers)[0] for _ in range(args.passes)]
        answer({**about, "median_milliseconds": round(statistics.median(passes), 1), "milliseconds": passes})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="folder for the pictures; a temporary one without")
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument("--count", type=int, default=20_000, help="pictures of each kind")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode")
    parser.add_argument("--passes", type=int, default=5, help="passes that are timed")
    parser.add_argument("--make", action="store_true", help="make the pictures and end")
    parser.add_argument("--serve", action="store_true", help="wait for orders; needs --kind")
    args = parser.parse_args()
    if args.serve and not args.kind:
        parser.error("--serve needs --kind")
    torch.set_num_threads(args.workers)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        for kind in [args.kind] if args.kind else KINDS:
            if not (folder / kind).exists():
                make(folder, kind, args.count)
            if not args.make:
                measure(folder / kind, args)


if __name__ == "__main__":
    main()
