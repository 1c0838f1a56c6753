"""Reference numbers for the members of the family beside M2: see generate.py, which runs this.

A network acts on the concatenation of its inputs, a bound is taken for one class at a time, and a
model is written down from its formulas (E12, E18 to E21). What can be had a second way is compared
on the way: closed divergences with quadrature, the ladder's merge with the product of the two
densities, log-determinants with the complex step, densities with their integral, the reverse bound
with every example that there is.
"""

import itertools
import json
from math import lgamma

import numpy as np

from elementary import (
    assert_close,
    bernoulli_log_prob,
    clamp_log_var,
    entropy_of_logits,
    gaussian_log_prob,
    log_softmax,
    log_sum_exp,
    sigmoid,
    single,
    softplus,
)

CLASSES, FEATURES, LATENT, AUXILIARY, HIDDEN = 3, 7, 3, 2, [6, 5]

# ----------------------------------------------------------------------------- distributions
# A Gaussian is a pair of means and log-variances, one row for each example.


def draw(gaussian, epsilon):
    """E5; the mean where nothing is drawn."""
    mean, log_var = gaussian
    return mean if epsilon is None else mean + np.exp(0.5 * log_var) * epsilon


def noise_of(gaussian, x):
    mean, log_var = gaussian
    return (x - mean) / np.exp(0.5 * log_var)


def standard(z):
    return np.zeros_like(z), np.zeros_like(z)


def kl_between(q, p):
    """E5 for any two. Three nodes integrate what is quadratic in z exactly, and have to agree."""
    (mean, log_var), (p_mean, p_log_var) = q, p
    ratio = np.exp(log_var - p_log_var)
    shift = (mean - p_mean) ** 2 / np.exp(p_log_var)
    closed = 0.5 * np.sum(ratio + shift - 1.0 - (log_var - p_log_var), axis=-1)
    by_node = 0.0
    for node, weight in ((-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6)):
        z = draw(q, node)
        by_node = by_node + weight * (gaussian_log_prob(z, *q) - gaussian_log_prob(z, *p))
    assert_close("divergence", closed, by_node, 1e-9)
    return closed


def divergence(q, p, z):
    """In closed form, and at the draw."""
    return kl_between(q, p), gaussian_log_prob(z, *q) - gaussian_log_prob(z, *p)


def merge(said, prior):
    """E19: a multiple of the product of both densities, whichever point is looked at."""
    (mean_l, v_l), (mean_t, v_t) = ((mean, np.exp(log_var)) for mean, log_var in (said, prior))
    v = 1.0 / (1.0 / v_l + 1.0 / v_t)
    merged = v * (mean_l / v_l + mean_t / v_t), np.log(v)
    product = lambda z: gaussian_log_prob(z, *said) + gaussian_log_prob(z, *prior)
    excess = [product(z) - gaussian_log_prob(z, *merged) for z in (mean_l, mean_t, mean_t + 1.0)]
    assert_close("merge", excess[0], excess[1], 1e-9)
    assert_close("merge", excess[0], excess[2], 1e-9)
    return merged


def squeeze(u, low, high):
    return low + (high - low) * sigmoid(u)


def stretch(z, low, high):
    return np.log((z - low) / (high - z))


def log_det(u, low, high):
    """E20."""
    closed = u.shape[1] * np.log(high - low) - np.sum(softplus(u) + softplus(-u), axis=1)
    step = 1e-30
    slopes = np.imag(1.0 / (1.0 + np.exp(-(u + 1j * step)))) / step * (high - low)
    assert_close("log-determinant", closed, np.sum(np.log(slopes), axis=1), 1e-9)
    return closed


def concrete_log_prob(log_y, logits, temperature):
    """Density on the simplex: (K-1)! t^(K-1) prod_k a_k y_k^(-t-1) / (sum_k a_k y_k^-t)^K."""
    classes = logits.shape[1]
    top = np.sum(logits - (temperature + 1.0) * log_y, axis=1)
    bottom = classes * log_sum_exp(logits - temperature * log_y)
    return top - bottom + lgamma(classes) + (classes - 1) * np.log(temperature)


def concrete_log_draw(uniform, logits, temperature):
    gumbel = -np.log(-np.log(uniform))
    return log_softmax((logits + gumbel) / temperature)


# ----------------------------------------------------------------------------- networks


