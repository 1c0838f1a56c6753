"""One training step of M2 (Kingma et al. 2014) in PyTorch, timed: the peer of `gleaner bench step`.

The formulas are those of docs/equations.md (E1 to E8, E13, E14), the sizes those of MNIST. Two variants compute the
same numbers:

    plain   the sum over classes as it is usually written: x repeated for each class, one-hot y appended
    split   first layers split (E4): the image's part once per image, a row per class added to it

It is a server as in peer.py. By hand:

    printf '3\n20\n' | python benches/peers/m2_step.py --variant split

With --fixture DIR, weights, batch and noise come from the files that `gleaner bench step --serve --fixture DIR` wrote,
and `objective` is J at exactly that noise. The noise of timed steps is fresh; the batch stays.
"""

import argparse
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import torch_peer

FEATURES = 784
ALPHA = 50.0
RATE = 1e-3
CLIP_NORM = 50.0
LOG_VAR_BOUND = 8.0


class PlainInput(nn.Linear):
    """A layer of `[v; one-hot y]`, whole."""

    def __init__(self, features, classes, width):
        super().__init__(features + classes, width)

    def forward(self, v, y):
        return super().forward(torch.cat([v, y], dim=-1))


class SplitInput(nn.Module):
    """A layer of `[v; one-hot y]`, split by input (E4)."""

    def __init__(self, features, classes, width):
        super().__init__()
        self.features = nn.Linear(features, width)
        bound = 1.0 / math.sqrt(features)
        self.classes = nn.Parameter(torch.empty(classes, width).uniform_(-bound, bound))

    def forward(self, v, y):
        return self.features(v) + y @ self.classes

    def every_class(self, v):
        """`v` is `[batch, features]` or `[classes, batch, features]`; out comes `[classes, batch, width]`."""
        return self.features(v) + self.classes[:, None, :]


def layers(widths):
    return nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:]))


def forward_hidden(h, hidden):
    for layer in hidden:
        h = F.softplus(layer(h))
    return h


