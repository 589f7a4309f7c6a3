"""Families of scenarios that are drawn by chance, as labelled traces: what somebody writes down by hand has habits, and a
scorecard that is fitted on it learns them.

    python3 test/eval/diagnosis/drawn.py FOLDER [--count 240] [--first 1]

Made with PyTorch 1.13, in float32. A family is a task, a model, an optimizer and a length. All its learning rates are trained at
once, one beside the other in the first dimension of every parameter, on the same samples in the same order: so hundreds of families
take minutes. Labels and lines are those of `scenarios/sweep.ts`. The same number draws the same family.
"""

import argparse
import gzip
import json
import math
import os
import random

import torch
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
DIGITS = os.path.join(HERE, "../../../examples/data/digits.csv.gz")

# As in scenarios/train.ts and scenarios/sweep.ts.
EVALUATED = 384
LATE_EVALUATIONS = 4
MOST_REGRET = 0.1
DIVERGED = 1.05

# Samples of a family that sees all of them in each step.
FULL_BATCH = 300


def digits():
    """1,797 images of 8 × 8 pixels from −1 to 1, and their classes."""
    with gzip.open(DIGITS, "rt") as file:
        rows = torch.tensor([[int(word) for word in line.split(",")] for line in file])
    return rows[:, :64] / 8 - 1, rows[:, 64]


# Losses: of what is said, [rates, samples, outputs], and what is. One value a rate.


def each(of):
    """A loss of each element, averaged."""
    return lambda said, wanted: of(said, wanted.expand_as(said)).flatten(1).mean(1)


def cross_entropy(smoothing=0.0):
    def loss(said, labels):
        logs = said.log_softmax(-1)
        # Sequences have one label a place.
        index = labels.unsqueeze(-1).expand(*said.shape[:-1], 1)
        hit = logs.gather(-1, index).squeeze(-1)
        return -((1 - smoothing) * hit + smoothing * logs.mean(-1)).flatten(1).mean(1)

    return loss


def hinge(said, labels):
    """Of Weston and Watkins: every other class at least 1 below."""
    own = said.gather(-1, labels.expand(said.shape[0], -1).unsqueeze(-1))
    return ((1 + said - own).clamp(min=0).sum(-1) - 1).mean(1)


def none(**more):
    return dict(reduction="none", **more)


squared = each(lambda said, wanted: F.mse_loss(said, wanted, **none()))
absolute = each(lambda said, wanted: F.l1_loss(said, wanted, **none()))
huber = each(lambda said, wanted: F.huber_loss(said, wanted, **none()))
quantile = each(lambda said, wanted: torch.maximum(0.8 * (wanted - said), 0.2 * (said - wanted)))
log_cosh = each(lambda said, wanted: F.softplus(2 * (said - wanted)) - (said - wanted) - math.log(2))
binary = each(lambda said, wanted: F.binary_cross_entropy_with_logits(said, wanted, **none()))
poisson = each(lambda said, wanted: said.clamp(max=30).exp() - wanted * said)


# Models: parameters for so many rates, and what they say of inputs.


class Model:
    def __init__(self, rates, draw):
        self.rates, self.draw, self.parameters = rates, draw, []
        self.gain = math.exp(draw.uniform(math.log(0.4), math.log(2.5))) if draw.random() < 0.3 else 1.0
        self.training = True

    def new(self, *shape, bound):
        """Even between the bounds, as PyTorch's layers begin, the same for each rate."""
        start = (2 * torch.rand(*shape) - 1) * bound
        self.parameters.append(start.expand(self.rates, *shape).clone().requires_grad_())
        return self.parameters[-1]

    def linear(self, inputs, outputs):
        bound = 1 / math.sqrt(inputs)
        weight = self.new(inputs, outputs, bound=self.gain * bound)
        bias = self.new(1, outputs, bound=bound)
        return lambda rows: rows @ weight + bias

    def table(self, kinds, size, spread=1.0):
        """Vectors of symbols, normally distributed."""
        start = torch.randn(kinds, size) * spread
        table = start.expand(self.rates, kinds, size).clone().requires_grad_()
        self.parameters.append(table)
        return lambda symbols: table[:, symbols]

    def norm(self, kind, size):
        """Batch or layer normalisation of the features of rows, with its scales and shifts."""
        scale = torch.ones(self.rates, 1, size, requires_grad=True)
        shift = torch.zeros(self.rates, 1, size, requires_grad=True)
        self.parameters += [scale, shift]
        over = -2 if kind == "batch" else -1

        def apply(rows):
            mean = rows.mean(over, keepdim=True)
            deviation = rows.var(over, unbiased=False, keepdim=True)
            return (rows - mean) / (deviation + 1e-5).sqrt() * scale + shift

        return apply


