"""A recipe's training step, or its model's predictions, in PyTorch, timed: the peer of `gleaner bench recipe`.

    gleaner bench recipe RECIPE --fixture DIR        writes settings, weights, batch and noise
    printf '2\n5\n' | python benches/peers/recipe_step.py --fixture DIR

The model is M2 or the latent energy-based model, its networks are those of nets.py, and the formulas those of
docs/equations.md (E1 to E8, E10, E13, E14, E28, E35, E40; sum-and-sample by Liu et al. 2019). The image's part of an encoder is
computed once per image; gradients over z come from autograd, as implementations of latent energy-based models take them.

It is a server as in peer.py. `objective` is that of a first step at exactly the fixture's noise, and `gradient_norm` is the norm
of its gradient; of predictions, `objective` is the mean negative log-probability of the right classes. The noise of timed steps
is fresh; the batch stays. What gleaner splits into parts is one batch here.
"""

import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import nets
import torch_peer

LOG_TWO_PI = math.log(2 * math.pi)
ROWS = 500


def ramp(weight):
    """Where a weight that may change in the course of training ends."""
    return weight["to"] if isinstance(weight, dict) else weight


def sample(mean, log_var, epsilon):
    """E5."""
    return mean + torch.exp(0.5 * log_var) * epsilon


def kl_from_standard(mean, log_var):
    """E5, `[rows]`."""
    return 0.5 * (mean.square() + log_var.exp() - log_var - 1).sum(-1)


def scaled_gradient(log_q, factor):
    """The same numbers, with so much of their gradient."""
    held = log_q.detach()
    return log_q if factor == 1 else held + (log_q - held) * factor


class Likelihood:
    """`log p(x|...)` (E6, E35) of images, summed over their pixels."""

    def __init__(self, setting):
        self.sigma = None if setting == "bernoulli" else setting["isotropic-gaussian"]["sigma"]

    def log_prob(self, output, x):
        """`output` and `x` have the shape `[..., channels, height, width]`, or one that expands to it."""
        if self.sigma is None:
            return -F.binary_cross_entropy_with_logits(output, x.expand_as(output), reduction="none").sum((-3, -2, -1))
        dimensions = math.prod(output.shape[-3:])
        distance = (x - output).square().sum((-3, -2, -1))
        constant = dimensions * (LOG_TWO_PI + 2 * math.log(self.sigma))
        return -0.5 * (distance / self.sigma**2 + constant)


class Picks:
    """The most probable classes of each example and a draw from the others (Liu et al. 2019)."""

    def __init__(self, q, summed, uniform):
        """`q` and `uniform`: `[batch, classes]` and `[batch, 1]`."""
        q = q.detach()
        best = q.topk(summed, dim=1).indices
        others = q.scatter(1, best, 0.0)
        below, total = others.cumsum(1), others.sum(1, keepdim=True)
        drawn = (below <= total * uniform).sum(1, keepdim=True).clamp(max=q.shape[1] - 1)
        probability = q.gather(1, drawn).clamp(min=1e-30)
        self.classes = torch.cat([best, drawn], 1).T
        self.stands_for = torch.cat([torch.ones_like(best, dtype=q.dtype), total / probability], 1).T

    def expectation(self, log_q, values):
        """An estimate of `Σ_y q(y|x) values` from `values` `[picked, batch]`."""
        weight = log_q.gather(1, self.classes.T).T.exp() * self.stands_for
        held, value = weight.detach(), values.detach()
        return (held * values + (weight - held) * (value - value[:1])).sum(0)


