// Any 1-D tensor of dims of x in a row, however it is put together (Gather, Slice, Unsqueeze, Concat of Shape (x))  ==>  Shape <start, end> (x)
// What the elements are is what inference says. Before opset 15 Shape has no start and end: only whole shapes are read this way then.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

constexpr int kDepth = 4;  // Concat, Unsqueeze, Gather, Shape

// A tensor whose Shape is read above `v`, and that has `want` as dims in a row from `start` on.
struct Found {
  Value* x = nullptr;
  std::int64_t start = 0;
};
void search(const Value* v, const DimList& want, int depth, Found& found, std::vector<const Node*>& path) {
  const Node* n = v ? v->producer() : nullptr;
  if (!n || n->kept || found.x || depth == 0) return;
  path.push_back(n);
  if (n->is("Shape")) {
    const Shape* s = shape_of(n->input(0));
    for (std::size_t i = 0; s && i + want.size() <= s->size() && !found.x; ++i) {
      bool equal = true;
      for (std::size_t k = 0; k < want.size() && equal; ++k) equal = same((*s)[i + k], want[k]);
      if (equal) found = {n->input(0), static_cast<std::int64_t>(i)};
    }
    return;
  }
  for (const Value* in : n->inputs())
    if (in && !in->constant()) search(in, want, depth - 1, found, path);
}

bool visit(const Node& n, Rewriter& rw) {
  const Value* y = n.output();
  if (!y->known || y->type.dtype != DType::int64 || rank_of(y) != 1 || y->known->empty()) return no(rw, "the elements are not known");
  Found found;
  std::vector<const Node*> path;
  search(y, *y->known, kDepth, found, path);
  if (!found.x) return no(rw, "the elements are not dims of one tensor in a row");
  for (const Node* p : path)
    if (p != &n) rw.consume(*p);
  const Function* function = rw.graph().root().function();
  const OutputOpsets target = function ? OutputOpsets{function->file_opsets} : rw.context().output;
  Attrs attrs;
  const auto end = found.start + static_cast<std::int64_t>(y->known->size());
  if (found.start != 0) attrs.set("start", found.start);
  if (end != *rank_of(found.x)) attrs.set("end", end);
  if (!attrs.empty() && target.version("") < 15 && !target.imports.empty()) return no(rw, "the output opset has no Shape with start and end");
  return becomes(n, rw, rw.op("Shape", {found.x}, std::move(attrs)));
}

}  // namespace

NodeRule merge_shape_slices() {
  return {"merge-shape-slices", "Read dims of a tensor with one Shape", "Concat Slice Gather Unsqueeze Cast Reshape", Level::o1, visit};
}

}  // namespace onnxopt