class Nets:
    """Parameters under the module paths of the checkpoint, and the networks that are made of them."""

    one_draw_for_all = False
    log_prior_y = -np.log(CLASSES)

    def __init__(self, rng):
        self.rng, self.p = rng, {}

    def draw_linear(self, name, inputs, outputs):
        # A lively classifier: with all classes alike, I(y;x) would be too small to test.
        gain = 3.0 if "classifier" in name else 1.2
        weight = self.rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        self.p[f"{name}.weight"] = single(weight * gain)
        self.p[f"{name}.bias"] = single(self.rng.standard_normal(outputs) * 0.3)

    def draw_mlp(self, part, inputs, widths, outputs):
        for i, (a, b) in enumerate(zip([inputs] + widths[:-1], widths)):
            self.draw_linear(f"{part}.hidden.{i}", a, b)
        self.draw_linear(f"{part}.output", widths[-1], outputs)

    def draw_heads(self, part, fan, widths, heads):
        """A network of `fan` inputs (a vector, a second one, a class) with heads of the sizes named."""
        features, beside, classes = fan
        self.draw_linear(f"{part}.input.features", features, widths[0])
        for name, rows in (("beside", beside), ("classes", classes)):
            if rows:
                weight = self.rng.standard_normal((rows, widths[0])) * 0.8
                self.p[f"{part}.input.{name}"] = single(weight)
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:])):
            self.draw_linear(f"{part}.hidden.{i}", a, b)
        for name, outputs in heads.items():
            self.draw_linear(f"{part}.{name}", widths[-1], outputs)

    def draw_gaussian(self, part, fan, widths, outputs):
        self.draw_heads(part, fan, widths, {"mean": outputs, "log_var": outputs})

    def draw_emission(self, part, fan, widths, likelihood):
        both = {"output": FEATURES, "log_var": FEATURES}
        heads = both if likelihood == "gaussian" else {"output": FEATURES}
        self.draw_heads(part, fan, widths, heads)

    def linear(self, name, v):
        return v @ self.p[f"{name}.weight"] + self.p[f"{name}.bias"]

    def hidden(self, part, h):
        names = itertools.takewhile(
            lambda name: f"{name}.weight" in self.p,
            (f"{part}.hidden.{i}" for i in itertools.count()),
        )
        for name in names:
            h = softplus(self.linear(name, h))
        return h

    def mlp(self, part, x):
        return self.linear(f"{part}.output", self.hidden(part, x))

    def trunk(self, part, v, beside=None, y=None):
        """E4, left-hand side: one matrix over the concatenation of all inputs."""
        inputs, rows = [v], [self.p[f"{part}.input.features.weight"]]
        for name, value in (("beside", beside), ("classes", y)):
            if value is not None:
                inputs.append(value)
                rows.append(self.p[f"{part}.input.{name}"])
        first = np.hstack(inputs) @ np.vstack(rows) + self.p[f"{part}.input.features.bias"]
        return self.hidden(part, softplus(first))

    def at(self, part, h):
        return self.linear(f"{part}.mean", h), clamp_log_var(self.linear(f"{part}.log_var", h))

    def gaussian(self, part, v, beside=None, y=None):
        return self.at(part, self.trunk(part, v, beside, y))

    def emission(self, part, v, beside=None, y=None):
        """Bits as logits, real values as a Gaussian."""
        h = self.trunk(part, v, beside, y)
        output = self.linear(f"{part}.output", h)
        if f"{part}.log_var.weight" not in self.p:
            return output
        return output, clamp_log_var(self.linear(f"{part}.log_var", h))


def log_likelihood(x, emission):
    if isinstance(emission, tuple):
        return gaussian_log_prob(x, *emission)
    return bernoulli_log_prob(x, emission)


def expected(emission):
    return emission[0] if isinstance(emission, tuple) else sigmoid(emission)


# ----------------------------------------------------------------------------- models
# `y` is one-hot, one row for each of `x`. `bound` gives log p(x|...) and, for each layer of latent
# variables, its divergence in closed form where there is one and at the draw.


class M1(Nets):
    example_noise, row_noise, latent = 0, LATENT, LATENT
    # The class makes no difference to it, so the first draw of an example serves every class.
    one_draw_for_all = True

    def __init__(self, rng, likelihood, hidden=HIDDEN, prefix=""):
        super().__init__(rng)
        self.prefix = prefix
        self.config = {"model": "m1", "latent": LATENT, "hidden": hidden, "likelihood": likelihood}
        self.draw_gaussian(f"{prefix}encoder", (FEATURES, 0, 0), hidden, self.latent)
        self.draw_emission(f"{prefix}decoder", (self.latent, 0, 0), hidden[::-1], likelihood)

    def logits(self, x, look):
        return np.zeros((len(x), CLASSES))

    def posterior(self, x):
        return self.gaussian(f"{self.prefix}encoder", x)

    def emit(self, z):
        return self.emission(f"{self.prefix}decoder", z)

    def bound(self, x, y, epsilon, look):
        q = self.posterior(x)
        z = draw(q, epsilon)
        return log_likelihood(x, self.emit(z)), {"kl_z": divergence(q, standard(z), z)}

    def encode(self, x, y):
        return self.posterior(x)[0]

    def decode(self, z, y):
        return expected(self.emit(z))


