"""Conditional Langevin chains in a latent energy in PyTorch, timed: the peer of `gleaner bench langevin`.

The formulas are those of docs/equations.md (E21, E22): z <- z + (s^2/2) grad(F(z)[y] - |z|^2/2) + s noise, s = 0.4, all chains
at once, the gradient over z by autograd, as implementations of latent energy-based models take it. The weights need no gradient
and are told so.

It is a server as in peer.py; its objective is the mean of F(z)[y] where chains without noise end.

With --fixture DIR, weights and start come from the file that `gleaner bench langevin --serve --fixture DIR` wrote.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import torch_peer

STEP = 0.4
LEAK = 0.2


class Energy(nn.Module):
    def __init__(self, latent, hidden, classes):
        super().__init__()
        widths = [latent, *hidden, classes]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.requires_grad_(False)

    def forward(self, z):
        for layer in self.layers[:-1]:
            z = F.leaky_relu(layer(z), LEAK)
        return self.layers[-1](z)


def run(energy, start, y, steps, noisy):
    """Where chains end that start at `start` `[chains, latent]`, of the classes `y` `[chains]`."""
    z = start
    rows = torch.arange(len(y))
    for _ in range(steps):
        z = z.detach().requires_grad_(True)
        height = energy(z)[rows, y].sum() - z.square().sum() / 2
        (gradient,) = torch.autograd.grad(height, z)
        z = z.detach() + STEP**2 / 2 * gradient
        if noisy:
            z = z + STEP * torch.randn_like(z)
    return z.detach()


def load(folder, energy):
    """Weights into the energy; the chains' start and classes."""
    tensors = {name: torch.from_numpy(array) for name, array in np.load(folder / "energy.npz").items()}
    names = [f"hidden.{i}" for i in range(len(energy.layers) - 1)] + ["output"]
    for name, layer in zip(names, energy.layers):
        # Layers multiply from the right there.
        layer.weight.copy_(tensors[f"{name}.weight"].T)
        layer.bias.copy_(tensors[f"{name}.bias"])
    return tensors["start"], tensors["y"].argmax(1)


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixture", type=Path, help="folder with energy.npz")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 takes PyTorch's default")
    parser.add_argument("--chains", type=int, default=10_000)
    parser.add_argument("--langevin-steps", type=int, default=60)
    parser.add_argument("--latent", type=int, default=100)
    parser.add_argument("--hidden", default="200,200", help="widths, comma-separated")
    parser.add_argument("--classes", type=int, default=10)
    return parser.parse_args()


def main():
    args = options()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    hidden = [int(width) for width in args.hidden.split(",")]
    energy = Energy(args.latent, hidden, args.classes)
    if args.fixture:
        start, y = load(args.fixture, energy)
    else:
        start = torch.randn(args.chains, args.latent)
        y = torch.arange(args.chains) % args.classes
    end = run(energy, start, y, args.langevin_steps, noisy=False)
    height = energy(end)[torch.arange(len(y)), y].mean().item()
    work = lambda: run(energy, start, y, args.langevin_steps, noisy=True)
    torch_peer.serve({"objective": height}, work, start.device)


if __name__ == "__main__":
    main()
