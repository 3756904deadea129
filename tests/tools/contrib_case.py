"""A random case of a com.microsoft operator, and what the generators in contrib_cases_*.py draw with."""
import dataclasses

import numpy as np


@dataclasses.dataclass
class Case:
    op: str
    inputs: list
    attrs: dict = dataclasses.field(default_factory=dict)
    outputs: tuple = (True,)
    constants: tuple = ()
    domain: str = "com.microsoft"
    opset: int = 17
    limit: float = 0  # 0: the type's own
    steps: int = 0  # by how much integers may differ
    floor: float = 1e-3  # the least magnitude that errors are held against
    ignore: tuple = ()  # outputs that ONNX Runtime leaves undefined
    valid: dict = None  # output -> the part that is defined
    shared: dict = None  # output -> the input in whose buffer ONNX Runtime wants it


def f32(r, *shape, scale=1.0):
    return (r.standard_normal(shape) * scale).astype(np.float32)


def pick(r, *options):
    return options[int(r.integers(len(options)))]


def maybe(r, make, p=0.5):
    return make() if r.random() < p else None


def shape(r, low=1, high=4, rank=None):
    return tuple(int(x) for x in r.integers(low, high + 1, size=rank or int(r.integers(1, 5))))


GENERATORS = {}


def generator(name=None):
    def add(f):
        GENERATORS[name or f.__name__] = f
        return f

    return add