class M1M2(M1):
    """An M2 of some of an M1's features, in an order of its own."""

    example_noise, row_noise, latent = 4, LATENT, 4
    one_draw_for_all = False
    active = [2, 0]

    def __init__(self, rng, likelihood):
        super().__init__(rng, likelihood, [5], "features.")
        self.latent = LATENT
        self.config = {
            "model": "m1m2",
            "feature_latent": 4,
            "feature_hidden": [5],
            "active": self.active,
            "latent": LATENT,
            "hidden": HIDDEN,
            "classifier_hidden": HIDDEN,
            "likelihood": likelihood,
        }
        seen = len(self.active)
        self.draw_mlp("stacked.classifier", seen, HIDDEN, CLASSES)
        self.draw_gaussian("stacked.encoder", (seen, 0, CLASSES), HIDDEN, LATENT)
        heads = {"output": seen, "log_var": seen}
        self.draw_heads("stacked.decoder", (LATENT, 0, CLASSES), HIDDEN[::-1], heads)

    def feature(self, x, look):
        return draw(self.posterior(x), look)

    def logits(self, x, look):
        return self.mlp("stacked.classifier", self.feature(x, look)[:, self.active])

    def bound(self, x, y, epsilon, look):
        f = self.feature(x, look)[:, self.active]
        q = self.gaussian("stacked.encoder", f, y=y)
        z = draw(q, epsilon)
        p_f = self.emission("stacked.decoder", z, y=y)
        return log_likelihood(f, p_f), {"kl_z": divergence(q, standard(z), z)}

    def frozen(self, x, look):
        """log p(x|f) - log q(f|x), and the prior of the features that M2 does not see."""
        f = self.feature(x, look)
        rest = np.delete(f, self.active, axis=1)
        prior = gaussian_log_prob(rest, *standard(rest))
        return log_likelihood(x, self.emit(f)) - gaussian_log_prob(f, *self.posterior(x)) + prior

    def encode(self, x, y):
        return self.gaussian("stacked.encoder", self.posterior(x)[0][:, self.active], y=y)[0]

    def decode(self, z, y):
        f = np.zeros((len(z), 4))
        f[:, self.active] = self.emission("stacked.decoder", z, y=y)[0]
        return expected(self.emit(f))


class Adgm(Nets):
    """E18."""

    example_noise, row_noise, latent = AUXILIARY, LATENT, LATENT
    name = "adgm"
    of_a, of_x = (FEATURES, LATENT, CLASSES), (LATENT, 0, CLASSES)

    def __init__(self, rng, likelihood):
        super().__init__(rng)
        self.config = {
            "model": self.name,
            "latent": LATENT,
            "auxiliary": AUXILIARY,
            "hidden": HIDDEN,
            "classifier_hidden": HIDDEN,
            "likelihood": likelihood,
        }
        both = AUXILIARY + FEATURES
        self.draw_gaussian("recognition.auxiliary", (FEATURES, 0, 0), HIDDEN, AUXILIARY)
        self.draw_mlp("recognition.classifier", both, HIDDEN, CLASSES)
        self.draw_gaussian("recognition.encoder", (both, 0, CLASSES), HIDDEN, LATENT)
        self.draw_gaussian("auxiliary", self.of_a, HIDDEN, AUXILIARY)
        self.draw_emission("decoder", self.of_x, HIDDEN[::-1], likelihood)

    def logits(self, x, look):
        a = draw(self.gaussian("recognition.auxiliary", x), look)
        return self.mlp("recognition.classifier", np.hstack([a, x]))

    def generated(self, x, y, z, a):
        """p(a|x,y,z) and p(x|y,z)."""
        return self.gaussian("auxiliary", x, z, y), self.emission("decoder", z, y=y)

    def bound(self, x, y, epsilon, look):
        q_a = self.gaussian("recognition.auxiliary", x)
        a = draw(q_a, look)
        q_z = self.gaussian("recognition.encoder", np.hstack([a, x]), y=y)
        z = draw(q_z, epsilon)
        p_a, p_x = self.generated(x, y, z, a)
        # p(a|...) depends on z, which depends on a: there is no closed form.
        _, of_a = divergence(q_a, p_a, a)
        layers = {"kl_z": divergence(q_z, standard(z), z), "kl_a": (of_a, of_a)}
        return log_likelihood(x, p_x), layers

    def encode(self, x, y):
        a = self.gaussian("recognition.auxiliary", x)[0]
        return self.gaussian("recognition.encoder", np.hstack([a, x]), y=y)[0]

    def decode(self, z, y):
        return expected(self.emission("decoder", z, y=y))