ACTIVATIONS = [F.relu, F.relu, F.relu, torch.tanh, F.gelu, F.silu, torch.sigmoid, F.leaky_relu]


def perceptron(inputs, outputs):
    def make(rates, draw):
        model = Model(rates, draw)
        depth = draw.choice([0, 1, 1, 1, 2, 2, 2, 3, 4, 6])
        width = whole(draw, 8, 128)
        sizes = [inputs] + [max(4, round(width * draw.choice([0.5, 1, 1, 1]))) for _ in range(depth)]
        act, kind = draw.choice(ACTIVATIONS), draw.choice([None] * 6 + ["batch", "layer"])
        residual, drop = draw.random() < 0.1, draw.choice([0] * 7 + [0.3])
        if residual:
            sizes[1:] = [width] * depth
        layers = [model.linear(a, b) for a, b in zip(sizes, sizes[1:])]
        norms = [model.norm(kind, size) if kind else (lambda rows: rows) for size in sizes[1:]]
        head = model.linear(sizes[-1], outputs)

        def forward(rows):
            state = rows.expand(rates, *rows.shape)
            for layer, norm in zip(layers, norms):
                after = act(norm(layer(state)))
                if drop and model.training:
                    after = after * (torch.rand(after.shape[1:]) >= drop) / (1 - drop)
                state = state + after if residual and after.shape == state.shape else after
            return head(state)

        model.forward = forward
        return model

    return make


def convolutional(rates, draw):
    """One or two convolutions on images of 8 × 8 pixels, the rates as groups."""
    model = Model(rates, draw)
    maps = draw.choice([[8], [8, 16], [12], [6, 12]])
    act, pooled = draw.choice([F.relu, F.relu, torch.tanh, F.silu]), draw.random() < 0.5
    sizes = [1] + maps
    kernels = []
    for a, b in zip(sizes, sizes[1:]):
        bound = 1 / math.sqrt(9 * a)
        kernels.append((model.new(b, a, 3, 3, bound=bound * model.gain), model.new(b, bound=bound)))
    side = 4 if pooled else 8 // 2 ** (len(maps) - 1)
    head = model.linear(maps[-1] * side * side, 10)

    def forward(rows):
        state = rows.reshape(-1, 1, 8, 8).repeat(1, rates, 1, 1)
        for i, (weight, bias) in enumerate(kernels):
            stride = 2 if i > 0 and not pooled else 1
            state = act(
                F.conv2d(state, weight.flatten(0, 1), bias.flatten(), stride, padding=1, groups=rates)
            )
        if pooled:
            state = F.max_pool2d(state, 2)
        state = state.reshape(state.shape[0], rates, -1).transpose(0, 1)
        return head(state)

    model.forward = forward
    return model


def recurrent(inputs, outputs, kinds=None):
    """Reads rows [samples, places, inputs], or symbols [samples, places], and speaks at the end."""

    def make(rates, draw):
        model = Model(rates, draw)
        size = whole(draw, 12, 40)
        gated = draw.random() < 0.6
        model.gain = 1.0
        read = model.table(kinds, inputs) if kinds else lambda rows: rows.expand(rates, *rows.shape)
        gates = 3 if gated else 1
        bound = 1 / math.sqrt(size)
        inner = model.new(size, gates * size, bound=bound)
        outer = model.new(inputs, gates * size, bound=bound)
        bias = model.new(1, gates * size, bound=bound)
        head = model.linear(size, outputs)

        def forward(rows):
            seen = read(rows)
            state = torch.zeros(rates, seen.shape[1], size)
            for place in range(seen.shape[2]):
                new, old = seen[:, :, place] @ outer + bias, state @ inner
                if not gated:
                    state = torch.tanh(new + old)
                    continue
                reset, update = (new + old)[..., : 2 * size].sigmoid().chunk(2, -1)
                fresh = torch.tanh(new[..., 2 * size :] + reset * old[..., 2 * size :])
                state = update * state + (1 - update) * fresh
            return head(state)

        model.forward = forward
        return model

    return make


