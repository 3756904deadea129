"""Random small models for fuzz_ops.py of what one node with tensors cannot show: sequences, optionals, and graphs in nodes (If, Loop, Scan, SequenceMap) with
captures, nesting and shapes that change."""
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

from op_cases import gen

F, I, B = T.FLOAT, T.INT64, T.BOOL
info = helper.make_tensor_value_info


def bare(name):
    return onnx.ValueInfoProto(name=name)


class Body:
    """Nodes over float values of one shape, some of them from outside."""

    def __init__(self, c, prefix, values):
        self.c, self.prefix, self.values, self.nodes = c, prefix, list(values), []

    def node(self, op, inputs, outputs=1, **attrs):
        outs = [f"{self.prefix}{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, outs, **attrs))
        return outs[0] if outputs == 1 else outs

    def grow(self, n=None):
        """A value of the same shape."""
        r = self.c.r
        for _ in range(n or r.randint(1, 3)):
            op = r.choice(["Add", "Sub", "Mul", "Min", "Max", "Neg", "Relu", "Identity", "Tanh"])
            self.values.append(self.node(op, [r.choice(self.values) for _ in range(2 if op in ("Add", "Sub", "Mul", "Min", "Max") else 1)]))
        return self.values[-1]

    def constant(self, value):
        return self.node("Constant", [], value=onnx.numpy_helper.from_array(np.asarray(value)))


def graph(body, name, inputs, outputs):
    return helper.make_graph(body.nodes, name, inputs, outputs)


def conditional(c, body, cond, captured, depth):
    """An If over the captured values; each branch may hold another."""
    branches = []
    for k in range(2):
        b = Body(c, f"{body.prefix}b{depth}{k}_", captured)
        out = b.grow()
        if depth > 0 and c.maybe(0.4):
            out = conditional(c, b, cond, b.values, depth - 1)
        if c.maybe(0.3):  # a branch of another shape
            out = b.node("Concat", [out, c.r.choice(captured)], axis=0)
        branches.append(graph(b, f"{body.prefix}g{k}", [], [bare(out)]))
        if not b.nodes or out not in [o for n in b.nodes for o in n.output]:
            branches[-1].output[0].name = b.node("Identity", [out])
    return body.node("If", [cond], then_branch=branches[0], else_branch=branches[1])


@gen("If")
def branch(c, op):
    s = c.shape(1, 3)
    c.add(np.array(c.maybe()), c.data(s, "float32", 0), c.data(s, "float32", 0))
    top = Body(c, "t", ["i1", "i2"])
    out = conditional(c, top, "i0", ["i1", "i2"], 2)
    c.nodes = top.nodes + [helper.make_node("Identity", [out], ["o0"])]


@gen("Loop")
def loop(c, op):
    s = c.shape(1, 3, empty=0.02)
    trips, kind = c.r.choice([0, 1, 2, 3, 5]), c.r.choice(["trips", "condition", "both", "for"])
    c.add(np.array(trips, np.int64), np.array(c.maybe(0.9)), c.data(s, "float32", 0), c.data(s, "float32", 0))
    b = Body(c, "b", ["carried", "i3"])
    out, inputs = b.grow(), ["i0", "i1", "i2"]
    grows = c.maybe(0.3)
    if grows:  # the carried value gets longer in each turn
        out = b.node("Concat", ["carried", "i3"], axis=0)
    scanned = b.node("Add", ["i3", b.node("Cast", ["turn"], to=F)])
    if c.maybe(0.3):
        scanned = b.node("ReduceSum", ["carried"], keepdims=0)
    cond = b.node("Identity", ["go"])
    if kind != "trips":  # stops by itself; without a count it has to
        cond = b.node("Less", ["turn", b.constant(np.int64(c.r.randint(0, 3)))])
    if kind == "condition":
        inputs[0] = ""
    if kind in ("trips", "for") and c.maybe(0.5):
        inputs[1] = ""
    if c.maybe(0.3):
        scanned = conditional(c, b, cond, [scanned, b.node("Neg", [scanned])], 0)
    carried_shape = None if grows else s
    body = graph(b, "body", [info("turn", I, []), info("go", B, []), info("carried", F, carried_shape if c.maybe(0.7) else None)], [bare(x) for x in (cond, out, scanned)])
    for o, t in zip(body.output, (B, F, F)):
        o.type.tensor_type.elem_type = t
    c.nodes, c.outputs = [helper.make_node("Loop", inputs, ["o0", "o1"], body=body)], 2


@gen("Scan")
def scan(c, op):
    rank, n, steps = c.r.randint(1, 3), c.r.randint(1, 2), c.r.choice([0, 1, 2, 4, 4])
    inner = [c.r.randint(1, 3) for _ in range(rank)]
    axes = [c.r.randrange(-rank - 1, rank + 1) for _ in range(n)]
    at = lambda a: a % (rank + 1)
    c.add(c.data(inner, "float32", 0), *[c.data(inner[:at(a)] + [steps] + inner[at(a):], "float32", 0) for a in axes], c.data(inner, "float32", 0))
    captured = f"i{n + 1}"
    b = Body(c, "b", ["state", *[f"x{k}" for k in range(n)], captured])
    state, y = b.grow(), b.node("Add", [b.grow(), captured])
    ins, out_axis = ["i0", *[f"i{k + 1}" for k in range(n)]], c.r.randrange(-rank - 1, rank + 1)
    body = graph(b, "body", [info("state", F, inner), *[info(f"x{k}", F, inner) for k in range(n)]], [info(state, F, inner), info(y, F, inner)])
    attrs = {"num_scan_inputs": n, "scan_input_axes": axes, "scan_output_axes": [out_axis],
             "scan_input_directions": [c.r.randint(0, 1) for _ in range(n)], "scan_output_directions": [c.r.randint(0, 1)]}
    attrs = {k: v for k, v in attrs.items() if k in ("num_scan_inputs", "scan_input_axes") or c.maybe()}
    c.nodes, c.outputs = [helper.make_node("Scan", ins, ["o0", "o1"], body=body, **attrs)], 2


def make_sequence(c, name="s"):
    """Tensors of one type and rank."""
    rank, t = c.r.randint(0, 3), c.r.choice(["float32", "int64", "bool", "float64"])
    arrays = [c.data([c.r.randint(0 if c.maybe(0.1) else 1, 4) for _ in range(rank)], t, 0) for _ in range(c.r.randint(1, 4))]
    c.add(*arrays)
    return helper.make_node("SequenceConstruct", [f"i{k}" for k in range(len(arrays))], [name]), arrays


@gen("SequenceAt", "SequenceInsert", "SequenceErase", "SequenceLength", "SequenceConstruct", "SequenceEmpty")
def sequence(c, op):
    first, arrays = make_sequence(c)
    n = len(arrays)
    if op == "SequenceEmpty":
        t = helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
        c.inputs = c.inputs[:1]
        c.nodes = [helper.make_node("SequenceEmpty", [], ["e"], dtype=t), helper.make_node("SequenceInsert", ["e", "i0"], ["o0"]),
                   helper.make_node("SequenceLength", ["e"], ["o1"])]
        c.outputs = 2
        return
    if op == "SequenceConstruct":
        first.output[0] = "o0"
        c.nodes = [first]
        return
    more, ins = [], ["s"]
    high = n if op == "SequenceInsert" else n - 1
    if op in ("SequenceAt", "SequenceErase", "SequenceInsert"):
        if op == "SequenceInsert":
            more.append(c.data([c.r.randint(1, 3) for _ in range(arrays[0].ndim)], str(arrays[0].dtype), 0))
        if op == "SequenceAt" or c.maybe(0.7):
            position = c.r.choice([c.r.randint(-n, high), c.r.randint(-n, high), c.r.randint(-n, high), n + 2, -n - 2])
            more.append(np.array(position, c.r.choice([np.int32, np.int64])))
        ins += [f"i{n + k}" for k in range(len(more))]
        c.add(*more)
    c.nodes = [first, helper.make_node(op, ins, ["o0"])]


@gen("ConcatFromSequence")
def concat(c, op):
    rank, t, new = c.r.randint(1, 3), c.r.choice(["float32", "int64"]), c.r.randint(0, 1)
    axis = c.r.randrange(-rank - new, rank + new)
    s = [c.r.randint(1, 3) for _ in range(rank)]
    arrays = []
    for _ in range(c.r.randint(1, 4)):
        own = list(s)
        if not new:
            own[axis % rank] = c.r.randint(0, 3)
        arrays.append(c.data(own, t, 0))
    c.add(*arrays)
    c.nodes = [helper.make_node("SequenceConstruct", [f"i{k}" for k in range(len(arrays))], ["s"]),
               helper.make_node(op, ["s"], ["o0"], axis=axis, **({"new_axis": new} if new or c.maybe() else {}))]


@gen("SequenceMap")
def mapped(c, op):
    first, arrays = make_sequence(c)
    k = len(arrays)
    c.add(c.data([2], "float32", 0))
    b = Body(c, "b", [])
    out = b.node("Identity", ["e"])
    shape = b.node("Shape", ["e"])
    taken = b.node("Mul", [f"i{k}", b.node("Cast", [b.node("Size", ["e"])], to=F)])  # a captured value
    elem = helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
    body = graph(b, "body", [info("e", elem, None)], [info(out, elem, None), info(shape, I, None), info(taken, F, None)])
    c.nodes = [first, helper.make_node("SequenceMap", ["s"], ["o0", "o1", "o2"], body=body)]
    c.outputs, c.opset = 3, 17


@gen("Optional", "OptionalGetElement", "OptionalHasElement")
def optional(c, op):
    x = c.data(c.shape(0, 3), c.r.choice(["float32", "int64"]), 0)
    c.add(x)
    tensor = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(x.dtype), list(x.shape))
    made = helper.make_node("Optional", ["i0"], ["p"])
    if c.maybe(0.3):
        made = helper.make_node("Optional", [], ["p"], type=tensor)
    elif c.maybe(0.4):
        c.nodes = [helper.make_node("SequenceConstruct", ["i0", "i0"], ["s"]), helper.make_node("Optional", ["s"], ["p"])]
    c.nodes = [*(c.nodes or [made]), helper.make_node("OptionalHasElement", ["p"], ["o0"])]
    if op == "OptionalGetElement":
        c.nodes[-1] = helper.make_node(op, ["p"], ["o0"])
    if op == "OptionalHasElement" and c.maybe(0.3):  # of a tensor, or of nothing
        c.nodes = [helper.make_node(op, ["i0"] if c.maybe(0.7) else [], ["o0"])]
