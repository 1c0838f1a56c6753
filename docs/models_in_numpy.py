"""Every model of Gleaner whose networks are fully connected, in NumPy: what `predict` and `sample` compute.

docs/read_checkpoint.py reads a checkpoint for it; docs/guide/read-checkpoint.md says what the tensors are.
"""

import numpy as np


class Problem(Exception):
    """Something the user can put right; printed as one line."""


def sigmoid(x):
    """1 / (1 + exp(-x)), written so that no exponential overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def log_softmax(logits):
    """Logarithms of the probabilities of each row's classes."""
    largest = logits.max(axis=1, keepdims=True)
    return logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))


def soft_clamp(raw):
    """Keeps the output of a head between -8 and 8 (E8)."""
    return 8.0 * np.tanh(raw / 8.0)


ACTIVATIONS = {
    "softplus": lambda x: np.logaddexp(0.0, x),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky-relu": lambda x: np.where(x >= 0.0, x, 0.2 * x),
    "silu": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "identity": lambda x: x,
}


class Networks:
    """The layers of a checkpoint, by the path of their tensors."""

    def __init__(self, config, parameters):
        self.config, self.parameters = config, parameters

    def has(self, path):
        return path in self.parameters

    def tensor(self, path):
        if path not in self.parameters:
            raise Problem(f"the checkpoint has no `{path}`; it was written by another version of gleaner")
        return self.parameters[path]

    def product(self, path, x):
        weight = self.tensor(path)
        if x.shape[1] != weight.shape[0]:
            raise Problem(
                f"{path} takes {weight.shape[0]} values per example, the data has {x.shape[1]}; "
                "is this the data set that the model was trained on?"
            )
        return x @ weight

    def linear(self, path, x):
        return self.product(f"{path}.weight", x) + self.tensor(f"{path}.bias")

    def activation(self, key="activation"):
        name = self.config.get(key, "softplus")
        if name not in ACTIVATIONS:
            raise Problem(f"activation `{name}` is unknown; known are {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[name]

    def hidden(self, path, h, activation):
        layer = 0
        while self.has(f"{path}.hidden.{layer}.weight"):
            h = activation(self.linear(f"{path}.hidden.{layer}", h))
            layer += 1
        return h

    def perceptron(self, path, x, key="activation"):
        """Hidden layers, then a linear one: a classifier, or the energy."""
        return self.linear(f"{path}.output", self.hidden(path, x, self.activation(key)))

    def trunk(self, path, v, y, beside=None):
        """The split first layer (E4) and the hidden layers of an encoder or a decoder. `y` is one-hot."""
        total = self.linear(f"{path}.input.features", v)
        if self.has(f"{path}.input.beside"):
            total = total + self.product(f"{path}.input.beside", beside)
        if self.has(f"{path}.input.classes"):
            total = total + self.product(f"{path}.input.classes", y)
        activation = self.activation()
        return self.hidden(path, activation(total), activation)

    def heads(self, path, h):
        """Mean and log-variance of a Gaussian from its last hidden layer."""
        return self.linear(f"{path}.mean", h), soft_clamp(self.linear(f"{path}.log_var", h))

    def gaussian(self, path, v, y=None, beside=None):
        return self.heads(path, self.trunk(path, v, y, beside))

    def emission(self, path, v, y=None, beside=None, likelihood=None):
        """What is expected of an example, as the model sees it."""
        output = self.linear(f"{path}.output", self.trunk(path, v, y, beside))
        likelihood = likelihood or self.config.get("likelihood", "bernoulli")
        if likelihood == "bernoulli":
            return sigmoid(output)
        if likelihood == "multinomial":
            background = self.tensor(f"{path}.background")
            return np.exp(log_softmax(output + background)) * np.exp(background).sum()
        if likelihood == "mixed":
            return expected_cells(self.config["columns"], output, self.tensor(f"{path}.spread"))
        return output


def kind_of(column):
    """The distribution of a column of a table, and its settings."""
    return (column, {}) if isinstance(column, str) else next(iter(column.items()))


def expected_cells(columns, output, spread):
    """What is expected of each number of a row of a table (E46 to E49)."""
    cells, start = [], 0
    for column in columns:
        kind, settings = kind_of(column)
        end = start + settings.get("words", 1)
        told = output[:, start:end]
        if kind == "bernoulli":
            told = sigmoid(told)
        elif kind == "categorical":
            told = np.exp(log_softmax(told))
        elif kind == "ordinal":
            values, thresholds = (np.array(settings[key]) for key in ("values", "thresholds"))
            above = sigmoid((told - thresholds) * np.exp(spread[start]))
            told = values[0] + (above * np.diff(values)).sum(axis=1, keepdims=True)
        elif kind in ("poisson", "negative-binomial"):
            rate = np.exp(soft_clamp(told) * settings["sd"] + settings["mean"])
            told = (np.log1p(rate) - settings["mean"]) / settings["sd"]
        cells.append(told)
        start = end
    return np.concatenate(cells, axis=1)


def seen(config, x):
    """What networks are given of examples: of counts their logarithm, of a table also what is missing."""
    if config.get("likelihood") == "multinomial":
        return np.log1p(x)
    if config.get("likelihood") != "mixed":
        return x
    missing, told, start = np.isnan(x), [], 0
    for kind, settings in map(kind_of, config["columns"]):
        if kind != "categorical":
            told.append(start)
        start += settings.get("words", 1)
    return np.concatenate([np.where(missing, 0.0, x), missing[:, told]], axis=1)


class Model:
    """What `gleaner predict` and `gleaner sample` compute of a checkpoint. Rows are examples as the model sees them."""

    def __init__(self, config, parameters):
        self.config, self.kind, self.net = config, config["model"], Networks(config, parameters)
        if config.get("convolution"):
            raise Problem("its networks have convolutions; this script reads fully connected ones only")

    def z_mean(self, x):
        """Mean of q(z|x) of m1 and latent-ebm."""
        return self.net.gaussian("encoder", seen(self.config, x))[0]

    def features(self, x):
        """What m1m2's second model is given: the mean of M1's latent variable, its active dimensions."""
        f, _ = self.net.gaussian("features.encoder", seen(self.config, x))
        return f[:, self.config.get("active") or slice(None)]

    def auxiliary(self, x):
        """Mean of q(a|x), and what else the networks of adgm and sdgm are given."""
        x = seen(self.config, x)
        a, _ = self.net.gaussian("recognition.auxiliary", x)
        return a, np.concatenate([a, x], axis=1)

    def logits(self, x):
        """Logits of q(y|x); of m1, which knows no classes, zeros."""
        if self.kind == "m1":
            return np.zeros((len(x), self.config["classes"]))
        if self.kind == "latent-ebm":
            return self.net.perceptron("prior.energy", self.z_mean(x), "energy_activation")
        if self.kind == "m1m2":
            return self.net.perceptron("stacked.classifier", self.features(x))
        if self.kind in ("adgm", "sdgm"):
            return self.net.perceptron("recognition.classifier", self.auxiliary(x)[1])
        return self.net.perceptron("classifier", seen(self.config, x))

    def encode(self, x, y):
        """The centre of the posterior of z, for examples of the classes `y`, one-hot."""
        net = self.net
        if self.kind in ("m1", "latent-ebm"):
            return self.z_mean(x)
        if self.kind == "m1m2":
            return net.gaussian("stacked.encoder", self.features(x), y)[0]
        if self.kind in ("adgm", "sdgm"):
            a, both = self.auxiliary(x)
            z, _ = net.gaussian("recognition.encoder", both, y)
            if self.kind == "adgm":
                return z
            mean, log_var = net.gaussian("auxiliary", z, y)
            return np.concatenate([z, (a - mean) * np.exp(-0.5 * log_var)], axis=1)
        if self.kind == "ladder":
            return self.encode_ladder(x, y)
        z, _ = net.gaussian("encoder", seen(self.config, x), y)
        return self.in_box(z) if self.kind == "untapped" else z

    def in_box(self, u):
        low, high = self.config["range"]
        return low + (high - low) * sigmoid(u)

    def encode_ladder(self, x, y):
        """The noise of every layer: each posterior merges what the example and what the layer above say (E19)."""
        below, said = seen(self.config, x), []
        for level in range(len(self.config["latent"])):
            below = self.net.trunk(f"upwards.{level}", below, y)
            said.append(self.net.heads(f"upwards.{level}", below))
        above = said[-1][0]
        noise = [above]
        for level in reversed(range(len(said) - 1)):
            mean, log_var = self.net.gaussian(f"downwards.{level}", above, y)
            of_x, of_prior = np.exp(-said[level][1]), np.exp(-log_var)
            above = (of_x * said[level][0] + of_prior * mean) / (of_x + of_prior)
            noise.append((above - mean) * np.exp(-0.5 * log_var))
        return np.concatenate(noise[::-1], axis=1)

    def decode(self, z, y):
        """The expected example of each z and class."""
        net = self.net
        if self.kind == "m1m2":
            seen_by_m2 = net.emission("stacked.decoder", z, y, likelihood="gaussian")
            f = np.zeros((len(z), self.config["feature_latent"]))
            f[:, self.config.get("active") or slice(None)] = seen_by_m2
            return net.emission("features.decoder", f)
        if self.kind == "sdgm":
            z, noise = np.split(z, [self.config["latent"]], axis=1)
            mean, log_var = net.gaussian("auxiliary", z, y)
            return net.emission("decoder", z, y, beside=mean + np.exp(0.5 * log_var) * noise)
        if self.kind == "ladder":
            layers = np.split(z, np.cumsum(self.config["latent"])[:-1], axis=1)
            z = layers[-1]
            for level in reversed(range(len(layers) - 1)):
                mean, log_var = net.gaussian(f"downwards.{level}", z, y)
                z = mean + np.exp(0.5 * log_var) * layers[level]
        return net.emission("decoder", z, y)

    def judge(self, z, x):
        """Logits of what was made of z: a latent-ebm asks z, any other model x."""
        if self.kind == "latent-ebm":
            return self.net.perceptron("prior.energy", z, "energy_activation")
        return self.logits(x)