class Sdgm(Adgm):
    latent = LATENT + AUXILIARY
    name = "sdgm"
    of_a, of_x = (LATENT, 0, CLASSES), (LATENT, AUXILIARY, CLASSES)

    def generated(self, x, y, z, a):
        """p(a|y,z) and p(x|a,y,z)."""
        return self.gaussian("auxiliary", z, y=y), self.emission("decoder", z, a, y)

    def encode(self, x, y):
        z = super().encode(x, y)
        a = self.gaussian("recognition.auxiliary", x)[0]
        return np.hstack([z, noise_of(self.gaussian("auxiliary", z, y=y), a)])

    def decode(self, z, y):
        z, noise = z[:, :LATENT], z[:, LATENT:]
        a = draw(self.gaussian("auxiliary", z, y=y), noise)
        return expected(self.emission("decoder", z, a, y))


class Ladder(Nets):
    """E19, three layers."""

    sizes, widths = [3, 2, 1], [6, 5, 4]
    example_noise, row_noise, latent = 0, sum(sizes), sum(sizes)

    def __init__(self, rng, likelihood):
        super().__init__(rng)
        self.config = {
            "model": "ladder",
            "latent": self.sizes,
            "hidden": self.widths,
            "classifier_hidden": HIDDEN,
            "likelihood": likelihood,
        }
        self.draw_mlp("classifier", FEATURES, HIDDEN, CLASSES)
        below = [FEATURES] + self.widths
        for level, (size, width) in enumerate(zip(self.sizes, self.widths)):
            fan = (below[level], 0, CLASSES if level == 2 else 0)
            self.draw_gaussian(f"upwards.{level}", fan, [width], size)
        for level in range(2):
            fan = (self.sizes[level + 1], 0, CLASSES)
            self.draw_gaussian(f"downwards.{level}", fan, [self.widths[level]], self.sizes[level])
        self.draw_emission("decoder", (self.sizes[0], 0, CLASSES), self.widths[:1], likelihood)

    def logits(self, x, look):
        return self.mlp("classifier", x)

    def bottom_up(self, x, y):
        h, said = x, []
        for level in range(3):
            h = self.trunk(f"upwards.{level}", h, y=y if level == 2 else None)
            said.append(self.at(f"upwards.{level}", h))
        return said

    def each(self, values):
        return np.split(values, np.cumsum(self.sizes)[:-1], axis=1)

    def prior(self, level, above, y):
        return self.gaussian(f"downwards.{level}", above, y=y)

    def bound(self, x, y, epsilon, look):
        said, epsilon, layers = self.bottom_up(x, y), self.each(epsilon), {}
        z = draw(said[2], epsilon[2])
        layers["kl_z3"] = divergence(said[2], standard(z), z)
        for level in (1, 0):
            prior = self.prior(level, z, y)
            q = merge(said[level], prior)
            z = draw(q, epsilon[level])
            layers[f"kl_z{level + 1}"] = divergence(q, prior, z)
        return log_likelihood(x, self.emission("decoder", z, y=y)), layers

    def encode(self, x, y):
        said = self.bottom_up(x, y)
        z = said[2][0]
        noise = [z]
        for level in (1, 0):
            prior = self.prior(level, z, y)
            z = merge(said[level], prior)[0]
            noise.insert(0, noise_of(prior, z))
        return np.hstack(noise)

    def decode(self, z, y):
        noise = self.each(z)
        z = noise[2]
        for level in (1, 0):
            z = draw(self.prior(level, z, y), noise[level])
        return expected(self.emission("decoder", z, y=y))