def transformer(kinds, length):
    """One or two layers that look back, and the next symbol at each place."""

    def make(rates, draw):
        model = Model(rates, draw)
        model.gain = 1.0
        size, heads, norm_first = draw.choice([16, 24, 32]), 2, draw.random() < 0.6
        symbols, places = model.table(kinds, size), model.table(length, size)
        ahead = torch.full((length, length), -math.inf).triu(1)

        def block():
            names = ["q", "k", "v", "o"]
            maps = {name: model.linear(size, size) for name in names}
            up, down = model.linear(size, 2 * size), model.linear(2 * size, size)
            norms = [model.norm("layer", size) for _ in range(2)]

            def attend(state):
                rows = state.shape[1] // length

                def split(of):
                    return of.reshape(rates, rows, length, heads, -1).transpose(2, 3)

                q, k, v = (split(maps[name](state)) for name in names[:3])
                shares = (q @ k.transpose(-1, -2) / math.sqrt(size / heads) + ahead).softmax(-1)
                return maps["o"]((shares @ v).transpose(2, 3).reshape(state.shape))

            def think(state):
                return down(F.relu(up(state)))

            def forward(state):
                for norm, part in zip(norms, (attend, think)):
                    state = state + part(norm(state)) if norm_first else norm(state + part(state))
                return state

            return forward

        blocks = [block() for _ in range(draw.choice([1, 1, 2]))]
        head = model.linear(size, kinds)

        def forward(rows):
            state = (symbols(rows) + places(torch.arange(length)).unsqueeze(1)).flatten(1, 2)
            for block_of in blocks:
                state = block_of(state)
            return head(state).reshape(rates, rows.shape[0], length, kinds)

        model.forward = forward
        return model

    return make


def windowed(kinds, length):
    """The next symbol from the last ones, each at its place or in a bag."""

    def make(rates, draw):
        model = Model(rates, draw)
        size, bag = whole(draw, 6, 20), draw.random() < 0.3
        symbols = model.table(kinds, size)
        inside = perceptron(size * (1 if bag else length), kinds)(rates, draw)
        model.parameters += inside.parameters

        def forward(rows):
            vectors = symbols(rows)
            state = vectors.mean(2) if bag else vectors.flatten(2)
            return inside.forward(state)

        model.forward = forward
        return model

    return make


def factors(count, rank):
    def make(rates, draw):
        model = Model(rates, draw)
        spread = draw.choice([0.1, 0.3, 1])
        left, right = (model.table(count, rank, spread) for _ in range(2))
        biased = draw.random() < 0.4
        biases = [model.table(count, 1, 0.01) for _ in range(2)] if biased else []

        def forward(places):
            said = (left(places[:, 0]) * right(places[:, 1])).sum(-1, keepdim=True)
            for bias, column in zip(biases, (0, 1)):
                said = said + bias(places[:, column])
            return said

        model.forward = forward
        return model

    return make


def formula(rates, draw):
    """A wave whose height, speed and decay are fitted."""
    model = Model(rates, draw)
    starts = torch.tensor([0.5, draw.uniform(0.8, 1.3), 0.1, 0.0])
    found = starts.expand(rates, 1, 4).clone().requires_grad_()
    model.parameters.append(found)

    def forward(rows):
        height, speed, decay, shift = (found[:, :, i : i + 1] for i in range(4))
        return height * (-decay * rows).exp() * (speed * rows).sin() + shift

    model.forward = forward
    return model


# Tasks: inputs, targets, a loss, and a model.


def whole(draw, low, high):
    """Evenly on a logarithmic scale."""
    return round(math.exp(draw.uniform(math.log(low), math.log(high))))


def power(draw, low, high):
    return math.exp(draw.uniform(math.log(low), math.log(high)))


