"""Gleaner's networks in PyTorch, module by module under the same names, for `recipe_step.py`. Images are NCHW in the memory format
channels_last, which oneDNN and cuDNN are fastest with; rows of pixels have channels last already, so that making images of them
copies nothing."""

import torch
import torch.nn.functional as F
from torch import nn

LOG_VAR_BOUND = 8.0
LEAK = 0.2
LEAK_OF_RESNET = 0.1

ACTIVATIONS = {
    "softplus": F.softplus,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "leaky-relu": lambda x: F.leaky_relu(x, LEAK),
}


def halves(size):
    """Half a size, rounded up: what a convolution of stride 2 and a border of 1 leaves."""
    return (size + 1) // 2


class Dense(nn.Module):
    """Hidden layers and a linear output."""

    def __init__(self, inputs, hidden, outputs, activation):
        super().__init__()
        widths = [inputs, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.output = nn.Linear(widths[-1], outputs)
        self.activation = activation

    def forward(self, x):
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.output(x)


class First(nn.Module):
    """A layer of a vector and a class, split by input (E4); without classes, a plain one."""

    def __init__(self, inputs, classes, width):
        super().__init__()
        self.features = nn.Linear(inputs, width)
        self.classes = nn.Parameter(torch.empty(classes, width)) if classes else None


class Trunk(nn.Module):
    """Three convolutions: of stride 2 and normalised, or with poolings after the first two."""

    def __init__(self, image, config, strided):
        super().__init__()
        height, width, channels = image
        maps = config["maps"]
        pairs = list(zip([channels, *maps], maps))
        stride = 2 if strided else 1
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, stride, 1) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(count) for count in maps) if strided else None
        self.rate = config["dropout"]
        for _ in range(3 if strided else 2):
            height, width = (halves(height), halves(width)) if strided else (height // 2, width // 2)
        self.outputs = maps[-1] * height * width

    def forward(self, x, drops):
        """`drops`: for each layer uniform numbers `[batch, maps]`, or nothing to draw them."""
        for number, layer in enumerate(self.convolutions):
            x = layer(x)
            if self.norms is not None:
                x = F.relu(self.norms[number](x), inplace=True)
            else:
                x = F.relu(x, inplace=True)
                x = F.max_pool2d(x, 2) if number < 2 else x
            x = self.drop(x, drops[number] if drops else None)
        return x.flatten(1)

    def drop(self, x, uniform):
        if not self.training or self.rate == 0:
            return x
        if uniform is None:
            return F.dropout2d(x, self.rate)
        return x * ((uniform >= self.rate).to(x.dtype) / (1 - self.rate))[:, :, None, None]


class Norm(nn.BatchNorm2d):
    def forward(self, x):
        return F.leaky_relu(super().forward(x), LEAK_OF_RESNET, inplace=True)


class Block(nn.Module):
    def __init__(self, inputs, maps, stride):
        super().__init__()
        self.norms = nn.ModuleList([Norm(inputs), Norm(maps)])
        convolutions = [nn.Conv2d(inputs, maps, 3, stride, 1, bias=False), nn.Conv2d(maps, maps, 3, 1, 1, bias=False)]
        self.convolutions = nn.ModuleList(convolutions)
        changes = inputs != maps or stride != 1
        self.shortcut = nn.Conv2d(inputs, maps, 1, stride, bias=False) if changes else None

    def forward(self, x):
        normal = self.norms[0](x)
        h = self.norms[1](self.convolutions[0](normal))
        kept = x if self.shortcut is None else self.shortcut(normal)
        return kept + self.convolutions[1](h)


class WideResnet(nn.Module):
    def __init__(self, image, config):
        super().__init__()
        inputs, blocks = 16, []
        self.stem = nn.Conv2d(image[2], inputs, 3, 1, 1, bias=False)
        for group, stride in enumerate([1, 2, 2]):
            maps = (16 * config["width"]) << group
            for block in range((config["depth"] - 4) // 6):
                blocks.append(Block(inputs, maps, stride if block == 0 else 1))
                inputs = maps
        self.blocks, self.norm, self.outputs = nn.ModuleList(blocks), Norm(inputs), inputs

    def forward(self, x, drops):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x).mean((2, 3))


def trunk(image, convolution, strided):
    if convolution["kind"] == "wide-resnet":
        return WideResnet(image, convolution)
    return Trunk(image, convolution, strided)


class Generator(nn.Module):
    """A dense layer to a small image, and transposed convolutions to a large one."""

    def __init__(self, inputs, image, convolution):
        super().__init__()
        height, width, channels = image
        if convolution["kind"] == "wide-resnet":
            maps = [*convolution["generator"], channels]
            self.activation = ACTIVATIONS["leaky-relu"]
        else:
            first, second, third = convolution["maps"]
            maps = [third, second, first, first]
            self.activation = torch.relu
        sizes = [(height, width)]
        for _ in maps[1:]:
            sizes.append(tuple(halves(size) for size in sizes[-1]))
        layers = []
        for number, (a, b) in enumerate(zip(maps, maps[1:])):
            small, large = sizes[len(maps) - 1 - number], sizes[len(maps) - 2 - number]
            kernel = tuple(4 if big == 2 * little else 3 for little, big in zip(small, large))
            layers.append(nn.ConvTranspose2d(a, b, kernel, 2, 1))
        if convolution["kind"] == "plain":
            layers.append(nn.ConvTranspose2d(maps[-1], channels, 3, 1, 1))
        self.start = (maps[0], *sizes[-1])
        self.input = nn.Linear(inputs, maps[0] * sizes[-1][0] * sizes[-1][1])
        self.layers = nn.ModuleList(layers)

    def forward(self, h):
        h = self.activation(self.input(h)).unflatten(1, self.start)
        h = h.contiguous(memory_format=torch.channels_last)
        for layer in self.layers[:-1]:
            h = self.activation(layer(h))
        return self.layers[-1](h)


class Encoder(nn.Module):
    """`q(z|x)` or `q(z|x,y)`."""

    def __init__(self, image, config, classes):
        super().__init__()
        convolution, hidden, latent = config.get("convolution"), config["hidden"], config["latent"]
        self.convolutions = trunk(image, convolution, strided=True) if convolution else None
        inputs = self.convolutions.outputs if convolution else image[0] * image[1] * image[2]
        self.input = First(inputs, classes, hidden[0])
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(hidden, hidden[1:]))
        self.mean, self.log_var = nn.Linear(hidden[-1], latent), nn.Linear(hidden[-1], latent)
        self.activation = ACTIVATIONS[config["activation"]]

    def look(self, x, drops):
        """What the first layer has of images, once for all classes: before the class and the nonlinearity."""
        return self.input.features(self.convolutions(x, drops) if self.convolutions else flat(x))

    def forward(self, first):
        h = self.activation(first)
        for layer in self.hidden:
            h = self.activation(layer(h))
        return self.mean(h), LOG_VAR_BOUND * torch.tanh(self.log_var(h) / LOG_VAR_BOUND)


