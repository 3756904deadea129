#!/usr/bin/env python3
"""Every reason that a rule or pass may give for not firing has a case of its own: `# UNCHANGED because <reason>` in a case file. Every reason of a
step between opsets, of a decomposition, and of a way from com.microsoft back, has one in tests/passes_opset/refusals.txt.

    check_reasons.py REPOSITORY

Reasons are the string literals of `no(...)`, `give_up(...)`, `abandon(...)`, `custom(...)` and of the named conditions in passes/{cleanup,fusion,layout}. One in
the file of a rule belongs into that rule's cases; one in a file that several rules share may be in the cases of any. Reasons that no graph can bring about
are listed below, with what stands in the way.
"""
import pathlib
import re
import sys

FOLDERS = ("cleanup", "fusion", "layout")
CALL = re.compile(r"\b(no|give_up|abandon|custom|fail|skip|refuse)\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
EACH = re.compile(r'\b(is_constant|is_scalar_constant|used_once|static_shape|rank_known|is_float_tensor|input_absent|scalars_keep_rank)\("([^"]*)"\)')
WHOLE = re.compile(r'\b(attr_is|attr_absent|same_shape|has_rank)\(([^()]*"[^()]*)\)')
RETURNED = re.compile(r'return "((?:[^"\\]|\\.)*)"')
CONSTANT = re.compile(r'constexpr (?:const char\*|char|std::string_view) k\w+(?:\[\])?\s*=\s*"((?:[^"\\]|\\.)*)"')

# (file, reason) -> why no case can show it
UNREACHABLE = {
    ("convert_einsum", "the output has a letter of its own"): "inference refuses such an equation",
    ("fold_constants", "an output was not computed"): "an Evaluator that answers gives every output",
    ("fold_constants", "an attribute is the caller's"): "the matcher leaves such a node out; beside others it says nothing",
    ("fold_known_values", "an element does not fit"): "inference propagates no int32 that does not fit",
    ("fold_shape_comparison", "the shapes are not known"): "known elements come with a known shape",
    ("merge_concats", "the Concat behind takes it in"): "then that one fires",
    ("steps_misc", "no decomposition: a sparse value that cannot be written out"): "the text has no sparse tensors of 64 MiB",
    ("fuse_conv_bn", "the weights do not take it"): "absorb_after has said why",
    ("fuse_convtranspose_bn", "the weights do not take it"): "absorb_after has said why",
    ("fuse_gemm_bn", "the weights do not take it"): "absorb_after has said why",
    ("fuse_matmul_bn", "the weights do not take it"): "absorb_after has said why",
}


def arguments(text, start):
    """The text between the parenthesis that opens before `start` and its partner; literals may hold parentheses."""
    depth, at = 1, start
    while depth and at < len(text):
        if text[at] == '"':
            at = LITERAL.match(text, at).end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def first_sentences(call, body):
    """Literals that are reasons. Of custom(what, holds) only what comes first; of the others those outside of nested calls."""
    if call == "custom":
        m = LITERAL.match(body.lstrip())
        return [m.group(1)] if m else []
    flat, depth, at = "", 0, 0
    while at < len(body):
        if body[at] == '"':
            m = LITERAL.match(body, at)
            if depth == 0:
                flat += m.group(0)
            at = m.end()
            continue
        depth += {"(": 1, ")": -1}.get(body[at], 0)
        if depth == 0:
            flat += body[at]
        at += 1
    return [r for r in LITERAL.findall(flat) if " " in r]


def reasons_of(text):
    text = re.sub(r'"\s*\n\s*"', "", text)
    found = []
    for m in CALL.finditer(text):
        found += first_sentences(m.group(1), arguments(text, m.end()))
    for m in EACH.finditer(text):
        found += [f"{m.group(1)}({name})" for name in m.group(2).replace(",", " ").split()]
    found += [f"{m.group(1)}({m.group(2)})".replace('"', "") for m in WHOLE.finditer(text)]
    found += [r for r in RETURNED.findall(text) if " " in r]
    found += [r for r in CONSTANT.findall(text) if " " in r]
    return list(dict.fromkeys(found))


def step_reasons_of(text):
    text = re.sub(r'"\s*\n\s*"', "", text)
    found = re.findall(r'(?:return|why =|reason =|[?:]) (?:fmt::format\()?"((?:[^"\\]|\\.)+)"', text)
    return [r for r in dict.fromkeys(found) if " " in r.strip(" ,;") and "\n" not in r and not r.startswith("in '")]


def fits(case, reason):
    """`reason` may have places for values."""
    if reason.endswith((" ", " '")):  # a value and more text follow
        return case.startswith(reason)
    return re.fullmatch(".*?".join(re.escape(part) for part in re.split(r"\{[^}]*\}", reason)), case) is not None


def refusals(root, direction=""):
    text = (root / "tests/passes_opset/refusals.txt").read_text()
    return re.findall(rf"^## (\S+) \d+ \d+ {direction or '(?:up|down|lower)'} \| (.*)$", text, re.M)


CLASS = re.compile(r"^(?:type|no decomposition|non-constant operand|kept|unknown op): ")


def functions_of(text):
    """Name and body of every function. A body ends with a line that is a brace."""
    return re.findall(r"^(?:[\w:*&<>, ]+ )[*&]?(\w+)\([^;]*?\) \{\n(.*?)^\}", text, re.M | re.S)


def check_decompositions(root):
    """A reason that the function of an operator gives has a case of such an operator; one of a helper, any case."""
    table = re.findall(r'\{"(\w+)", f::(\w+)', (root / "passes/opset/expand_table.cpp").read_text())
    operators = {}
    for op, function in table:
        operators.setdefault(function, []).append(op)
    cases = [(op, CLASS.sub("", reason)) for op, reason in refusals(root, "convert")]
    for f in sorted((root / "passes/opset").glob("expand_*.cpp")):
        text = re.sub(r'"\s*\n\s*"', "", f.read_text())
        constants = dict(re.findall(r'constexpr const char\* (k\w+) = "((?:[^"\\]|\\.)+)"', text))
        for name, body in functions_of(text):
            reasons = step_reasons_of(body) + [constants[k] for k in re.findall(r"(?:return|:|\?) (k\w+);", body) if k in constants]
            for reason in dict.fromkeys(reasons):
                ops = operators.get(name)
                yield f, reason, any((not ops or op in ops) and fits(c, CLASS.sub("", reason)) for op, c in cases)


def check_steps(root):
    cases = [reason for _, reason in refusals(root)]
    files = sorted((root / "passes/opset").glob("steps_*.cpp")) + [root / "passes/opset/axes.cpp"]
    for f in files + sorted((root / "passes/lower").glob("lower_*.cpp")):
        for reason in step_reasons_of(f.read_text()):
            yield f, reason, any(fits(c, reason) for c in cases)


def covers(case, reason):
    return case == reason or (len(case) >= 8 and case in reason) or reason in case


def main():
    root = pathlib.Path(sys.argv[1])
    cases = {f.stem: re.findall(r"^# UNCHANGED because (.*)$", f.read_text(), re.M) for f in sorted((root / "tests/cases/passes").glob("*.onnxtxt"))}
    everywhere = [c for of_file in cases.values() for c in of_file]
    total, missing, seen = 0, [], set()
    for folder in FOLDERS:
        for f in sorted((root / "passes" / folder).iterdir()):
            if f.stem == "conditions":  # makes conditions, uses none
                continue
            stem = f.stem.replace("_", "-")
            for reason in reasons_of(f.read_text()):
                total += 1
                seen.add((f.stem, reason))
                if not any(covers(c, reason) for c in cases.get(stem, everywhere)) and (f.stem, reason) not in UNREACHABLE:
                    missing.append((f, reason))
    for f, reason, covered in [*check_steps(root), *check_decompositions(root)]:
        total += 1
        seen.add((f.stem, reason))
        if not covered and (f.stem, reason) not in UNREACHABLE:
            missing.append((f, reason))
    for f, reason in missing:
        print(f"{f.relative_to(root)}: no case gives the reason '{reason}'")
    stale = sorted(set(UNREACHABLE) - seen)
    for stem, reason in stale:
        print(f"{stem} no longer says '{reason}': take it out of UNREACHABLE")
    print(f"{total} reasons, {len(UNREACHABLE)} of them unreachable, {len(missing)} without a case")
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
