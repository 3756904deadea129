#include <fmt/format.h>

#include <map>
#include <tuple>

#include "ir/text/compare.h"
#include "ir/text/isomorphism.h"

namespace onnxopt {
namespace {

using text::Isomorphism;

void compare_functions(const Model& a, const Model& b, const EqualOptions& options, Isomorphism& iso) {
  using Key = std::tuple<std::string, std::string, std::string>;
  const auto text = [](const Key& k) {
    return fmt::format("function {}.{}{}{}", std::get<0>(k), std::get<1>(k), std::get<2>(k).empty() ? "" : ":", std::get<2>(k));
  };
  std::map<Key, const Function*> others;
  for (const auto& f : b.functions) others[{f->domain, f->name, f->overload}] = f.get();
  for (const auto& f : a.functions) {
    const Key key{f->domain, f->name, f->overload};
    const auto it = others.find(key);
    if (it == others.end()) {
      iso.report("only in the first: " + text(key));
      continue;
    }
    const Function& g = *it->second;
    others.erase(it);
    if (text::imports_text(f->opsets) != text::imports_text(g.opsets))
      iso.report(fmt::format("{}: opset imports {} and {}", text(key), text::imports_text(f->opsets), text::imports_text(g.opsets)));
    if (f->attributes != g.attributes) iso.report(text(key) + ": declared attributes differ");
    if (const std::string d = text::attributes_difference(f->attribute_defaults, g.attribute_defaults, options, {}); !d.empty())
      iso.report(text(key) + ": " + d);
    if (options.metadata && (f->doc_string != g.doc_string || f->metadata != g.metadata || f->unknown != g.unknown))
      iso.report(text(key) + ": doc string, metadata or unknown fields differ");
    iso.match(*f->body, *g.body, false);
  }
  for (const auto& [key, f] : others) iso.report("only in the second: " + text(key));
}

void compare_headers(const Model& a, const Model& b, Isomorphism& iso) {
  const auto check = [&](bool same, std::string_view what) {
    if (!same) iso.report(fmt::format("{} of the model differs", what));
  };
  check(a.ir_version == b.ir_version, "IR version");
  check(a.producer_name == b.producer_name && a.producer_version == b.producer_version, "producer");
  check(a.domain == b.domain, "domain");
  check(a.model_version == b.model_version && a.has_model_version == b.has_model_version, "model version");
  check(a.doc_string == b.doc_string, "doc string");
  check(a.metadata == b.metadata, "metadata");
  check(a.training_info == b.training_info, "training info");
  check(a.configuration == b.configuration, "device configuration");
  check(a.unknown == b.unknown, "set of unknown fields");
}

}  // namespace

std::string difference(const Model& a, const Model& b, const EqualOptions& options) {
  Isomorphism iso(options);
  if (text::imports_text(a.opsets) != text::imports_text(b.opsets))
    iso.report(fmt::format("opset imports are {} and {}", text::imports_text(a.opsets), text::imports_text(b.opsets)));
  if (options.metadata) compare_headers(a, b, iso);
  iso.match(a.graph(), b.graph(), true);
  compare_functions(a, b, options, iso);
  return iso.differences();
}

std::string difference(const Graph& a, const Graph& b, const EqualOptions& options) {
  Isomorphism iso(options);
  iso.match(a, b, true);
  return iso.differences();
}

}  // namespace onnxopt