class M2(nn.Module):
    """`q(y|x)`, `q(z|x,y)` and `p(x|y,z)`."""

    def __init__(self, config):
        super().__init__()
        image, classes = config["shape"], config["classes"]
        self.classes, self.latent = classes, config["latent"]
        classifier = nets.Classifier if config.get("convolution") else nets.DenseClassifier
        self.classifier = classifier(image, config, classes)
        self.encoder = nets.Encoder(image, config, classes)
        self.decoder = nets.Decoder(image, config, classes)
        self.likelihood = Likelihood(config["likelihood"])

    def logits(self, x, draws):
        return self.classifier(x, draws.get("drop"))

    def classify(self, x):
        return self.classifier(x, None)

    def bound(self, x, y, draws):
        """`L(x, y)` (E1), `[groups, batch]`, of each image with the classes `y` `[groups, batch]`."""
        return self.bound_with(x, [F.embedding(y, part.input.classes) for part in (self.encoder, self.decoder)], draws)

    def every(self, x, draws):
        return self.bound_with(x, [part.input.classes[:, None] for part in (self.encoder, self.decoder)], draws)

    def bound_with(self, x, rows_of_classes, draws):
        """`rows_of_classes`: what the first layers of both networks add to a row, `[groups, batch or 1, width]`."""
        of_encoder, of_decoder = rows_of_classes
        first = self.encoder.look(x, draws.get("drop")) + of_encoder
        shape = first.shape[:2]
        mean, log_var = self.encoder(first.flatten(0, 1))
        z = sample(mean, log_var, draws["eps"])
        first = self.decoder.input.features(z).unflatten(0, shape) + of_decoder
        output = self.decoder(first.flatten(0, 1)).unflatten(0, shape)
        kl = kl_from_standard(mean, log_var).view(shape)
        return self.likelihood.log_prob(output, x) - kl - math.log(self.classes)

    def fresh(self, half, rows, looked_at, device):
        groups = looked_at if half == "u" else 1
        return {"eps": torch.randn(groups * rows, self.latent, device=device)}


class LatentEbm(nn.Module):
    """`p(y, z)` by an energy, `p(x|z)` and `q(z|x)`."""

    def __init__(self, config):
        super().__init__()
        image = config["shape"]
        self.latent, self.at_mean = config["latent"], config["classified"] == "mean"
        self.encoder = nets.Encoder(image, config, 0)
        self.decoder = nets.Decoder(image, config, 0)
        self.prior = nets.Energy(config, config["classes"])
        self.likelihood = Likelihood(config["likelihood"])

    def posterior(self, x, drops):
        return self.encoder(self.encoder.look(x, drops))

    def logits(self, x, draws):
        mean, log_var = self.posterior(x, draws.get("drop"))
        return self.prior(mean if self.at_mean else sample(mean, log_var, draws["look"]))

    def classify(self, x):
        return self.prior(self.posterior(x, None)[0])

    def every(self, x, draws):
        """`L(x, y)` for every class, `[classes, batch]`: one `z` serves all."""
        mean, log_var = self.posterior(x, draws.get("drop"))
        z = sample(mean, log_var, draws["look"])
        output = self.decoder(self.decoder.input.features(z))
        shared = self.likelihood.log_prob(output, x) - kl_from_standard(mean, log_var)
        return (shared[:, None] + self.prior(z) - self.prior.log_partition).T

    def bound(self, x, y, draws):
        return self.every(x, draws).gather(0, y)

    def fresh(self, half, rows, looked_at, device):
        return {"look": torch.randn(rows, self.latent, device=device)}


class Chains:
    """The negative phase (E40): chains in the energy of `p(z)` that start where they ended, at `q(z|x)` or at N(0, I)."""

    def __init__(self, settings, rows, latent, device):
        self.settings, chains = settings, settings["chains"]
        size = chains["step-size"]
        self.drift = size * size / 2 if chains["convention"] == "pang" else size
        self.spread = math.sqrt(2 * self.drift * chains["temperature"])
        self.steps, self.turn = chains["steps"], 0
        if chains["adjusted"]:
            raise ValueError("chains that are accepted or rejected are not done here")
        turns = settings["persistent"] if settings["start"] == "persistent" else 0
        self.lasting = torch.randn(turns, rows, latent, device=device)

    def start(self, model, x, draws):
        if self.settings["start"] == "persistent":
            return self.lasting[self.turn % len(self.lasting)]
        if self.settings["start"] == "posterior":
            with torch.no_grad():
                return sample(*model.posterior(x, draws.get("drop")), draws["look"])
        return torch.randn(len(x), model.latent, device=x.device)

    def run(self, energy, z, noise=None):
        """The ends of chains from `z`; `noise` is fresh, or that of every step, `[steps, rows, latent]`."""
        parameters = list(energy.parameters())
        for parameter in parameters:
            parameter.requires_grad_(False)
        for step in range(self.steps):
            z = z.detach().requires_grad_(True)
            height = energy(z).logsumexp(1).sum() - z.square().sum() / 2
            (gradient,) = torch.autograd.grad(height, z)
            epsilon = torch.randn_like(z) if noise is None else noise[step]
            z = z.detach() + self.drift * gradient + self.spread * epsilon
        for parameter in parameters:
            parameter.requires_grad_(True)
        return z

    def ends(self, model, x, draws):
        start = draws["chain_start"] if "chain_start" in draws else self.start(model, x, draws)
        z = self.run(model.prior, start, draws.get("chain_steps"))
        if len(self.lasting):
            self.lasting[self.turn % len(self.lasting)] = z
        self.turn += 1
        return z


