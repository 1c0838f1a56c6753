"""An M1 whose networks are a Wide ResNet and a generator, in float64.

Maps are channel by channel, `[batch, map, row, column]`, and every convolution is a sum over the cells of its kernel.
Slopes are complex-step derivatives of the forward pass, `Im f(w + ihd) / h` along one direction `d` for each
parameter: exact to rounding.
"""

import json

import numpy as np

from elementary import LOG_TWO_PI, clamp_log_var, kl_from_standard, single, softplus

SHAPE, LATENT, HIDDEN, CLASSES, SIGMA = (6, 7, 2), 3, 5, 3, 0.3
DEPTH, WIDTH, GENERATOR = 10, 1, [4, 3]
EPSILON = 1e-5


def leaky(x, leak):
    return np.where(np.real(x) > 0.0, x, leak * x)


def convolve(x, weight, stride, border):
    """`weight[o, c, i, j]` meets row `stride r + i - border` of the image."""
    high, wide = weight.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))
    rows, columns = ((size - k) // stride + 1 for size, k in zip(x.shape[2:], (high, wide)))
    out = 0.0
    for i in range(high):
        for j in range(wide):
            cells = x[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            out = out + np.einsum("bcrk,oc->bork", cells[:, :, :rows, :columns], weight[:, :, i, j])
    return out


def widen(x, weight):
    """A transposed convolution of stride 2 and border 1: `weight[c, o, i, j]` reaches row `2 r + i - 1`."""
    batch, _, rows, columns = x.shape
    high, wide = weight.shape[2:]
    kind = np.result_type(x.dtype, weight.dtype)
    out = np.zeros((batch, weight.shape[1], 2 * rows + high - 2, 2 * columns + wide - 2), kind)
    for r in range(rows):
        for k in range(columns):
            patch = np.einsum("bc,coij->boij", x[:, :, r, k], weight)
            out[:, :, 2 * r : 2 * r + high, 2 * k : 2 * k + wide] += patch
    return out[:, :, 1:-1, 1:-1]


class WideM1:
    def __init__(self, rng):
        self.rng, self.p, self.measured = rng, {}, {}
        trunk = "encoder.convolutions"
        self.draw(f"{trunk}.stem.weight", (16, SHAPE[2], 3, 3), 1.2)
        maps, self.blocks = 16, []
        for group in range(3):
            for block in range((DEPTH - 4) // 6):
                name, to = f"{trunk}.blocks.{len(self.blocks)}", 16 * WIDTH * 2**group
                stride = 2 if group and not block else 1
                self.draw_norm(f"{name}.norms.0", maps)
                self.draw_norm(f"{name}.norms.1", to)
                self.draw(f"{name}.convolutions.0.weight", (to, maps, 3, 3), 1.2)
                self.draw(f"{name}.convolutions.1.weight", (to, to, 3, 3), 1.2)
                if maps != to or stride != 1:
                    self.draw(f"{name}.shortcut.weight", (to, maps, 1, 1), 1.2)
                self.blocks.append((name, stride))
                maps = to
        self.draw_norm(f"{trunk}.norm", maps)
        self.draw_linear("encoder.input.features", maps, HIDDEN)
        self.draw_linear("encoder.mean", HIDDEN, LATENT)
        self.draw_linear("encoder.log_var", HIDDEN, LATENT)

        self.draw_linear("decoder.input.features", LATENT, HIDDEN)
        halves = [SHAPE[:2]]
        for _ in GENERATOR:
            halves.append(tuple((size + 1) // 2 for size in halves[-1]))
        self.start = (GENERATOR[0], *halves[-1])
        self.draw_linear("decoder.output.input", HIDDEN, int(np.prod(self.start)))
        for layer, (a, b) in enumerate(zip(GENERATOR, GENERATOR[1:] + [SHAPE[2]])):
            small, large = halves[len(GENERATOR) - layer], halves[len(GENERATOR) - layer - 1]
            kernel = tuple(4 if m == 2 * n else 3 for n, m in zip(small, large))
            name = f"decoder.output.layers.{layer}"
            self.draw(f"{name}.weight", (a, b, *kernel), 2.0)
            self.p[f"{name}.bias"] = single(self.rng.standard_normal(b) * 0.3)

    def draw(self, name, shape, gain):
        fan = np.prod(shape[1:]) if "decoder" not in name else shape[0] * 4
        self.p[name] = single(self.rng.standard_normal(shape) * gain / np.sqrt(fan))

    def draw_linear(self, name, inputs, outputs):
        self.draw(f"{name}.weight", (inputs, outputs), 1.0)
        self.p[f"{name}.bias"] = single(self.rng.standard_normal(outputs) * 0.3)

    def draw_norm(self, name, maps):
        self.p[f"{name}.scale"] = single(1.0 + 0.3 * self.rng.standard_normal(maps))
        self.p[f"{name}.shift"] = single(0.3 * self.rng.standard_normal(maps))

    def norm(self, name, x, by):
        """E28 and the nonlinearity after it. `by` is "batch", "measure" (which also keeps them) or "measured"."""
        if by != "measured":
            mean = np.mean(x, axis=(0, 2, 3))
            variance = np.mean((x - mean[:, None, None]) ** 2, axis=(0, 2, 3))
            if by == "measure":
                self.measured[name] = mean, variance
        else:
            mean, variance = self.measured[name]
        each = lambda v: v[:, None, None]
        normal = (x - each(mean)) / np.sqrt(each(variance) + EPSILON)
        scale, shift = self.p[f"{name}.scale"], self.p[f"{name}.shift"]
        return leaky(normal * each(scale) + each(shift), 0.1)

    def features(self, x, by):
        trunk = "encoder.convolutions"
        maps = x.reshape(len(x), *SHAPE).transpose(0, 3, 1, 2)
        h = convolve(maps, self.p[f"{trunk}.stem.weight"], 1, 1)
        for name, stride in self.blocks:
            normal = self.norm(f"{name}.norms.0", h, by)
            inner = convolve(normal, self.p[f"{name}.convolutions.0.weight"], stride, 1)
            inner = self.norm(f"{name}.norms.1", inner, by)
            inner = convolve(inner, self.p[f"{name}.convolutions.1.weight"], 1, 1)
            shortcut = self.p.get(f"{name}.shortcut.weight")
            h = inner + (h if shortcut is None else convolve(normal, shortcut, stride, 0))
        return np.mean(self.norm(f"{trunk}.norm", h, by), axis=(2, 3))

    def linear(self, name, v):
        return v @ self.p[f"{name}.weight"] + self.p[f"{name}.bias"]

    def posterior(self, x, by):
        h = softplus(self.linear("encoder.input.features", self.features(x, by)))
        return self.linear("encoder.mean", h), clamp_log_var(self.linear("encoder.log_var", h))

    def decode(self, z):
        h = softplus(self.linear("decoder.input.features", z))
        h = leaky(self.linear("decoder.output.input", h), 0.2).reshape(len(z), *self.start)
        for layer in range(len(GENERATOR)):
            name = f"decoder.output.layers.{layer}"
            h = widen(h, self.p[f"{name}.weight"]) + self.p[f"{name}.bias"][:, None, None]
            if layer + 1 < len(GENERATOR):
                h = leaky(h, 0.2)
        return h.transpose(0, 2, 3, 1).reshape(len(z), -1)

    def terms(self, x, epsilon):
        """Log-likelihood and divergence of each example, in training."""
        mean, log_var = self.posterior(x, "batch")
        z = mean + np.exp(0.5 * log_var) * epsilon
        distance = np.sum((x - self.decode(z)) ** 2, axis=1)
        constant = x.shape[1] * (LOG_TWO_PI + 2.0 * np.log(SIGMA))
        return -0.5 * (distance / SIGMA**2 + constant), kl_from_standard(mean, log_var)

    def slope(self, name, x, epsilon):
        """Of `sum(log-likelihood - divergence)` along `cos(1.7 i + 0.3)` in one parameter."""
        step, value = 1e-30, self.p[name]
        direction = np.cos(1.7 * np.arange(value.size) + 0.3).reshape(value.shape)
        self.p[name] = value + 1j * step * direction
        reconstruction, kl = self.terms(x, epsilon)
        self.p[name] = value
        return np.imag(np.sum(reconstruction - kl)) / step


def wide_resnet_case():
    rng = np.random.default_rng(35)
    model = WideM1(rng)
    size = int(np.prod(SHAPE))
    case = {
        "x": single(rng.uniform(size=(3, size))),
        "measured_on": single(rng.uniform(size=(4, size))),
        "epsilon": single(rng.standard_normal((3, LATENT))),
        "z": single(rng.standard_normal((2, LATENT))),
    }
    out = {}
    out["reconstruction"], out["kl"] = model.terms(case["x"], case["epsilon"])
    out["decode"] = model.decode(case["z"])
    model.features(case["measured_on"], "measure")
    out["encode"] = model.posterior(case["x"], "measured")[0]
    tensors = {name: value.astype(np.float32) for name, value in (case | model.p).items()}
    for name, (mean, variance) in model.measured.items():
        # What a model has before anything is measured.
        tensors[f"{name}.mean"] = np.zeros(mean.shape, np.float32)
        tensors[f"{name}.variance"] = np.ones(variance.shape, np.float32)
        out[f"{name}.mean"], out[f"{name}.variance"] = mean, variance
    tensors |= {f"out.{name}": value for name, value in out.items()}
    for name in model.p:
        tensors[f"slope.{name}"] = np.array([model.slope(name, case["x"], case["epsilon"])])
    config = {
        "model": "m1",
        "shape": SHAPE,
        "classes": CLASSES,
        "latent": LATENT,
        "hidden": [HIDDEN],
        "activation": "softplus",
        "likelihood": {"isotropic-gaussian": {"sigma": SIGMA}},
        "convolution": {
            "kind": "wide-resnet",
            "depth": DEPTH,
            "width": WIDTH,
            "generator": GENERATOR,
        },
    }
    return tensors, {"config": json.dumps(config, sort_keys=True)}


CASES = {"wide_resnet": wide_resnet_case}