class Decoder(nn.Module):
    """`p(x|z)` or `p(x|y,z)`: logits or means as images."""

    def __init__(self, image, config, classes):
        super().__init__()
        convolution, hidden = config.get("convolution"), config["hidden"][::-1]
        self.input = First(config["latent"], classes, hidden[0])
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(hidden, hidden[1:]))
        width, features = hidden[-1], image[0] * image[1] * image[2]
        self.output = Generator(width, image, convolution) if convolution else nn.Linear(width, features)
        self.activation, self.image = ACTIVATIONS[config["activation"]], image

    def forward(self, first):
        h = self.activation(first)
        for layer in self.hidden:
            h = self.activation(layer(h))
        x = self.output(h)
        return x if x.dim() == 4 else pictured(x, self.image)


class Classifier(nn.Module):
    def __init__(self, image, config, classes):
        super().__init__()
        convolution = config.get("convolution")
        self.trunk = trunk(image, convolution, strided=False)
        activation = ACTIVATIONS[config["activation"]]
        self.dense = Dense(self.trunk.outputs, config["classifier_hidden"], classes, activation)

    def forward(self, x, drops):
        return self.dense(self.trunk(x, drops))


class DenseClassifier(Dense):
    def __init__(self, image, config, classes):
        features = image[0] * image[1] * image[2]
        super().__init__(features, config["classifier_hidden"], classes, ACTIVATIONS[config["activation"]])

    def forward(self, x, drops):
        return super().forward(flat(x))


class Energy(nn.Module):
    """`F(z)`, the logits of `p(y|z)`, and `log Z` as it was last measured."""

    def __init__(self, config, classes):
        super().__init__()
        activation = ACTIVATIONS[config["energy_activation"]]
        self.energy = Dense(config["latent"], config["energy_hidden"], classes, activation)
        self.register_buffer("log_partition", torch.zeros(1))

    def forward(self, z):
        return self.energy(z)


def pictured(x, image):
    """Rows of pixels, channels last, as images."""
    height, width, channels = image
    return x.view(-1, height, width, channels).permute(0, 3, 1, 2)


def flat(x):
    """The opposite."""
    return x.permute(0, 2, 3, 1).flatten(1)


NORMS = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


def load(model, weights):
    """Gleaner's dense weights are `[inputs, outputs]`, PyTorch's `[outputs, inputs]`; normalisations have other names."""
    state = {}
    for name, value in weights.items():
        path, last = name.rsplit(".", 1)
        if isinstance(model.get_submodule(path), nn.BatchNorm2d):
            name = f"{path}.{NORMS[last]}"
        elif isinstance(model.get_submodule(path), nn.Linear) and last == "weight":
            value = value.T
        state[name] = value
    counters = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    model.load_state_dict(state | counters)