class Untapped(Nets):
    """E20."""

    example_noise, row_noise, latent = 0, LATENT, LATENT
    range = (-1.5, 2.0)

    def __init__(self, rng, likelihood):
        super().__init__(rng)
        self.config = {
            "model": "untapped",
            "latent": LATENT,
            "range": list(self.range),
            "hidden": [5, 6],
            "encoder_hidden": [6, 4],
            "classifier_hidden": HIDDEN,
        }
        self.draw_mlp("classifier", FEATURES, HIDDEN, CLASSES)
        self.draw_gaussian("encoder", (FEATURES, 0, CLASSES), [6, 4], LATENT)
        self.draw_emission("decoder", (LATENT, 0, CLASSES), [5, 6], likelihood)
        low, high = self.range
        self.log_uniform = -LATENT * np.log(high - low)

    def logits(self, x, look):
        return self.mlp("classifier", x)

    def log_q_z(self, u, before):
        """Log-density at squeeze(u)."""
        return gaussian_log_prob(u, *before) - log_det(u, *self.range)

    def bound(self, x, y, epsilon, look):
        before = self.gaussian("encoder", x, y=y)
        u = draw(before, epsilon)
        kl = self.log_q_z(u, before) - self.log_uniform
        return log_likelihood(x, self.decoder(squeeze(u, *self.range), y)), {"kl_z": (kl, kl)}

    def decoder(self, z, y):
        return self.emission("decoder", z, y=y)

    def encode(self, x, y):
        return squeeze(self.gaussian("encoder", x, y=y)[0], *self.range)

    def decode(self, z, y):
        return expected(self.decoder(z, y))

    def reverse(self, log_y, z, bits, temperature):
        """log q(y|x), log q(z|x,y), log p(x|y,z) for bits x."""
        y = np.exp(log_y)
        before = self.gaussian("encoder", bits, y=y)
        return (
            concrete_log_prob(log_y, self.logits(bits, None), temperature),
            self.log_q_z(stretch(z, *self.range), before),
            bernoulli_log_prob(bits, self.decoder(z, y)),
        )

    def relaxed(self, x, uniform, epsilon, temperature):
        """The forward bound at a Concrete y, whose prior is uniform on the simplex."""
        logits = self.logits(x, None)
        log_y = concrete_log_draw(uniform, logits, temperature)
        log_px, layers = self.bound(x, np.exp(log_y), epsilon, None)
        log_q_y = concrete_log_prob(log_y, logits, temperature)
        return log_px - layers["kl_z"][1] + lgamma(CLASSES) - log_q_y


class LatentEbm(Nets):
    """E21. One draw of z, which all classes share; log Z is a number beside the weights."""

    example_noise, row_noise, latent = LATENT, 0, LATENT
    log_prior_y = 0.0
    energy_hidden = [5, 4]

    def __init__(self, rng, likelihood):
        super().__init__(rng)
        self.config = {
            "model": "latent-ebm",
            "latent": LATENT,
            "hidden": HIDDEN,
            "energy_hidden": self.energy_hidden,
            "energy_activation": "leaky-relu",
            "likelihood": likelihood,
        }
        self.draw_gaussian("encoder", (FEATURES, 0, 0), HIDDEN, LATENT)
        self.draw_emission("decoder", (LATENT, 0, 0), HIDDEN[::-1], likelihood)
        self.draw_mlp("prior.energy", LATENT, self.energy_hidden, CLASSES)
        self.p["prior.log_partition"] = single([1.3])

    def energy(self, z):
        """F, with the slope 0.2 (in single precision) to the left of zero."""
        h = z
        for i in range(len(self.energy_hidden)):
            h = self.linear(f"prior.energy.hidden.{i}", h)
            h = np.where(np.real(h) > 0.0, h, single(0.2) * h)
        return self.linear("prior.energy.output", h)

    def posterior(self, x):
        return self.gaussian("encoder", x)

    def logits(self, x, look):
        return self.energy(draw(self.posterior(x), look))

    def bound(self, x, y, epsilon, look):
        q = self.posterior(x)
        z = draw(q, look)
        tilt = np.sum(self.energy(z) * y, axis=1) - self.p["prior.log_partition"]
        closed, drawn = divergence(q, standard(z), z)
        layers = {"kl_normal": (closed, drawn), "kl_tilt": (-tilt, -tilt)}
        return log_likelihood(x, self.emission("decoder", z)), layers

    def encode(self, x, y):
        return self.posterior(x)[0]

    def decode(self, z, y):
        return expected(self.emission("decoder", z))

    def log_target(self, z, y=None):
        """log p(z), or log p(y, z), without Z."""
        energy = self.energy(z)
        tilt = log_sum_exp(energy) if y is None else np.sum(energy * y, axis=1)
        return tilt + gaussian_log_prob(z, 0.0, np.zeros_like(z))


# ----------------------------------------------------------------------------- the objective


def one_hot(labels):
    return np.eye(CLASSES)[labels]


