#!/usr/bin/env python3
"""Test folders (model.onnx, test_data_set_0) for operator versions that ONNX's own node tests do not cover.

conversion_cases.py FOLDER

Expected values are computed here, with numpy, from the operators' documentation. Random operators store a sample of their distribution: the runner
compares statistics there. onnxopt_convert_prover takes the folder beside those of ONNX.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import lowered_cases
import lowered_cases_more

RNG = np.random.default_rng(7)


def f32(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def write(root, name, opset, op, inputs, outputs, constants=(), ml=0, ir=None, **attrs):
    """One node. `constants`: positions of inputs that are initializers. Opset 0: ai.onnx is not imported."""
    names_in = ["" if x is None else f"x{i}" for i, x in enumerate(inputs)]
    names_out = [f"y{i}" for i in range(len(outputs))]
    node = helper.make_node(op, names_in, names_out, domain="ai.onnx.ml" if ml else "", **attrs)

    def info(n, x):
        return helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)

    ir = ir or (3 if opset < 10 else 5 if opset < 11 else 8)
    fed = [i for i, x in enumerate(inputs) if x is not None and (i not in constants or ir < 4)]
    stored = [numpy_helper.from_array(inputs[i], f"x{i}") for i in constants]
    graph = helper.make_graph([node], name, [info(f"x{i}", inputs[i]) for i in fed], [info(n, y) for n, y in zip(names_out, outputs)], stored)
    imports = ([helper.make_opsetid("", opset)] if opset else []) + ([helper.make_opsetid("ai.onnx.ml", ml)] if ml else [])
    model = helper.make_model(graph, opset_imports=imports, ir_version=ir)
    data = root / f"test_{name}" / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (root / f"test_{name}" / "model.onnx").write_bytes(model.SerializeToString())
    for k, i in enumerate(fed):
        (data / f"input_{k}.pb").write_bytes(numpy_helper.from_array(inputs[i], f"x{i}").SerializeToString())
    for k, y in enumerate(outputs):
        (data / f"output_{k}.pb").write_bytes(numpy_helper.from_array(y, f"y{k}").SerializeToString())


def experimental(root):
    """Experimental operators of opset 1, in force to 9; models of opset 10 still carry them."""
    x = f32(2, 3, 4, 5)
    for opset in (7, 10):
        def case(op, inputs, y, **kw):
            write(root, f"{op.lower()}_{opset}", opset, op, inputs, [y.astype(np.float32)], **kw)

        case("Affine", [x], 2 * x + 1, alpha=2.0, beta=1.0)
        case("Scale", [x], 3 * x, scale=3.0)
        case("ScaledTanh", [x], 2 * np.tanh(0.5 * x), alpha=2.0, beta=0.5)
        case("ParametricSoftplus", [x], 2 * np.log(1 + np.exp(0.5 * x)), alpha=2.0, beta=0.5)
        case("ImageScaler", [x], x * 0.5 + np.array([1, 2, 3]).reshape(1, 3, 1, 1), scale=0.5, bias=[1.0, 2.0, 3.0])
        case("Crop", [x], x[:, :, 1:3, 1:3], border=[1, 1, 2, 1])
        write(root, f"crop_scale_{opset}", opset, "Crop", [x], [x[:, :, 1:3, 1:4]], border=[1, 1, 0, 0], scale=[2, 3])
        values = f32(6)
        case("GivenTensorFill", [np.array([2, 3], np.int64)], values.reshape(2, 3), values=values.tolist(), input_as_shape=1)
        write(root, f"giventensorfill_shape_{opset}", opset, "GivenTensorFill", [], [values.reshape(3, 2)], values=values.tolist(), shape=[3, 2])
        bounds = [np.array(v, np.int64) for v in ([1, 0], [3, -1], [2, 1])]
        case("DynamicSlice", [x] + bounds, x[:, 0:-1, 1:3])
        write(root, f"dynamicslice_constant_{opset}", opset, "DynamicSlice", [x] + bounds, [x[:, 0:-1, 1:3]], constants=(1, 2, 3))
    for across in (0, 1):
        axes = (0, 1, 2, 3) if across else (0, 2, 3)
        y = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True)
        write(root, f"mvn_1_across_{across}", 8, "MeanVarianceNormalization", [x], [y.astype(np.float32)], across_channels=across)
    scale, bias = f32(5), f32(5)
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * scale + bias
    write(root, "layernormalization_1", 9, "LayerNormalization", [x, scale, bias], [y.astype(np.float32)], axis=-1, epsilon=1e-5)


def first_versions(root):
    x = f32(2, 3, 4, 5)
    for opset, p in ((1, 2.0), (2, 2), (22, 3)):
        y = np.sum(np.abs(x) ** p, axis=(2, 3), keepdims=True) ** (1 / p)
        write(root, f"globallppool_{opset}", opset, "GlobalLpPool", [x], [y.astype(np.float32)], p=p)
    y = x.repeat(2, axis=2).repeat(3, axis=3)
    write(root, "upsample_1", 5, "Upsample", [x], [y], height_scale=2.0, width_scale=3.0, mode="nearest")
    scales = np.array([1, 1, 2, 3], np.float32)
    write(root, "upsample_9", 9, "Upsample", [x, scales], [y], constants=(1,), ir=4)
    for opset in (10, 12):  # deprecated, and yet carried
        write(root, f"upsample_{opset}", opset, "Upsample", [x, scales], [y], constants=(1,))
    write(root, "tile_1", 5, "Tile", [x, np.array([3], np.float32), np.array([2], np.float32)], [np.tile(x, (1, 1, 3, 1))], constants=(1, 2), ir=4)
    slope = f32(3)
    write(root, "prelu_1", 5, "PRelu", [x, slope], [np.where(x < 0, x * slope.reshape(1, 3, 1, 1), x)])
    write(root, "prelu_1_one", 5, "PRelu", [x, slope[:1]], [np.where(x < 0, x * slope[0], x)])
    data, indices, updates = f32(3, 4), np.array([[0, 2, 1, 0]], np.int64), f32(1, 4)
    y = data.copy()
    np.put_along_axis(y, indices, updates, 0)
    for opset in (9, 11, 12):
        write(root, f"scatter_{opset}", opset, "Scatter", [data, indices, updates], [y])
        write(root, f"scatter_constant_{opset}", opset, "Scatter", [data, indices, updates], [y], constants=(1,), ir=4 if opset < 10 else None)
    max_roi_pool(root)


def max_roi_pool(root):
    x = f32(2, 3, 8, 8)
    rois = np.array([[0, 0, 0, 3, 3], [1, 2, 1, 7, 6]], np.float32)
    out = np.zeros((2, 3, 2, 2), np.float32)
    for r, (b, x1, y1, x2, y2) in enumerate(rois.astype(int)):
        h, w = y2 - y1 + 1, x2 - x1 + 1
        for i in range(2):
            for j in range(2):
                top, bottom = y1 + int(np.floor(i * h / 2)), y1 + int(np.ceil((i + 1) * h / 2))
                left, right = x1 + int(np.floor(j * w / 2)), x1 + int(np.ceil((j + 1) * w / 2))
                out[r, :, i, j] = x[b, :, top:bottom, left:right].max((1, 2))
    for opset in (7, 22):
        write(root, f"maxroipool_{opset}", opset, "MaxRoiPool", [x, rois], [out], pooled_shape=[2, 2])


def random_operators(root):
    size = [64, 64]
    for opset in (7, 22):
        write(root, f"randomnormal_{opset}", opset, "RandomNormal", [], [(RNG.standard_normal(size) * 2 + 3).astype(np.float32)], shape=size, mean=3.0, scale=2.0)
        write(root, f"randomuniform_{opset}", opset, "RandomUniform", [], [RNG.uniform(-1, 4, size).astype(np.float32)], shape=size, low=-1.0, high=4.0)
        like = np.zeros(size, np.float32)
        write(root, f"randomnormallike_{opset}", opset, "RandomNormalLike", [like], [RNG.standard_normal(size).astype(np.float32)])
        log_probabilities = np.log(np.array([[0.2, 0.3, 0.5]], np.float32)).repeat(4, 0)
        draws = RNG.choice(3, (4, 2000), p=[0.2, 0.3, 0.5]).astype(np.int32)
        write(root, f"multinomial_{opset}", opset, "Multinomial", [log_probabilities], [draws], sample_size=2000)


def trees(root):
    """x[0] <= 0.5 ? leaf 1 : x[1] > -0.5 ? leaf 3 : leaf 4, and a second tree of one leaf."""
    shape = dict(nodes_treeids=[0, 0, 0, 0, 0, 1], nodes_nodeids=[0, 1, 2, 3, 4, 0], nodes_featureids=[0, 0, 1, 0, 0, 0],
                 nodes_modes=["BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, -0.5, 0.0, 0.0, 0.0],
                 nodes_truenodeids=[1, 0, 3, 0, 0, 0], nodes_falsenodeids=[2, 0, 4, 0, 0, 0])
    x = np.array([[0, 0], [1, 0], [1, -1], [0.5, 9], [0.6, -0.5]], np.float32)
    leaf = np.where(x[:, 0] <= 0.5, 0, np.where(x[:, 1] > -0.5, 1, 2))
    weights = np.array([1.5, -2.0, 4.0], np.float32)
    y = (weights[leaf] + 0.25).reshape(-1, 1).astype(np.float32)
    votes = np.array([[0.75, 0.25, 0.125], [0.125, 0.875, 0.25], [0.5, 0.0, 1.0]], np.float32)
    classes = votes[leaf] + np.array([0, 0.0625, 0], np.float32)
    for ml in (1, 3, 5):
        write(root, f"treeensembleregressor_{ml}", 15, "TreeEnsembleRegressor", [x], [y], ml=ml, n_targets=1, target_treeids=[0, 0, 0, 1],
              target_nodeids=[1, 3, 4, 0], target_ids=[0, 0, 0, 0], target_weights=[1.5, -2.0, 4.0, 0.25], **shape)
        write(root, f"treeensembleclassifier_{ml}", 15, "TreeEnsembleClassifier", [x], [classes.argmax(1).astype(np.int64), classes], ml=ml,
              classlabels_int64s=[0, 1, 2], class_treeids=[0] * 9 + [1], class_nodeids=[1] * 3 + [3] * 3 + [4] * 3 + [0],
              class_ids=[0, 1, 2] * 3 + [1], class_weights=votes.flatten().tolist() + [0.0625], **shape)


def write_graph(root, name, opset, nodes, inputs, outputs, constants):
    """Nodes in order; inputs, outputs, constants: arrays by name."""
    def info(n, x):
        return helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)

    graph = helper.make_graph(nodes, name, [info(*i) for i in inputs.items()], [info(*o) for o in outputs.items()],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    data = root / f"test_{name}" / "test_data_set_0"
    data.mkdir(parents=True, exist_ok=True)
    (root / f"test_{name}" / "model.onnx").write_bytes(model.SerializeToString())
    for way, values in (("input", inputs), ("output", outputs)):
        for k, (n, v) in enumerate(values.items()):
            (data / f"{way}_{k}.pb").write_bytes(numpy_helper.from_array(v, n).SerializeToString())


def sequences(root):
    """Sequences that are lists of known elements."""
    node = helper.make_node
    x, y = f32(4, 6), f32(4, 6)
    at = {"first": np.array(0, np.int64), "last": np.array(-1, np.int64)}
    taken = [node("SequenceAt", ["s", "first"], ["a"]), node("SequenceAt", ["s", "last"], ["b"]), node("SequenceLength", ["s"], ["n"])]
    for opset in (11, 24):
        write_graph(root, f"sequence_construct_{opset}", opset, [node("SequenceConstruct", ["x", "y"], ["s"])] + taken
                    + [node("ConcatFromSequence", ["s"], ["c"], axis=1), node("ConcatFromSequence", ["s"], ["d"], axis=-1, new_axis=1)],
                    {"x": x, "y": y}, {"a": x, "b": y, "n": np.array(2, np.int64), "c": np.concatenate([x, y], 1), "d": np.stack([x, y], -1)}, at)
        for name, split, keep, parts in (("ones", None, 0, [x[:, i] for i in range(6)]), ("kept", None, 1, [x[:, i : i + 1] for i in range(6)]),
                                         ("steps", np.array(4, np.int64), 1, [x[:, :4], x[:, 4:]]),
                                         ("sizes", np.array([1, 2, 3], np.int64), 1, [x[:, :1], x[:, 1:3], x[:, 3:]])):
            stored = dict(at, split=split) if split is not None else at
            write_graph(root, f"split_to_sequence_{name}_{opset}", opset,
                        [node("SplitToSequence", ["x"] + (["split"] if split is not None else []), ["s"], axis=1, keepdims=keep)] + taken,
                        {"x": x}, {"a": parts[0], "b": parts[-1], "n": np.array(len(parts), np.int64)}, stored)


def unknown_sizes(root):
    """Lowered forms that know their sizes at run time only."""
    x = f32(3, 4)
    axis = np.array(0, np.int64)
    for exclusive in (0, 1):
        for reverse in (0, 1):
            y = np.cumsum(x[::-1] if reverse else x, 0)
            p = np.cumprod(x[::-1] if reverse else x, 0)
            if exclusive:
                y, p = np.vstack([np.zeros((1, 4)), y[:-1]]), np.vstack([np.ones((1, 4)), p[:-1]])
            if reverse:
                y, p = y[::-1], p[::-1]
            for op, value, opset in (("CumSum", y, 14), ("CumProd", p, 26)):
                name = f"{op.lower()}_unknown_{exclusive}{reverse}"
                write(root, name, opset, op, [x, axis], [value.astype(np.float32)], constants=(1,), exclusive=exclusive, reverse=reverse, ir=8)
                open_dims(root / f"test_{name}" / "model.onnx")


def open_dims(file):
    m = onnx.load(file)
    for v in list(m.graph.input) + list(m.graph.output):
        for k, d in enumerate(v.type.tensor_type.shape.dim):
            d.dim_param = f"d{k}"
    onnx.save(m, file)


def write_all(root):
    for make in (experimental, first_versions, random_operators, trees, sequences, unknown_sizes):
        make(root)
    lowered_cases.write_all(root, write, write_graph)
    lowered_cases_more.write_all(root, write, write_graph)
    return len(list(root.iterdir()))


if __name__ == "__main__":
    print(f"{write_all(pathlib.Path(sys.argv[1]))} cases in {sys.argv[1]}")
