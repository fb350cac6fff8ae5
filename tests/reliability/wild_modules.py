"""The modules of a distribution whose components raise something that is no Exception, each at another moment."""

from __future__ import annotations

ERRORS = """
import os


class Escape(BaseException):
    pass


class Unshown(BaseException):
    def __str__(self):
        raise Escape("no text")

    __repr__ = __str__


KINDS = {
    "Escape": lambda: Escape("away"),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "SystemExit": lambda: SystemExit("bye"),
    "Unshown": Unshown,
    "EOFError": lambda: EOFError("the end"),
}


def fail(*_):
    raise KINDS[os.environ["WILD"]]()
"""

MODULES = {
    "wild_errors": ERRORS,
    "wild_import": "from wild_errors import fail\nfail()\n",
    "wild_body": """
from registry_core.components import Loss as Base
from wild_errors import fail


class Loss(Base):
    fail()
""",
    "wild_subclass": """
from wild_errors import fail


class Base:
    def __init_subclass__(cls):
        fail()


class Loss(Base):
    pass
""",
    "wild_signature": """
from wild_errors import fail


class Meta(type):
    @property
    def __signature__(cls):
        fail()


class Loss(metaclass=Meta):
    pass
""",
    "wild": """
import torch
from pydantic import model_validator
from torch import nn
from torchmetrics import Metric

from registry_core.components import DataFacts, Dataset, Image, Loss, Model, Transform, hookimpl
from wild_errors import fail


class Valid(Loss):
    target = "torch.nn:CrossEntropyLoss"

    @model_validator(mode="after")
    def _check(self):
        fail()


class Check(Loss):
    target = "torch.nn:CrossEntropyLoss"

    def check_targets(self, facts):
        fail()


class Warns(Loss):
    target = "torch.nn:CrossEntropyLoss"

    def warnings(self, facts):
        fail()


class Build(nn.Module):
    def __init__(self):
        fail()


class Call(nn.Module):
    def forward(self, output, target):
        fail()


class Facts(Dataset):
    target = "wild:Items"

    def facts(self):
        fail()


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        fail()


class Item(Dataset):
    target = "wild:Items"

    def facts(self):
        return DataFacts(length=8, image=Image("float", 1, 8, 8, low=0, high=1), num_classes=10)


class Length(torch.utils.data.Dataset):
    def __len__(self):
        fail()

    def __getitem__(self, index):
        return None


class Infer(Transform):
    target = "torch.nn:Identity"

    def infer_image(self, image):
        fail()


def transform(image):
    fail()


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)


class Forward(Network):
    def forward(self, input):
        fail()


class Output(Model):
    target = "wild:Forward"

    def get_output_form(self):
        fail()


class Event:
    @hookimpl
    def run_started(self, run):
        fail()


class Ask:
    @hookimpl
    def should_stop(self, row):
        fail()


class State(Event):
    run_started = None

    @hookimpl
    def step_ended(self, step):
        pass

    def state_dict(self):
        fail()

    def load_state_dict(self, state):
        pass


class Measure(Metric):
    def update(self, preds, target):
        fail()

    def compute(self):
        return torch.tensor(0.0)


class Optimizer(torch.optim.SGD):
    def __init__(self, params):
        super().__init__(params, lr=0.1)

    def step(self, closure=None):
        fail()


def scheduler(optimizer):
    fail()


def init(tensor):
    fail()


class Order:
    def __init__(self, length):
        pass

    def __call__(self, seed, epoch):
        fail()
""",
}

ENTRY_POINTS = """
[registry_core.v1.losses]
wild_import = wild_import:Loss
wild_body = wild_body:Loss
wild_subclass = wild_subclass:Loss
wild_signature = wild_signature:Loss
valid = wild:Valid
check = wild:Check
warns = wild:Warns
build = wild:Build
call = wild:Call
[registry_core.v1.datasets]
facts = wild:Facts
item = wild:Item
length = wild:Length
[registry_core.v1.transforms]
infer = wild:Infer
transform = wild:transform
[registry_core.v1.models]
forward = wild:Forward
output = wild:Output
[registry_core.v1.hooks]
event = wild:Event
ask = wild:Ask
state = wild:State
[registry_core.v1.metrics]
measure = wild:Measure
[registry_core.v1.optimizers]
optimizer = wild:Optimizer
[registry_core.v1.schedulers]
scheduler = wild:scheduler
[registry_core.v1.inits]
init = wild:init
[registry_core.v1.samplers]
order = wild:Order
"""