def labelled(model, case, out):
    """E1 of the labelled half, from the first look at each example; the cross-entropy from all."""
    x, y = case["x_l"], case["y_l"]
    looks = [None]
    if model.example_noise:
        looks = np.split(case["look_l"], DRAWS)
    log_px, layers = model.bound(x, one_hot(y), case["eps_l"], looks[0])
    out["reconstruction_l"] = log_px
    for name, (closed, drawn) in layers.items():
        out[f"{name}_l"], out[f"{name}_drawn_l"] = closed, drawn
    kl = sum(closed for closed, _ in layers.values())
    out["L_l"] = log_px + model.log_prior_y - kl
    out["L_l_warm"] = log_px + model.log_prior_y - case["kl_weight"] * kl
    own = np.stack([log_softmax(model.logits(x, look))[np.arange(len(y)), y] for look in looks])
    out["ce_first"] = -own[0]
    out["ce_probability"] = -np.log(np.mean(np.exp(own), axis=0))
    out["ce_logarithm"] = -np.mean(own, axis=0)
    if hasattr(model, "frozen"):
        out["frozen_l"] = model.frozen(x, looks[0])


def unlabelled(model, case, out):
    """E2 and E12 of the unlabelled half."""
    x, look = case["x_u"], case.get("look_u")
    out["logits_u"] = model.logits(x, look)
    log_q = log_softmax(out["logits_u"])
    q = out["q_u"] = np.exp(log_q)
    out["H_u"] = entropy_of_logits(out["logits_u"])
    bounds, warm, weights, names = [], [], [], []
    own = np.split(case["eps_u"], CLASSES)
    for k, epsilon in enumerate([own[0]] * CLASSES if model.one_draw_for_all else own):
        y = one_hot(np.full(len(x), k))
        log_px, layers = model.bound(x, y, epsilon, look)
        kl, drawn = (sum(pair[i] for pair in layers.values()) for i in (0, 1))
        bounds.append(log_px + model.log_prior_y - kl)
        warm.append(log_px + model.log_prior_y - case["kl_weight"] * kl)
        weights.append(log_px + model.log_prior_y - drawn)
        for name, (closed, _) in layers.items():
            names.append(name)
            mean = np.mean(q[:, k] * closed)
            out[f"{name}_mean"] = out.get(f"{name}_mean", 0.0) + mean
    out["L_u"], out["log_w_u"] = np.stack(bounds), log_sum_exp(np.stack(weights, axis=1))
    if hasattr(model, "frozen"):
        out["frozen_u"] = model.frozen(x, look)
        out["log_w_u"] = out["log_w_u"] + out["frozen_u"]
    out["U_u"] = np.sum(q.T * out["L_u"], axis=0) + out["H_u"]
    out["U_u_warm"] = np.sum(q.T * np.stack(warm), axis=0) + out["H_u"]
    by_class = sum(q[:, k] * (out["L_u"][k] - log_q[:, k]) for k in range(CLASSES))
    assert_close("U(x)", out["U_u"], by_class, 1e-9)


def objective(case, out):
    """E3 and E10."""
    marginal = np.mean(out["q_u"], axis=0)
    out["mean_H"] = np.mean(out["H_u"])
    out["I"] = -np.sum(marginal * np.log(marginal)) - out["mean_H"]
    mier = case["beta"] * out["mean_H"] - case["gamma"] * out["I"]

    def total(bound, labelled, cross_entropy, weight=1.0):
        supervised = np.mean(case["alpha"] * out[cross_entropy] - out[labelled])
        return weight * supervised - np.mean(out[bound])

    out["J"] = total("U_u", "L_l", "ce_first")
    out["J_warm"] = total("U_u_warm", "L_l_warm", "ce_first")
    out["J_mier"] = out["J"] + mier
    weight = case["labelled_weight"]
    out["J_mier_warm"] = total("U_u_warm", "L_l_warm", "ce_first", weight) + mier
    out["J_probability"] = total("U_u", "L_l", "ce_probability")
    out["J_logarithm"] = total("U_u", "L_l", "ce_logarithm")
    if np.any(out["ce_logarithm"] < out["ce_probability"] - 1e-12):
        raise SystemExit("self-check failed: Jensen's inequality between the two cross-entropies")


DRAWS = 3
SETTINGS = {"alpha": 1.5, "beta": 5.0, "gamma": 1.0, "kl_weight": 0.25, "labelled_weight": 0.5}


def batch(model, rng, likelihood):
    """Examples, and the noise of a model's latent variables."""
    n_l, n_u = 5, 4
    normal = lambda *shape: single(rng.standard_normal(shape))
    case = {"y_l": np.array([0, 2, 1, 2, 0])}
    for name, rows in (("x_l", n_l), ("x_u", n_u)):
        bits = single(rng.integers(0, 257, (rows, FEATURES)) / 256.0)
        case[name] = bits if likelihood == "bernoulli" else normal(rows, FEATURES)
    case["eps_l"] = normal(n_l, model.row_noise)
    case["eps_u"] = normal(CLASSES * n_u, model.row_noise)
    if model.example_noise:
        case["look_l"] = normal(DRAWS * n_l, model.example_noise)
        case["look_u"] = normal(n_u, model.example_noise)
    case["z"] = normal(n_l, model.latent)
    return case