class Objective:
    """`J` (E3, E10), and what a latent energy adds (E40)."""

    def __init__(self, settings, chains):
        self.settings, self.chains, self.latent_ebm = settings["objective"], chains, settings["latent_ebm"]

    def looked_at(self, classes):
        way = self.settings["marginalize"]
        summed = int(way.partition(":")[2] or classes)
        return summed + 1 if summed < classes - 1 else classes

    def __call__(self, model, batch, draws):
        s = self.settings
        (x_l, y_l, x_u), (labelled, unlabelled) = batch, (draws["l"], draws["u"])
        logits_l = model.logits(labelled["seen"], labelled)
        log_q = F.log_softmax(model.logits(unlabelled["seen"], unlabelled), 1)
        cross_entropy = F.cross_entropy(logits_l, y_l)
        bound = model.bound(x_l, y_l[None], labelled).mean()
        slowed = scaled_gradient(log_q, ramp(s["classifier_gradient"]))
        classes = log_q.shape[1]
        if self.looked_at(classes) < classes:
            picks = Picks(log_q.exp(), self.looked_at(classes) - 1, unlabelled["pick"])
            values = model.bound(x_u, picks.classes, unlabelled)
            expected = picks.expectation(slowed, values)
        else:
            expected = (slowed.exp() * model.every(x_u, unlabelled).T).sum(1)
        expected = expected - (slowed.exp() * slowed).sum(1)
        total = s["labelled_weight"] * (s["alpha"] * cross_entropy - bound) - expected.mean()
        if s["mier"]:
            q = log_q.exp()
            marginal = q.detach().mean(0).clamp(min=1e-30).log()
            information = (q * (log_q - marginal)).sum(1).mean()
            entropy = -(q * log_q).sum(1).mean()
            total = total - ramp(s["mier"]["gamma"]) * information + ramp(s["mier"]["beta"]) * entropy
        return total + self.negative_phase(model, x_u, unlabelled) if self.chains else total

    def negative_phase(self, model, x, draws):
        tilt = model.prior(self.chains.ends(model, x, draws)).logsumexp(1)
        weight = (1 + self.settings["labelled_weight"]) * ramp(self.settings["kl"])
        return weight * tilt.mean() + self.latent_ebm["energy-penalty"] * tilt.square().mean()


def moved(x, by):
    """Images moved by up to so many pixels, each by its own, the border repeated."""
    rows, _, height, width = x.shape
    down, right = torch.randint(-by, by + 1, (2, rows, 1), device=x.device)
    line = (torch.arange(height, device=x.device) - down).clamp(0, height - 1)
    column = (torch.arange(width, device=x.device) - right).clamp(0, width - 1)
    example = torch.arange(rows, device=x.device)[:, None, None]
    # Channels last, so that a pixel is copied whole.
    return x.permute(0, 2, 3, 1)[example, line[:, :, None], column[:, None, :]].permute(0, 3, 1, 2)


