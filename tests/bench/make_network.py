#!/usr/bin/env python3
"""make_network.py exporter|residual NODES OUT.onnx: networks of any size for measuring, without any package: protobuf is written by hand.

exporter: what a PyTorch exporter writes around each layer (shape arithmetic, Constant nodes, casts, Dropout). residual: blocks of Conv,
BatchNormalization, Identity, Relu, Add, a Reshape to its own shape, and two Transposes that cancel.
"""
import struct
import sys


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def num(field, value):
    return varint(field << 3) + varint(value)


def msg(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, dtype, dims, raw):
    return b"".join(num(1, d) for d in dims) + num(2, dtype) + msg(8, name) + msg(9, raw)


def ints(name, values, scalar=False):
    return tensor(name, 7, [] if scalar else [len(values)], struct.pack(f"<{len(values)}q", *values))


def floats(name, values, dims):
    return tensor(name, 1, dims, struct.pack(f"<{len(values)}f", *values))


def attribute(name, value):
    if isinstance(value, bytes):
        return msg(1, name) + msg(5, value) + num(20, 4)
    if isinstance(value, list):
        return msg(1, name) + b"".join(num(8, v) for v in value) + num(20, 7)
    return msg(1, name) + num(3, value) + num(20, 2)


def node(op, inputs, outputs, name="", **attrs):
    body = b"".join(msg(1, i) for i in inputs) + b"".join(msg(2, o) for o in outputs)
    body += (msg(3, name) if name else b"") + msg(4, op)
    return msg(1, body + b"".join(msg(5, attribute(k, v)) for k, v in attrs.items()))


def value_info(name):
    dims = msg(1, msg(2, "batch")) + b"".join(msg(1, num(1, d)) for d in (8, 16, 16))
    return msg(1, name) + msg(2, msg(1, num(1, 1) + msg(2, dims)))


def exporter_layer(b, cur):
    p = f"b{b}_"

    def const(name, value):
        return node("Constant", [], [p + name], value=value)
    nodes = [node("Shape", [cur], [p + "s"]), const("i0", ints(p + "i0", [0], scalar=True)), node("Gather", [p + "s", p + "i0"], [p + "n"]),
             const("ax", ints(p + "ax", [0])), node("Unsqueeze", [p + "n", p + "ax"], [p + "nu"]), const("k", ints(p + "k", [8, 256])),
             node("Concat", [p + "nu", p + "k"], [p + "t"], axis=0), node("Reshape", [cur, p + "t"], [p + "r"]), const("h", floats(p + "h", [0.5], [])),
             node("Mul", [p + "r", p + "h"], [p + "m"]), node("Cast", [p + "m"], [p + "c"], to=1), node("Dropout", [p + "c"], [p + "d"]),
             const("z", ints(p + "z", [0, 8, 16, 16])), node("Reshape", [p + "d", p + "z"], [p + "e"]), node("Sigmoid", [p + "e"], [p + "g"]),
             node("Mul", [p + "e", p + "g"], [p + "o"])]
    return nodes, [], p + "o"


def residual_block(b, cur):
    weights = [((i * 2654435761 + b * 40503) % 1000 - 500) / 1250 for i in range(64)]
    inits = [floats(f"w{b}", weights, [8, 8, 1, 1])]
    inits += [floats(f"{k}{b}", [0.5 + (i * 37 + b * 11 + j * 5) % 100 / 100 for i in range(8)], [8]) for j, k in enumerate("somv")]
    nodes = [node("Conv", [cur, f"w{b}"], [f"c{b}"], f"/block{b}/conv"),
             node("BatchNormalization", [f"c{b}", *(f"{k}{b}" for k in "somv")], [f"n{b}"], f"/block{b}/bn"),
             node("Identity", [f"n{b}"], [f"i{b}"]), node("Relu", [f"i{b}"], [f"r{b}"]), node("Add", [f"r{b}", cur], [f"a{b}"]),
             node("Shape", [f"a{b}"], [f"sh{b}"]), node("Reshape", [f"a{b}", f"sh{b}"], [f"re{b}"]),
             node("Transpose", [f"re{b}"], [f"t{b}"], perm=[0, 2, 3, 1]), node("Transpose", [f"t{b}"], [f"u{b}"], perm=[0, 3, 1, 2])]
    return nodes, inits, f"u{b}"


def main():
    kind, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    layer, size = (exporter_layer, 16) if kind == "exporter" else (residual_block, 9)
    nodes, inits, cur = [], [], "x"
    for b in range(max(1, count // size)):
        more, weights, cur = layer(b, cur)
        nodes += more
        inits += weights
    nodes.append(node("Identity", [cur], ["y"]))
    graph = b"".join(nodes) + msg(2, kind) + b"".join(msg(5, t) for t in inits) + msg(11, value_info("x")) + msg(12, value_info("y"))
    with open(out, "wb") as f:
        f.write(num(1, 8) + msg(8, msg(1, "") + num(2, 17)) + msg(7, graph))


if __name__ == "__main__":
    main()
