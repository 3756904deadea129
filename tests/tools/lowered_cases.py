"""More of conversion_cases.py: operators whose forms ONNX's node tests do not have where they are lowered."""
import numpy as np
import onnx
from onnx import TensorProto, helper


def f32(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def branches(root, write_graph):
    """If whose branches give different sizes, ranks, types and nothing at all."""
    node, info = helper.make_node, helper.make_tensor_value_info
    rng = np.random.default_rng(3)
    x = f32(rng, 3, 4)
    empty = np.zeros((0, 4), np.float32)

    def branch(name, nodes, outputs, initializers=()):
        return helper.make_graph(nodes, name, [], outputs, initializers)

    def constant(name, values):
        return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)

    then_branch = branch("small", [node("Slice", ["x", "b", "e"], ["t"]), node("Identity", ["b"], ["tn"])],
                         [info("t", TensorProto.FLOAT, [1, 4]), info("tn", TensorProto.INT64, [1])], [constant("b", [1]), constant("e", [2])])
    else_branch = branch("wide", [node("Concat", ["x", "x"], ["w"], axis=1), node("Shape", ["w"], ["wn"])],
                         [info("w", TensorProto.FLOAT, [3, 8]), info("wn", TensorProto.INT64, [2])])
    none = branch("none", [node("Slice", ["x", "b", "b"], ["t"]), node("Identity", ["b"], ["tn"])],
                  [info("t", TensorProto.FLOAT, [0, 4]), info("tn", TensorProto.INT64, [1])], [constant("b", [1])])
    flat = branch("flat", [node("Reshape", ["x", "all"], ["w"]), node("Shape", ["w"], ["wn"])],
                  [info("w", TensorProto.FLOAT, [12]), info("wn", TensorProto.INT64, [1])], [constant("all", [-1])])
    for opset in (11, 13, 16, 19, 21, 23, 24, 25):
        for name, yes, no in (("sizes", then_branch, else_branch), ("ranks", then_branch, flat), ("empty", none, else_branch)):
            for truth in (True, False):
                if truth:
                    y, n = (x[1:2], [1]) if yes is then_branch else (empty, [1])
                else:
                    y, n = (np.concatenate([x, x], 1), [3, 8]) if no is else_branch else (x.reshape(-1), [12])
                write_graph(root, f"if_{name}_{truth}_{opset}", opset, [node("If", ["c"], ["y", "n"], then_branch=yes, else_branch=no)],
                            {"c": np.array(truth), "x": x}, {"y": y, "n": np.array(n, np.int64)}, {})


def sequence_chains(root, write_graph):
    """Sequences that grow and shrink at known places."""
    node = helper.make_node
    rng = np.random.default_rng(4)
    x, y, z = f32(rng, 2, 3), f32(rng, 2, 3), f32(rng, 1, 3)
    at = {"zero": np.array(0, np.int64), "one": np.array(1, np.int64), "last": np.array(-1, np.int32)}
    for opset in (11, 24):
        write_graph(root, f"sequence_chain_{opset}", opset,
                    [node("SequenceEmpty", [], ["s0"]), node("SequenceInsert", ["s0", "x"], ["s1"]), node("SequenceInsert", ["s1", "y", "zero"], ["s2"]),
                     node("SequenceLength", ["s0"], ["n0"]), node("Neg", ["z"], ["minus"]), node("SequenceInsert", ["s2", "minus", "last"], ["s3"]),
                     node("SequenceErase", ["s3", "zero"], ["s4"]), node("SequenceErase", ["s4"], ["s5"]), node("SequenceAt", ["s5", "zero"], ["a"]),
                     node("ConcatFromSequence", ["s3"], ["c"], axis=0), node("SequenceLength", ["s5"], ["n5"])],
                    {"x": x, "y": y, "z": z},
                    {"a": -z, "c": np.concatenate([y, -z, x]), "n0": np.array(0, np.int64), "n5": np.array(1, np.int64)}, at)
        sizes = np.array([1, 0, 1], np.int64)
        write_graph(root, f"split_to_sequence_computed_{opset}", opset,
                    [node("SplitToSequence", ["x", "sizes"], ["s"], axis=0), node("SequenceInsert", ["s", "z"], ["t"]),
                     node("SequenceLength", ["s"], ["n"]), node("SequenceAt", ["t", "one"], ["a"]), node("ConcatFromSequence", ["t"], ["c"], axis=0)],
                    {"x": x, "z": z, "sizes": sizes}, {"n": np.array(3, np.int64), "a": x[1:1], "c": np.concatenate([x, z])}, at)