class Step:
    """The training step, with fresh noise or a fixture's."""

    def __init__(self, model, settings, arrays, image, device):
        self.model, self.settings, self.device = model, settings, device
        self.batch = [nets.pictured(arrays["x_l"], image), arrays["y_l"], nets.pictured(arrays["x_u"], image)]
        self.recorded = {half: self.of_half(arrays, half, image) for half in "lu"}
        self.recorded["u"] |= {name: arrays[name] for name in ("pick", "chain_start", "chain_steps") if name in arrays}
        rows = len(arrays["x_u"])
        latent_ebm = settings["latent_ebm"] if isinstance(model, LatentEbm) else None
        chains = Chains(latent_ebm, rows, model.latent, device) if latent_ebm else None
        self.objective = Objective(settings, chains)
        adam, rate = settings["adam"], settings["rate"]
        energy = latent_ebm["energy-rate"] if latent_ebm else 1.0
        groups = [{"params": [], "lr": rate}, {"params": [], "lr": rate * energy}]
        for name, parameter in model.named_parameters():
            groups[name.startswith("prior.")]["params"].append(parameter)
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        groups = [group for group in groups if group["params"]]
        # Fused is PyTorch's fastest Adam, on the CPU too.
        self.adam = torch.optim.Adam(
            groups, betas=(adam["beta-1"], 0.999), weight_decay=adam["weight-decay"], fused=True
        )

    def of_half(self, arrays, half, image):
        draws = {"seen": nets.pictured(arrays[f"seen_{half}"], image)}
        for name in ("look", "eps"):
            if f"{name}_{half}" in arrays:
                draws[name] = arrays[f"{name}_{half}"]
        drops = [arrays[name] for name in sorted(arrays) if name.startswith(f"drop_{half}_")]
        return draws | ({"drop": drops} if drops else {})

    def fresh(self):
        augmentation = self.settings["objective"]["augmentation"]
        looked_at = self.objective.looked_at(self.recorded_classes())
        draws = {}
        for half, x in (("l", self.batch[0]), ("u", self.batch[2])):
            seen = moved(x, augmentation["shift"]["by"]) if augmentation["shift"] else x
            if augmentation["noise"]:
                seen = seen + augmentation["noise"] * torch.randn_like(seen)
            draws[half] = {"seen": seen} | self.model.fresh(half, len(x), looked_at, self.device)
        draws["u"]["pick"] = torch.rand(len(self.batch[2]), 1, device=self.device)
        return draws

    def recorded_classes(self):
        return self.model.classes if isinstance(self.model, M2) else self.model.prior.energy.output.out_features

    def gradient(self, draws):
        """Leaves the clipped gradient; returns the objective and the norm before."""
        self.adam.zero_grad()
        objective = self.objective(self.model, self.batch, draws)
        objective.backward()
        return objective.detach(), nn.utils.clip_grad_norm_(self.parameters, self.settings["clip_norm"])

    def first(self):
        """Of the fixture, without a step: the weights and what is measured of maps stay as they were."""
        state = {name: value.clone() for name, value in self.model.state_dict().items()}
        objective, norm = self.gradient(self.recorded)
        self.model.load_state_dict(state)
        return {"objective": objective.item(), "gradient_norm": norm.item()}

    def __call__(self):
        self.gradient(self.fresh())
        self.adam.step()


class Predictions:
    """The classes of many examples."""

    def __init__(self, model, arrays, image):
        self.model, self.x, self.y = model.eval(), nets.pictured(arrays["x"], image), arrays["y"]

    @torch.inference_mode()
    def first(self):
        log_q = [F.log_softmax(self.model.classify(x), 1) for x in self.x.split(ROWS)]
        return {"objective": F.nll_loss(torch.cat(log_q), self.y).item()}

    def __call__(self):
        self.first()


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixture", type=Path, required=True, help="folder with what gleaner bench recipe wrote")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 takes PyTorch's default")
    return parser.parse_args()


def main():
    args = options()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    device = torch.device(args.device)
    weights, config = torch_peer.read_safetensors(args.fixture / "model.safetensors")
    model = {"m2": M2, "latent-ebm": LatentEbm}[config["model"]](config)
    nets.load(model, weights)
    model.to(device, memory_format=torch.channels_last)
    arrays = {name: array.to(device) for name, array in torch_peer.read_arrays(args.fixture / "batch.npz").items()}
    if "x" in arrays:
        work = Predictions(model, arrays, config["shape"])
    else:
        settings = json.loads((args.fixture / "step.json").read_text())
        work = Step(model.train(), settings, arrays, config["shape"], device)
    torch_peer.serve(work.first(), work, device)


if __name__ == "__main__":
    main()