def finish(model, case, out, likelihood):
    """Tensors of a file: what goes in as float32, what comes out as float64."""
    tensors = {n: v.astype(np.int64 if n == "y_l" else np.float32) for n, v in case.items()}
    tensors |= {name: value.astype(np.float32) for name, value in model.p.items()}
    tensors |= {name: np.array([value]) for name, value in SETTINGS.items()}
    tensors |= {f"out.{name}": np.atleast_1d(value) for name, value in out.items()}
    config = {"shape": [FEATURES], "classes": CLASSES, "activation": "softplus"} | model.config
    return tensors, {"config": json.dumps(config, sort_keys=True)}


def model_case(Model, likelihood, seed, extra=None):
    rng = np.random.default_rng(seed)
    model = Model(rng, likelihood)
    case, out = batch(model, rng, likelihood), {}
    labelled(model, case | SETTINGS, out)
    unlabelled(model, case | SETTINGS, out)
    objective(case | SETTINGS, out)
    out["encode"] = model.encode(case["x_l"], one_hot(case["y_l"]))
    if extra:
        extra(model, rng, case, out)
    out["decode"] = model.decode(case["z"], one_hot(case["y_l"]))
    return finish(model, case, out, likelihood)


def untapped_extra(model, rng, case, out):
    """The relaxed bound, and the reverse one at bits that no rounding decides."""
    low, high = model.range
    rows, temperature = 5, 0.8
    # Away from the ends, where a sigmoid's inverse and a logarithm lose digits in single precision.
    inside = lambda *shape: single(rng.uniform(0.03, 0.97, shape))
    case["z"] = single(low + (high - low) * inside(rows, LATENT))
    z = case["reverse_z"] = single(low + (high - low) * inside(rows, LATENT))
    log_y = case["log_y"] = single(log_softmax(rng.standard_normal((rows, CLASSES)) * 2.0))
    mean = model.decode(z, np.exp(log_y))
    uniform = inside(rows, FEATURES)
    while np.min(np.abs(uniform - mean)) < 1e-3:
        uniform = inside(rows, FEATURES)
    case["uniform_x"] = uniform
    bits = (uniform < mean).astype(np.float64)
    y, z_term, x = model.reverse(log_y, z, bits, temperature)
    log_prior_x = -FEATURES * np.log(2.0)
    out |= {"reverse_y": y, "reverse_z": z_term, "reverse_x": x}
    out["reverse_observed"] = y + z_term - x + log_prior_x
    out["reverse_latent"] = out["reverse_observed"] - model.log_uniform
    out["temperature"] = temperature
    check_reverse(model, log_y, z, temperature)

    case["uniform_y"] = inside(len(case["x_u"]), CLASSES)
    epsilon = np.split(case["eps_u"], CLASSES)[0]
    out["relaxed"] = model.relaxed(case["x_u"], case["uniform_y"], epsilon, temperature)


def latent_ebm_extra(model, rng, case, out):
    """svebm's bound (9); targets of chains with gradients by the complex step (E29); a step of each kind (E22)."""
    x, look = case["x_u"], case["look_u"]
    q = model.posterior(x)
    z, log_z = draw(q, look), model.p["prior.log_partition"]
    whole = log_sum_exp(model.energy(z)) - log_z - kl_between(q, standard(z))
    assert_close("svebm eq. 9", out["U_u"], whole + log_likelihood(x, model.emission("decoder", z)), 1e-9)

    z, y = single(rng.standard_normal((6, LATENT)) * 1.5), np.array([0, 1, 2, 0, 1, 2])
    case["chain_z"], out["size"], out["temperature"] = z, 0.6, 0.7
    for name, given in (("marginal", None), ("given", one_hot(y))):
        out[f"{name}_log_density"] = model.log_target(z, given)
        gradient = np.empty_like(z)
        for i in range(LATENT):
            step = z + 1e-30j * (np.arange(LATENT) == i)
            gradient[:, i] = np.imag(model.log_target(step, given)) / 1e-30
        out[f"{name}_gradient"] = gradient
        out[f"{name}_pang"] = z + out["size"] ** 2 / 2 * gradient
        out[f"{name}_pooladzandi"] = z + out["size"] * gradient
    out["pang_deviation"] = np.sqrt(out["temperature"]) * out["size"]
    out["pooladzandi_deviation"] = np.sqrt(2 * out["temperature"] * out["size"])