def of_classes(draw):
    """Rows of numbers, and which class each is of."""
    kind = draw.choice(["digits", "mislabelled", "clouds", "sides", "topics", "spiral", "moons", "parity"])
    if kind in ("digits", "mislabelled"):
        inputs, labels = digits()
        inputs, labels, classes = inputs[:1500], labels[:1500], 10
        if kind == "mislabelled":
            others = torch.randint(0, 10, labels.shape)
            labels = torch.where(torch.rand(len(labels)) < draw.uniform(0.1, 0.7), others, labels)
    elif kind == "clouds":
        classes, size = whole(draw, 3, 40), whole(draw, 4, 40)
        labels = torch.randint(0, classes, (1000,))
        inputs = torch.randn(classes, size)[labels] + power(draw, 0.5, 2) * torch.randn(1000, size)
    elif kind == "sides":
        classes, size = 2, whole(draw, 4, 60)
        inputs = torch.randn(500, size)
        labels = ((inputs @ torch.randn(size) > draw.uniform(-2, 0)) ^ (torch.rand(500) < draw.uniform(0, 0.3))).long()
    elif kind == "topics":
        classes, words = whole(draw, 3, 12), whole(draw, 60, 300)
        labels = torch.randint(0, classes, (800,))
        habits = (1.5 * torch.randn(classes, words)).exp()
        length = draw.choice([20, 50])
        inputs = F.one_hot(torch.multinomial(habits[labels], length, True), words).sum(1).float()
        if draw.random() < 0.5:
            inputs = inputs / length
    elif kind == "parity":
        classes, size = 2, draw.choice([6, 10, 16])
        inputs = torch.randint(0, 2, (500, size)) * 2.0 - 1
        labels = (inputs[:, : draw.choice([2, 2, 3])].prod(1) > 0).long()
    else:
        classes = 3 if kind == "spiral" else 2
        labels = torch.arange(600) % classes
        along = torch.rand(600)
        angle = labels * 2 * math.pi / classes + along.sqrt() * 4 + 0.15 * torch.randn(600)
        if kind == "moons":
            angle = math.pi * along + labels * math.pi
        inputs = torch.stack([angle.cos(), angle.sin()], 1) * (1 if kind == "moons" else along.sqrt().unsqueeze(1))
        if kind == "moons":
            inputs = inputs + labels.unsqueeze(1) * torch.tensor([1.0, 0.5]) + 0.2 * torch.randn(600, 2)
    targets, loss, outputs = labels, cross_entropy(draw.choice([0, 0, 0, 0.1])), classes
    choice = draw.random()
    if choice < 0.1:
        loss = hinge
    elif choice < 0.3:
        targets, loss = F.one_hot(labels, classes).float(), draw.choice([binary, squared])
    return inputs, targets, loss, perceptron(inputs.shape[1], outputs)


