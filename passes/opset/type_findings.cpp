#include "passes/opset/type_findings.h"

#include <fmt/format.h>

#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

bool known(const Type& t) { return t.kind != Type::Kind::unknown && !(t.is_tensor() && t.dtype == DType::undefined); }

// Shapes are hints (a runtime warns of wrong ones), element types are not.
bool contradict(const Type& a, const Type& b) {
  if (!known(a) || !known(b)) return false;
  if (a.kind != b.kind) return true;
  if (a.is_tensor()) return a.dtype != b.dtype;
  return a.elem && b.elem && contradict(*a.elem, *b.elem);
}

class TypeCheck {
 public:
  void visit(Graph& g, const std::string& where) {
    for (const Value* v : g.inputs())
      if (v->constant()) compare(v->extra(), *v, where, "its initializer");
    for (const Node& n : g.nodes()) {
      const std::string at = fmt::format("{}/'{}' ({})", where, n.name, n.op().name);
      if (n.is("Constant")) continue;  // runtimes read it as an initializer: of any type, and whatever type its output is declared to have
      if (std::string why = types_agree(n); !why.empty()) add(at, std::move(why));
      for (const Value* v : n.outputs())
        if (v) compare(v->extra(), *v, at, "what the node makes");
      for (Graph* sub : n.subgraphs()) visit(*sub, at + "/" + sub->name);
    }
    for (const Graph::OutputNote& note : g.output_notes) compare(note.extra.get(), *note.value, where, "the value");
  }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::vector<Finding> findings_;

  void add(const std::string& where, std::string what) { findings_.push_back({where, std::move(what), false}); }
  void compare(const ValueExtra* said, const Value& v, const std::string& where, const char* what) {
    if (said && said->has_declared && contradict(said->declared, v.type))
      add(where, fmt::format("'{}' is declared as {}, but {} is {}", v.name(), type_name(said->declared), what, type_name(v.type)));
  }
};

}  // namespace

std::vector<Finding> check_types(Model& model) {
  TypeCheck check;
  check.visit(model.graph(), model.graph().name);
  return check.take();
}

}  // namespace onnxopt