def check_reverse(model, log_y, z, temperature):
    """Over all examples: p(x|y,z) adds up to one, and the bound is below log q(y,z)."""
    terms = []
    for bits in itertools.product((0.0, 1.0), repeat=FEATURES):
        terms.append(model.reverse(log_y, z, np.tile(bits, (len(z), 1)), temperature))
    y, z_term, x = (np.stack(term, axis=1) for term in zip(*terms))
    assert_close("p(x|y,z)", np.exp(log_sum_exp(x)), np.ones(len(z)), 1e-9)
    joint = y + z_term - FEATURES * np.log(2.0)
    bound = np.sum(np.exp(x) * (joint - x), axis=1)
    if not np.all(bound < log_sum_exp(joint)):
        raise SystemExit("self-check failed: the reverse bound is above log q(y,z)")


# ----------------------------------------------------------------------------- distributions alone


def densities_case():
    rng = np.random.default_rng(27)
    normal = lambda *shape: rng.standard_normal(shape)
    t, (low, high) = {}, (-0.5, 3.0)

    q = single(normal(6, 3) * 2.0), single(np.clip(normal(6, 3) * 3.0, -7.9, 7.9))
    p = single(normal(6, 3) * 2.0), single(normal(6, 3))
    p[0][0], p[1][0] = q[0][0], q[1][0]
    x = single(normal(6, 3))
    for name, value in (("q_mean", q[0]), ("q_log_var", q[1]), ("p_mean", p[0]), ("p_log_var", p[1])):
        t[f"gaussian.{name}"] = value
    t["gaussian.x"] = x
    merged = merge(q, p)
    assert_close("noise", draw(p, noise_of(p, x)), x, 1e-9)
    t |= {"out.kl_from": kl_between(q, p), "out.noise_of": noise_of(p, x)}
    t |= {"out.merged_mean": merged[0], "out.merged_log_var": merged[1]}

    t["flow.u"] = u = single(np.vstack([normal(5, 2) * 2.0, [[8.0, -8.0]], [[0.0, 20.0]]]))
    t["flow.z"] = z = single(low + (high - low) * rng.uniform(0.02, 0.98, (7, 2)))
    t["out.flow_range"] = np.array([low, high])
    t["out.forward"], t["out.inverse"] = squeeze(u, low, high), stretch(z, low, high)
    t["out.log_det"] = log_det(u, low, high)
    assert_close("inverse", squeeze(stretch(z, low, high), low, high), z, 1e-9)

    temperature = 0.7
    logits = t["concrete.logits"] = single(normal(6, 3) * 2.0)
    t["concrete.uniform"] = single(rng.uniform(0.02, 0.98, (6, 3)))
    log_y = t["concrete.log_y"] = single(log_softmax(normal(6, 3) * 3.0))
    t["out.temperature"] = np.array([temperature])
    t["out.sample_log"] = concrete_log_draw(t["concrete.uniform"], logits, temperature)
    t["out.log_prob"] = concrete_log_prob(log_y, logits, temperature)
    check_concrete(logits[0], temperature)
    return {n: v if n.startswith("out.") else v.astype(np.float32) for n, v in t.items()}, {}


def check_concrete(logits, temperature):
    """The density integrates to one over the simplex, in coordinates log y_k - log y_K."""
    step = 0.1
    axis = np.arange(-60.0, 60.0, step)
    a, b = (grid.ravel() for grid in np.meshgrid(axis, axis))
    log_y = log_softmax(np.stack([a, b, np.zeros_like(a)], axis=1))
    # |dy/d(a, b)| is the product of all y.
    density = concrete_log_prob(log_y, np.tile(logits, (len(a), 1)), temperature)
    total = np.sum(np.exp(density + np.sum(log_y, axis=1))) * step**2
    assert_close("Concrete density", total, 1.0, 1e-9)


CASES = {
    "m1": lambda: model_case(M1, "gaussian", 21),
    "m1m2": lambda: model_case(M1M2, "bernoulli", 22),
    "adgm": lambda: model_case(Adgm, "bernoulli", 23),
    "sdgm": lambda: model_case(Sdgm, "gaussian", 24),
    "ladder": lambda: model_case(Ladder, "bernoulli", 25),
    "untapped": lambda: model_case(Untapped, "bernoulli", 26, untapped_extra),
    "latent_ebm": lambda: model_case(LatentEbm, "gaussian", 28, latent_ebm_extra),
    "densities": densities_case,
}