def of_numbers(draw):
    """Rows of numbers, and what belongs to each."""
    kind = draw.choice(["linear", "linear", "teacher", "images", "halves", "waves", "friedman", "picture", "polynomial", "counts"])
    size = whole(draw, 3, 60)
    inputs = torch.randn(600, size)
    if kind == "linear":
        inputs = inputs * power(draw, 1, 1e4) ** (-torch.linspace(0, 0.5, size))
        targets = inputs @ torch.randn(size, 1)
    elif kind == "teacher":
        targets = torch.tanh(inputs @ torch.randn(size, 24) / math.sqrt(size)) @ torch.randn(24, 1) / 2
    elif kind == "images":
        inputs = digits()[0][:1200]
        targets = inputs
        if draw.random() < 0.5:
            inputs = inputs + 0.5 * torch.randn(inputs.shape)
    elif kind == "halves":
        images = digits()[0][:1200]
        inputs, targets = images[:, :32], images[:, 32:]
    elif kind == "waves":
        times = torch.arange(816.0)
        series = (0.31 * times).sin() + (0.083 * times).sin()
        inputs = torch.stack([series[i : i + 800] for i in range(16)], 1) + 0.1 * torch.randn(800, 16)
        targets = series[16:].unsqueeze(1)
    elif kind == "friedman":
        inputs = torch.rand(800, 8)
        a, b, c, d, e = (inputs[:, i : i + 1] for i in range(5))
        targets = (10 * (math.pi * a * b).sin() + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e - 14) / 5
    elif kind == "picture":
        at = torch.stack(torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij"), -1).reshape(-1, 2) / 24
        inputs = torch.cat([f(2 * math.pi * k * at) for k in (1, 2, 4) for f in (torch.sin, torch.cos)], 1)
        ring = (at - torch.tensor([0.4, 0.55])).norm(dim=1, keepdim=True)
        targets = (ring < 0.3).float() + 0.3 * (20 * ring).sin()
    elif kind == "counts":
        rate = (inputs[:, :3] @ torch.randn(3, 1) / 2).exp().clamp(max=20)
        return inputs, torch.poisson(rate), draw.choice([poisson, squared]), perceptron(size, 1)
    else:
        x = 2 * torch.rand(400, 1) - 1
        degree = draw.choice([3, 5, 8])
        inputs = torch.cat([x**k for k in range(1, degree + 1)], 1)
        targets = (3 * x).sin() + 0.5 * x
    targets = targets + power(draw, 0.003, 1) * targets.std() * torch.randn(targets.shape)
    scale = power(draw, 0.2, 20) if draw.random() < 0.4 else 1 / float(targets.std())
    shift = draw.choice([0, 0, 0, 3]) * scale * float(targets.std())
    loss = draw.choice([squared, squared, squared, huber, absolute, log_cosh, quantile])
    return inputs, targets * scale + shift, loss, perceptron(inputs.shape[1], targets.shape[1])


def of_symbols(draw):
    """Rows of symbols with habits, and what follows."""
    kinds, length = whole(draw, 6, 40), whole(draw, 4, 14)
    habits = (power(draw, 0.5, 2.5) * torch.randn(kinds, kinds)).softmax(1)
    rows = [torch.randint(0, kinds, (900,))]
    for i in range(length):
        follow = torch.multinomial(habits[rows[-1]], 1).squeeze(1)
        copied = torch.rand(900) < (0.5 if i >= 3 else 0)
        rows.append(torch.where(copied, rows[max(0, i - 3)], follow))
    text = torch.stack(rows, 1)
    kind = draw.choice(["windowed", "windowed", "transformer", "recurrent", "count"])
    if kind == "transformer":
        return text[:, :-1], text[:, 1:], cross_entropy(), transformer(kinds, length)
    if kind == "windowed":
        return text[:, :-1], text[:, -1], cross_entropy(), windowed(kinds, length)
    if kind == "count":
        most = F.one_hot(text[:, :-1] % 5, 5).sum(1).argmax(1)
        return text[:, :-1], most, cross_entropy(), recurrent(8, 5, kinds)
    return text[:, :-1], text[:, -1], cross_entropy(), recurrent(12, kinds, kinds)


def of_shapes(draw):
    """Images for convolutions and readers of rows, matrices, formulas."""
    kind = draw.choice(["convolution", "convolution", "reader", "factors", "factors", "formula"])
    images, labels = digits()
    if kind == "convolution":
        return images[:1200], labels[:1200], cross_entropy(), convolutional
    if kind == "reader":
        return images[:1200].reshape(-1, 8, 8), labels[:1200], cross_entropy(), recurrent(8, 10)
    if kind == "formula":
        x = 6 * torch.rand(300, 1)
        wanted = 1.5 * (-0.2 * x).exp() * x.sin() + 0.3
        return x, wanted + 0.05 * torch.randn(300, 1), draw.choice([squared, huber]), formula
    count, rank = whole(draw, 20, 60), draw.choice([2, 4, 8])
    full = torch.randn(count, rank) @ torch.randn(rank, count) / math.sqrt(rank)
    places = torch.randint(0, count, (1200, 2))
    wanted = full[places[:, 0], places[:, 1]].unsqueeze(1) + 0.1 * torch.randn(1200, 1)
    return places, wanted, squared, factors(count, rank)


# Optimizers: the update of each parameter, from its gradient. `rate` is one a row.


def optimizer(draw):
    """Its name, what a trace says of it, and a function (gradient, state, step) → direction."""
    name = draw.choice(
        ["sgd"] * 6 + ["mom", "mom", "mom", "nesterov", "adam", "adam", "adam"]
        + ["adamw", "adamw", "nadam", "rmsprop", "adagrad", "lion"]
    )
    momentum = draw.choice([0.9] * 6 + [0.8, 0.95]) if name in ("mom", "nesterov") else 0
    fades = draw.choice([0.999, 0.999, 0.999, 0.99, 0.95])

    def direction(g, state, t):
        if name == "sgd":
            return g
        if name in ("mom", "nesterov"):
            state["m"] = momentum * state["m"] + g if t > 1 else g.clone()
            return g + momentum * state["m"] if name == "nesterov" else state["m"]
        if name == "adagrad":
            state["v"] = state.get("v", 0) + g * g
            return g / (state["v"].sqrt() + 1e-10)
        if name == "rmsprop":
            state["v"] = 0.99 * state.get("v", 0) + 0.01 * g * g
            return g / (state["v"].sqrt() + 1e-8)
        if name == "lion":
            m = state.get("m", torch.zeros_like(g))
            state["m"] = 0.99 * m + 0.01 * g
            return (0.9 * m + 0.1 * g).sign()
        state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
        state["v"] = fades * state.get("v", 0) + (1 - fades) * g * g
        mean = state["m"] / (1 - 0.9**t)
        if name == "nadam":
            mean = 0.9 * state["m"] / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
        return mean / ((state["v"] / (1 - fades**t)).sqrt() + 1e-8)

    decay = draw.choice([0, 0.01, 0.1]) if name in ("adamw", "lion") else 0
    return name, momentum, decay, direction


# Decades that the rates of each optimizer span, half a decade apart.
RATES = {"sgd": (-4, 2), "mom": (-5, 1), "nesterov": (-5, 1), "lion": (-6, -1), "adagrad": (-4, 1.5)}
USUAL_RATES = (-5, 0.5)


def share_at(schedule, t, steps):
    """Part of the learning rate at step t, from 0."""
    if schedule == "const":
        return 1.0
    if schedule == "step":
        return 0.1 ** (t // math.ceil(steps * 0.4))
    warm = round(steps / 10) if schedule == "warmcos" else 0
    if t < warm:
        return (t + 1) / warm
    return (1 + math.cos(math.pi * (t - warm) / (steps - warm))) / 2


def norm_of(tensors):
    """Of all tensors together, one a rate."""
    return sum(tensor.flatten(1).square().sum(1) for tensor in tensors).sqrt()


def family(number):
    """Trains a family at all its rates. Returns its name and its runs, each a meta line and steps."""
    draw = random.Random(number)
    torch.manual_seed(number)
    subject = draw.choice([of_classes, of_classes, of_numbers, of_numbers, of_symbols, of_shapes])
    inputs, targets, loss, make = subject(draw)
    if subject in (of_classes, of_numbers) and draw.random() < 0.3:
        inputs = inputs * power(draw, 0.25, 5)
    name, momentum, decay, direction = optimizer(draw)
    low, high = RATES.get(name, USUAL_RATES)
    rates = [10 ** (low + i / 2) for i in range(round(2 * (high - low)) + 1)]
    lr = torch.tensor(rates)
    model = make(len(rates), draw)
    heavy = subject in (of_symbols, of_shapes)
    steps = whole(draw, 100, 500 if heavy else 2000)
    batch = None if draw.random() < 0.2 else whole(draw, 4, 32 if heavy else 128)
    schedule = draw.choice(["const"] * 5 + ["cos", "warmcos", "step"])
    clip = draw.choice([None] * 9 + [1.0])
    if batch is None:
        inputs, targets = inputs[:FULL_BATCH], targets[:FULL_BATCH]

    def loss_on(rows):
        return loss(model.forward(inputs[rows]), targets[rows])

    def evaluate():
        model.training = False
        with torch.no_grad():
            value = loss_on(slice(0, EVALUATED))
        model.training = True
        return value

    parameters = model.parameters
    origin = [parameter.detach().clone() for parameter in parameters]
    states = [{} for _ in parameters]
    first = evaluate()
    late, lines = [], []
    every = max(1, steps // 10 // LATE_EVALUATIONS)
    for t in range(steps):
        rows = slice(None) if batch is None else torch.randint(0, len(inputs), (batch,))
        losses = loss_on(rows)
        gradients = torch.autograd.grad(losses.sum(), parameters, allow_unused=True)
        gradients = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, gradients)]
        share = share_at(schedule, t, steps)
        with torch.no_grad():
            norms = norm_of(gradients)
            weights = norm_of(parameters)
            travel = norm_of([p - o for p, o in zip(parameters, origin)])
            if clip:
                gradients = [along(g, (clip / (norms + 1e-6)).clamp(max=1)) for g in gradients]
            updates = []
            for parameter, g, state in zip(parameters, gradients, states):
                update = along(direction(g, state, t + 1) + decay * parameter, -lr * share)
                parameter += update
                updates.append(update)
            lines.append(torch.stack([losses, norms, weights, norm_of(updates), travel]))
        left = steps - 1 - t
        if left < every * LATE_EVALUATIONS and left % every == 0:
            late.append(evaluate())
    about = {
        "scenario": f"drawn{number}_{name}",
        "kind": "drawn",
        "seed": 1,
        "optimizer": name,
        **({"momentum": momentum} if momentum else {}),
        "schedule": schedule,
        "plannedSteps": steps,
        "batchSize": batch,
        "parameters": sum(p[0].numel() for p in parameters),
    }
    ends = torch.stack(late).mean(0)
    return runs_of(about, rates, float(first[0]), ends, torch.stack(lines), schedule)


def along(tensor, factors_of_rates):
    return tensor * factors_of_rates.reshape(-1, *[1] * (tensor.dim() - 1))


def runs_of(about, rates, first, ends, lines, schedule):
    """Labels as scenarios/sweep.ts makes them; nothing for a family of which nothing can be learned."""
    losses = [min(end, 2 * first) if math.isfinite(end) else 2 * first for end in ends.tolist()]
    best = min(losses)
    # A loss that may be below 0 has no ratio to its first, and what is learned has to be more than noise.
    if not (first > 0 and best > -1e-9 and first - best > 0.02 * first):
        return None

    def gain(at, others):
        return max([0.0] + [(losses[at] - other) / (first - best) for other in others])

    def label(at):
        up, down = gain(at, losses[at + 1 :]), gain(at, losses[:at])
        if losses[at] > DIVERGED * first:
            return "diverge"
        if down > MOST_REGRET and down >= up:
            return "large"
        return "small" if up > MOST_REGRET else "right"

    labels = [label(at) for at in range(len(rates))]
    if labels[0] == "right" or labels[-1] == "right" or "right" not in labels:
        return None
    runs = []
    for i, lr in enumerate(rates):
        meta = {
            "type": "meta",
            **about,
            "label": labels[i],
            "lr": lr,
            "rightLrs": [rate for rate, said in zip(rates, labels) if said == "right"],
            "bestLr": rates[losses.index(best)],
            "initialLoss": first,
            "bestLoss": best,
            "regret": (losses[i] - best) / (first - best),
        }
        steps = []
        for t, row in enumerate(lines[:, :, i].tolist()):
            values = dict(zip(("loss", "g", "w", "u", "travel"), row))
            steps.append(
                {
                    "t": t,
                    "lr": lr * share_at(schedule, t, about["plannedSteps"]),
                    **{key: float(f"{value:.6g}") for key, value in values.items() if math.isfinite(value)},
                }
            )
            if not math.isfinite(row[0]) or not math.isfinite(row[1]):
                break
        runs.append([meta, *steps])
    return about["scenario"], runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    for number in range(options.first, options.first + options.count):
        made = family(number)
        if made is None:
            print(number, "teaches nothing")
            continue
        name, runs = made
        path = os.path.join(options.folder, f"{name}.jsonl.gz")
        with gzip.open(path + ".part", "wt") as file:
            file.write("\n".join(json.dumps(line) for run in runs for line in run))
        os.replace(path + ".part", path)
        print(name, " ".join(run[0]["label"] for run in runs), flush=True)


main()