def optionals(root, write_graph):
    """Optionals that are made, asked and opened in one graph."""
    node = helper.make_node
    x = f32(np.random.default_rng(5), 2, 3)
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, [2, 3])
    for opset in (15, 18, 28):
        write_graph(root, f"optional_{opset}", opset,
                    [node("Optional", ["x"], ["o"]), node("Optional", [], ["nothing"], type=kind), node("OptionalHasElement", ["o"], ["has"]),
                     node("OptionalHasElement", ["nothing"], ["none"]), node("OptionalGetElement", ["o"], ["e"]), node("Neg", ["e"], ["y"])],
                    {"x": x}, {"y": -x, "has": np.array(True), "none": np.array(False)}, {})


def dilated_windows(root, write):
    """MaxPool with dilations, and what else its form may have."""
    rng = np.random.default_rng(6)
    x = np.concatenate([f32(rng, 1, 2, 9, 8), np.full((1, 2, 9, 8), -np.inf, np.float32)])

    def pooled(x, kernel, strides, dilations, pads, ceil=False, low=-np.inf):
        sizes = []
        for k in range(2):
            room = x.shape[k + 2] + pads[k] + pads[k + 2] - (kernel[k] - 1) * dilations[k] - 1
            size = (-(-room // strides[k]) if ceil else room // strides[k]) + 1
            sizes.append(size - (ceil and (size - 1) * strides[k] >= x.shape[k + 2] + pads[k]))
        y = np.full(x.shape[:2] + tuple(sizes), low, x.dtype)
        for i in range(sizes[0]):
            for j in range(sizes[1]):
                rows = [r for r in (i * strides[0] - pads[0] + a * dilations[0] for a in range(kernel[0])) if 0 <= r < x.shape[2]]
                columns = [c for c in (j * strides[1] - pads[1] + b * dilations[1] for b in range(kernel[1])) if 0 <= c < x.shape[3]]
                y[:, :, i, j] = x[:, :, rows][:, :, :, columns].max((2, 3))
        return y

    common = {"kernel_shape": [2, 3], "dilations": [2, 2]}
    for opset in (10, 11, 12, 22):
        write(root, f"maxpool_dilated_{opset}", opset, "MaxPool", [x], [pooled(x, (2, 3), (2, 1), (2, 2), (1, 1, 1, 2))], strides=[2, 1],
              pads=[1, 1, 1, 2], **common)
        write(root, f"maxpool_dilated_ceil_{opset}", opset, "MaxPool", [x], [pooled(x, (2, 3), (2, 2), (2, 2), (0, 0, 0, 0), True)], strides=[2, 2],
              ceil_mode=1, **common)
        same = pooled(x, (2, 3), (2, 1), (2, 2), (1, 2, 1, 2))  # 9 rows to 5: two rows of padding; 8 columns stay 8: four
        write(root, f"maxpool_dilated_same_{opset}", opset, "MaxPool", [x], [same], strides=[2, 1], auto_pad="SAME_UPPER", **common)
    small = rng.integers(-128, 128, (1, 2, 9, 8)).astype(np.int8)
    write(root, "maxpool_dilated_int8", 12, "MaxPool", [small], [pooled(small, (2, 3), (2, 1), (2, 2), (1, 1, 1, 2), low=-128)], strides=[2, 1],
          pads=[1, 1, 1, 2], **common)


def remainders(root, write):
    """fmod of floats of all sizes, infinities and zeros among them."""
    rng = np.random.default_rng(8)
    bits = rng.integers(0, 2**32, (2, 200), np.uint64).astype(np.uint32).view(np.float32)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, 3.4028235e38, 1e-45, -1e-45, 1, -7.5], np.float32)
    a = np.concatenate([bits[0], special.repeat(10), np.array([1e38, -1e38], np.float32)])
    b = np.concatenate([bits[1], np.tile(special, 10), np.array([3e-45, 0.1], np.float32)])
    with np.errstate(invalid="ignore"):
        for opset in (10, 13, 28):
            write(root, f"fmod_{opset}", opset, "Mod", [a, b], [np.fmod(a, b)], fmod=1)
            half = a.astype(np.float16), b[-10:].reshape(-1, 1).astype(np.float16)
            write(root, f"fmod_half_{opset}", opset, "Mod", list(half), [np.fmod(*half)], fmod=1)