class Mlp(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.hidden = layers([inputs, *hidden])
        self.output = nn.Linear(hidden[-1], outputs)

    def forward(self, x):
        return self.output(forward_hidden(x, self.hidden))


class Encoder(nn.Module):
    def __init__(self, input_layer, classes, hidden, latent):
        super().__init__()
        self.input = input_layer(FEATURES, classes, hidden[0])
        self.hidden = layers(hidden)
        self.mean = nn.Linear(hidden[-1], latent)
        self.log_var = nn.Linear(hidden[-1], latent)

    def forward(self, first):
        """From what the first layer gives, before its activation."""
        h = forward_hidden(F.softplus(first), self.hidden)
        return self.mean(h), LOG_VAR_BOUND * torch.tanh(self.log_var(h) / LOG_VAR_BOUND)


class Decoder(nn.Module):
    def __init__(self, input_layer, classes, hidden, latent):
        super().__init__()
        self.input = input_layer(latent, classes, hidden[0])
        self.hidden = layers(hidden)
        self.output = nn.Linear(hidden[-1], FEATURES)

    def forward(self, first):
        return self.output(forward_hidden(F.softplus(first), self.hidden))


def kl_from_standard(mean, log_var):
    """E5."""
    return 0.5 * (mean.square() + log_var.exp() - log_var - 1.0).sum(-1)


def sample(mean, log_var, epsilon):
    """E5."""
    return mean + torch.exp(0.5 * log_var) * epsilon


def log_prob(logits, x):
    """E6."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


class M2(nn.Module):
    def __init__(self, input_layer, classes, hidden, latent):
        super().__init__()
        self.classes = classes
        self.classifier = Mlp(FEATURES, hidden, classes)
        self.encoder = Encoder(input_layer, classes, hidden, latent)
        self.decoder = Decoder(input_layer, classes, hidden[::-1], latent)

    def bound(self, x, y, epsilon):
        """`L(x, y)` (E1), `[rows]`."""
        mean, log_var = self.encoder(self.encoder.input(x, y))
        z = sample(mean, log_var, epsilon)
        logits = self.decoder(self.decoder.input(z, y))
        return log_prob(logits, x) - math.log(self.classes) - kl_from_standard(mean, log_var)

    def bound_of_every_class(self, x, epsilon):
        """`L(x, y)` for every class, `[classes, batch]`; `epsilon` is `[classes * batch, latent]`, class-major."""
        raise NotImplementedError

    def forward(self, x_l, y_l, x_u, eps_l, eps_u):
        """`J` (E3)."""
        log_q = F.log_softmax(self.classifier(x_u), dim=-1)
        q = log_q.exp()
        by_class = self.bound_of_every_class(x_u, eps_u).T
        unlabelled = (q * (by_class - log_q)).sum(-1)  # E2: the entropy is the expectation of -log q
        labelled = self.bound(x_l, F.one_hot(y_l, self.classes).to(x_l.dtype), eps_l)
        cross_entropy = F.cross_entropy(self.classifier(x_l), y_l)
        return -unlabelled.mean() - labelled.mean() + ALPHA * cross_entropy


class PlainM2(M2):
    def __init__(self, classes, hidden, latent):
        super().__init__(PlainInput, classes, hidden, latent)

    def bound_of_every_class(self, x, epsilon):
        every = torch.eye(self.classes, dtype=x.dtype, device=x.device)
        y = every.repeat_interleave(len(x), dim=0)
        return self.bound(x.repeat(self.classes, 1), y, epsilon).view(self.classes, len(x))


class SplitM2(M2):
    def __init__(self, classes, hidden, latent):
        super().__init__(SplitInput, classes, hidden, latent)

    def bound_of_every_class(self, x, epsilon):
        mean, log_var = self.encoder(self.encoder.input.every_class(x))
        z = sample(mean, log_var, epsilon.view_as(mean))
        logits = self.decoder(self.decoder.input.every_class(z))
        kl = kl_from_standard(mean, log_var)
        return log_prob(logits, x.expand_as(logits)) - math.log(self.classes) - kl


VARIANTS = {"plain": PlainM2, "split": SplitM2}


def load_weights(model, path):
    """Gleaner's weights are `[inputs, outputs]`, PyTorch's `[outputs, inputs]`."""
    weights, _ = torch_peer.read_safetensors(path)
    state = {name: w.T if name.endswith(".weight") else w for name, w in weights.items()}
    if isinstance(model, PlainM2):
        for part in ("encoder.input", "decoder.input"):
            split = [state.pop(f"{part}.features.weight"), state.pop(f"{part}.classes").T]
            state[f"{part}.weight"] = torch.cat(split, dim=1)
            state[f"{part}.bias"] = state.pop(f"{part}.features.bias")
    model.load_state_dict(state)


def random_batch(args):
    return {
        "x_l": torch.rand(args.labelled_batch_size, FEATURES),
        "y_l": torch.arange(args.labelled_batch_size) % args.classes,
        "x_u": torch.rand(args.batch_size, FEATURES),
    }


def noise_shapes(args):
    return {
        "eps_l": (args.labelled_batch_size, args.latent),
        "eps_u": (args.classes * args.batch_size, args.latent),
    }


def read_batch(path, args):
    """Batch and noise of a fixture; refuses sizes other than those asked for, which are what would be timed."""
    tensors = torch_peer.read_arrays(path)
    wanted = {name: tuple(values.shape) for name, values in random_batch(args).items()}
    wanted |= noise_shapes(args)
    found = {name: tuple(tensors[name].shape) for name in wanted}
    if found != wanted:
        raise ValueError(f"{path} has {found}, the options ask for {wanted}")
    return {name: tensors[name] for name in wanted}


class Step:
    """The training step."""

    def __init__(self, model, batch, args):
        self.batch, self.shapes = batch, noise_shapes(args)
        self.device = torch.device(args.device)
        self.parameters = list(model.parameters())
        # Fused is PyTorch's fastest Adam, on the CPU too.
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, fused=True)
        mode = "reduce-overhead" if args.graphs else None
        self.objective = torch.compile(model, mode=mode) if args.compile or args.graphs else model

    def __call__(self):
        noise = {name: torch.randn(shape, device=self.device) for name, shape in self.shapes.items()}
        self.adam.zero_grad()
        self.objective(**self.batch, **noise).backward()
        nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM)
        self.adam.step()


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, default="plain")
    parser.add_argument("--fixture", type=Path, help="folder with model.safetensors and batch.npz")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 takes PyTorch's default")
    parser.add_argument("--compile", action="store_true", help="wrap the objective in torch.compile")
    parser.add_argument("--graphs", action="store_true", help="the same, launched as CUDA graphs")
    parser.add_argument("--tf32", action="store_true", help="matrix products in TF32 where a GPU has it")
    parser.add_argument("--batch-size", type=int, default=200, help="unlabelled examples in a step")
    parser.add_argument("--labelled-batch-size", type=int, default=100)
    parser.add_argument("--latent", type=int, default=50)
    parser.add_argument("--hidden", default="600,600", help="widths, comma-separated")
    parser.add_argument("--classes", type=int, default=10)
    return parser.parse_args()


def main():
    args = options()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.tf32:
        torch.set_float32_matmul_precision("high")
    hidden = [int(width) for width in args.hidden.split(",")]
    model = VARIANTS[args.variant](args.classes, hidden, args.latent)
    batch, noise = random_batch(args), None
    if args.fixture:
        load_weights(model, args.fixture / "model.safetensors")
        batch = read_batch(args.fixture / "batch.npz", args)
        noise = {name: batch.pop(name).to(args.device) for name in noise_shapes(args)}
    model.to(args.device)
    batch = {name: values.to(args.device) for name, values in batch.items()}
    objective = None
    if noise:
        with torch.no_grad():
            objective = model(**batch, **noise).item()
    step = Step(model, batch, args)
    torch_peer.serve({"objective": objective}, step, step.device)


if __name__ == "__main__":
    main()
