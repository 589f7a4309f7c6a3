"""The contender PyTorch, on one thread of the processor: the protocol of protocol.ts.

The second argument holds the sizes of tasks.ts as JSON.
"""

import json
import math
import os
import sys
import time

# OpenBLAS has threads of its own, and reads this when it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(1)
SIZES = json.loads(sys.argv[2])
LR = SIZES["learningRate"]


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width)
        self.ln_2 = nn.LayerNorm(width)
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_out = nn.Linear(4 * width, width)

    def attention(self, x):
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.c_attn(x).split(width, 2)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        y = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        hidden = self.c_fc(self.ln_2(x))
        inner = math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)
        return x + self.c_out(0.5 * hidden * (1 + inner.tanh()))


class Gpt(nn.Module):
    def __init__(self, vocabulary, length, width, heads, layers, batch):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(length, width)
        self.h = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return self.lm_head(self.ln_f(self.h(x))).flatten(0, 1)


def noise(length, seed):
    """The numbers of tasks.ts."""
    state, values = seed, []
    for _ in range(length):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state / 2**31 - 1)
    return values


def matmul(rows, inner, columns):
    a = torch.tensor(noise(rows * inner, 1)).view(rows, inner)
    b = torch.tensor(noise(inner * columns, 2)).view(inner, columns)
    return lambda: (a @ b)[0, 0].item()


def training(model, inputs, targets):
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)

    def step():
        loss = F.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mlp():
    widths, batch = SIZES["mlp"]["widths"], SIZES["mlp"]["batch"]
    layers = [nn.Linear(widths[0], widths[1])]
    for inputs, outputs in zip(widths[1:], widths[2:]):
        layers += [nn.ReLU(), nn.Linear(inputs, outputs)]
    labels = torch.arange(batch) % widths[-1]
    return training(nn.Sequential(*layers), torch.rand(batch, widths[0]), labels)


def gpt():
    sizes = SIZES["gpt"]
    count = sizes["batch"] * sizes["length"]
    letters = torch.arange(count + 1) * 7 % sizes["vocabulary"]
    return training(Gpt(**sizes), letters[:-1].view(sizes["batch"], -1), letters[1:])


def adam():
    side, count = SIZES["adam"]["side"], SIZES["adam"]["count"]
    parameters = [nn.Parameter(torch.randn(side, side)) for _ in range(count)]
    for parameter in parameters:
        parameter.grad = torch.rand(side, side)
    optimizer = torch.optim.Adam(parameters, lr=LR)

    def step():
        optimizer.step()
        return parameters[0][0, 0].item()

    return step


def measure(step, steps):
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(steps):
        probe = step()
    milliseconds = 1000 / steps
    sample = {
        "cpu": (time.process_time() - cpu) * milliseconds,
        "wall": (time.perf_counter() - wall) * milliseconds,
    }
    return sample, probe


def say(message):
    print(json.dumps(message), flush=True)


TASKS = {
    **{name: lambda sides=sides: matmul(*sides) for name, sides in SIZES["products"].items()},
    "mlp": mlp,
    "gpt": gpt,
    "adam": adam,
}
task = TASKS[sys.argv[1]]()
_, first = measure(task, 1)
measure(task, 1)
warm, last = measure(task, 1)
say({"milliseconds": warm["wall"], "probes": [first, last]})
for line in sys.stdin:
    say(measure(task, int(line))[0])