def trees(root, write):
    """Regressors whose leaves have several targets or none, missing values, base values; TreeEnsemble with sets."""
    x = np.array([[0, 0], [1, 0], [1, -1], [np.nan, 9], [0.6, np.nan]], np.float32)
    shape = dict(nodes_treeids=[0, 0, 0, 0, 0, 7], nodes_nodeids=[0, 1, 2, 3, 4, 0], nodes_featureids=[0, 0, 1, 0, 0, 0],
                 nodes_modes=["BRANCH_LT", "LEAF", "BRANCH_NEQ", "LEAF", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, -1.0, 0.0, 0.0, 0.0],
                 nodes_truenodeids=[1, 0, 3, 0, 0, 0], nodes_falsenodeids=[2, 0, 4, 0, 0, 0], nodes_missing_value_tracks_true=[1, 0, 0, 0, 0, 0])
    leaf = [0, 1, 2, 0, 1]  # of each row; NaN is unlike any number
    sums = np.array([[1, 0], [2, 3], [0, 0]], np.float32)[leaf] + np.array([0, 0.5], np.float32)
    for ml in (1, 3, 5):
        for name, base, transform, y in (("targets", None, "NONE", sums), ("base", [10.0, -1.0], "NONE", sums + np.array([10, -1], np.float32)),
                                         ("logistic", [0.25, 0.0], "LOGISTIC", 1 / (1 + np.exp(-sums - np.array([0.25, 0], np.float32))))):
            write(root, f"treeensembleregressor_{name}_{ml}", 15, "TreeEnsembleRegressor", [x], [y.astype(np.float32)], ml=ml, n_targets=2,
                  target_treeids=[0, 0, 0, 7], target_nodeids=[1, 3, 3, 0], target_ids=[0, 0, 1, 1], target_weights=[1.0, 2.0, 3.0, 0.5],
                  post_transform=transform, **({"base_values": base} if base else {}), **shape)
        for way, of in (("AVERAGE", np.mean), ("MIN", np.min), ("MAX", np.max)):
            votes = np.stack([np.array([1, 2, 4], np.float32)[leaf], np.full(5, 1.5, np.float32)])
            write(root, f"treeensembleregressor_{way.lower()}_{ml}", 15, "TreeEnsembleRegressor", [x], [of(votes, 0).reshape(-1, 1)], ml=ml,
                  n_targets=1, target_treeids=[0, 0, 0, 7], target_nodeids=[1, 3, 4, 0], target_ids=[0] * 4, target_weights=[1.0, 2.0, 4.0, 1.5],
                  aggregate_function=way, **shape)

    def tensor(kind, values):
        return helper.make_tensor("", kind, [len(values)], values)

    for kind, dtype in ((TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16)):
        for way, of in ((0, np.mean), (1, np.sum), (2, np.min), (3, np.max)):
            data = np.array([[1, 0], [3, 0], [2, 5], [np.nan, 5], [4, np.nan]], dtype)
            first = np.isin(data[:, 0], [1, 3, 4])
            votes = np.stack([np.where(first, 2, np.where(np.isnan(data[:, 1]) | (data[:, 1] >= 5), -1, 7)), np.full(5, 0.5)])
            write(root, f"treeensemble_sets_{way}_{np.dtype(dtype).name}", 25, "TreeEnsemble", [data], [of(votes, 0).reshape(-1, 1).astype(dtype)],
                  ml=5, n_targets=1, aggregate_function=way, tree_roots=[1, 2], nodes_featureids=[1, 0, 0], nodes_modes=tensor(TensorProto.UINT8, [2, 6, 0]),
                  nodes_splits=tensor(kind, [5.0, 0.0, 0.0]), membership_values=tensor(kind, [1.0, 3.0, 4.0, float("nan")]),
                  nodes_truenodeids=[1, 0, 3], nodes_trueleafs=[1, 1, 1], nodes_falsenodeids=[2, 0, 3], nodes_falseleafs=[1, 0, 1],
                  nodes_missing_value_tracks_true=[1, 0, 0], leaf_targetids=[0] * 4, leaf_weights=tensor(kind, [2.0, -1.0, 7.0, 0.5]))


def losses_of_unknown_rank(root, write):
    """SoftmaxCrossEntropyLoss of which a file says no rank."""
    rng = np.random.default_rng(9)
    for sizes in ((3, 5), (2, 4, 3), (2, 3, 2, 4)):
        x, weights = f32(rng, *sizes), np.abs(f32(rng, sizes[1])) + np.float32(0.5)
        target = rng.integers(0, sizes[1], sizes[:1] + sizes[2:])
        target[0] = 1
        log = x - np.log(np.exp(x).sum(1, keepdims=True))
        picked = np.take_along_axis(log, target[:, None], 1).squeeze(1)
        share = np.where(target == 1, 0, weights[target])
        y = {"none": -picked * share, "sum": (-picked * share).sum(), "mean": (-picked * share).sum() / share.sum()}
        for opset in (12, 13):
            for reduction, loss in y.items():
                name = f"softmaxcrossentropyloss_{len(sizes)}_{reduction}_{opset}"
                write(root, name, opset, "SoftmaxCrossEntropyLoss", [x, target, weights], [np.asarray(loss, np.float32), log], reduction=reduction,
                      ignore_index=1)
                file = root / f"test_{name}" / "model.onnx"
                m = onnx.load(file)
                for v in list(m.graph.input)[:2] + list(m.graph.output):
                    v.type.tensor_type.ClearField("shape")
                onnx.save(m, file)


def write_all(root, write, write_graph):
    for make in (branches, sequence_chains, optionals):
        make(root, write_graph)
    dilated_windows(root, write)
    remainders(root, write)
    trees(root, write)
    losses_of_unknown_rank(root, write)
