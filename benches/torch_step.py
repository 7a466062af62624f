"""The PyTorch side of `cargo bench --bench training`: the same networks, batches and optimizer.

`torch_step.py NET SIZE CHANNELS CLASSES BATCH THREADS CLOCK` reads a number of steps a line from standard input and answers
with the seconds each took by the CLOCK, `wall` or `processor`; at the end of input it says the peak of its memory in KiB.
Needs `torch` alone.
"""

import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, body, shortcut=None, activation=None):
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x):
        return self.activation(self.body(x) + self.shortcut(x))


class Branches(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return sum(branch(x) for branch in self.branches)


class Dense(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


def conv(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def mlp(pixels, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 256), nn.ReLU(inplace=True), nn.Linear(256, classes))


def cnn(channels, classes):
    layers, inputs = [], channels
    for outputs in (32, 64):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        inputs = outputs
    head = [nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(inplace=True), nn.Linear(128, classes)]
    return nn.Sequential(*layers, *head)


def branches(channels, classes):
    relu = lambda: nn.ReLU(inplace=True)
    split = lambda: nn.Conv2d(32, 64, 3, padding=1, groups=2)
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), relu(), nn.MaxPool2d(2),
        Branches(split(), split()), relu(), nn.MaxPool2d(2),
        nn.Conv2d(64, 512, 3, padding=1), relu(),
        nn.Conv2d(512, 512, 3, padding=1), relu(),
        nn.Flatten(), nn.Linear(512 * 49, 1000), relu(), nn.Linear(1000, 500), relu(), nn.Linear(500, classes),
    )


def resnet18(channels, classes):
    layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for outputs, first_stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first_stride, 1):
            body = nn.Sequential(
                conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
                conv(outputs, outputs, 3), nn.BatchNorm2d(outputs),
            )
            changes = stride != 1 or inputs != outputs
            shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if changes else None
            layers.append(Residual(body, shortcut, nn.ReLU(inplace=True)))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def efficientnet_lite0(channels, classes):
    norm = lambda width: nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)
    cell = lambda *a, **k: [conv(*a, **k), norm(a[1]), nn.ReLU6(inplace=True)]
    layers, inputs = cell(channels, 32, 3, stride=2), 32
    stages = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
    for expand, outputs, repeats, first_stride, kernel in stages:
        for index in range(repeats):
            stride, wide = (first_stride if index == 0 else 1), inputs * expand
            body = cell(inputs, wide, 1) if expand != 1 else []
            body += cell(wide, wide, kernel, stride=stride, groups=wide)
            body = nn.Sequential(*body, conv(wide, outputs, 1), norm(outputs))
            layers.append(Residual(body) if stride == 1 and inputs == outputs else body)
            inputs = outputs
    return nn.Sequential(*layers, *cell(inputs, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))


def densenet121(channels, classes):
    before = lambda width: [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    layers = [nn.Conv2d(channels, 64, 7, 2, 3, bias=False), *before(64), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage, repeats in enumerate((6, 12, 24, 16)):
        for _ in range(repeats):
            layers.append(Dense(nn.Sequential(*before(width), conv(width, 128, 1), *before(128), conv(128, 32, 3))))
            width += 32
        if stage < 3:
            layers += [*before(width), conv(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
    return nn.Sequential(*layers, *before(width), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def main():
    name = sys.argv[1]
    size, channels, classes, batch, threads = map(int, sys.argv[2:7])
    clock = time.process_time if sys.argv[7] == "processor" else time.perf_counter
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    builders = {"cnn": cnn, "branches": branches, "resnet18": resnet18, "efficientnet_lite0": efficientnet_lite0, "densenet121": densenet121}
    net = mlp(channels * size * size, classes) if name == "mlp" else builders[name](channels, classes)
    pictures, targets = torch.randn(batch, channels, size, size), torch.arange(batch) % classes
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            began = clock()
            optimizer.zero_grad()
            F.cross_entropy(net(pictures), targets).backward()
            optimizer.step()
            seconds.append(clock() - began)
        print(*seconds, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


main()
