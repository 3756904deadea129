// The history of ONNX as a table: one Step takes a node from one version of its operator to the next, or back. Steps that only add types or
// attributes with neutral defaults are relabels (steps_relabel.cpp): they have no functions, the schema rows say what must be checked.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "passes/opset/draft.h"

namespace onnxopt {

// Rewrites the draft (spelled for the older row: up; for the newer: down) into the other row's spelling. "" or why it cannot be done; after a
// refusal the draft is thrown away. The caller sets Draft::op.
using StepFn = std::string (*)(Draft&);

struct Step {
  std::string_view op;
  int from, to;                 // since-versions
  StepFn up = nullptr;          // null: relabel
  StepFn down = nullptr;        // null: relabel. Where `up` leaves a draft untouched, `down` must not edit it either (Draft::touch)
  std::string_view to_op = {};  // the newer version is another operator (Upsample -> Resize); empty: the same
  bool lift_only = false;       // never lowered this way (`from` is a deprecated row)
  std::string_view domain = {};
};

// Families. A test checks that every pair of neighbouring rows of the operator table is in exactly one of these or in the relabel table.
std::span<const Step> steps_broadcast();
std::span<const Step> steps_legacy();
std::span<const Step> steps_shape();
std::span<const Step> steps_axis();
std::span<const Step> steps_reduce();
std::span<const Step> steps_nn();
std::span<const Step> steps_resize();
std::span<const Step> steps_quant();
std::span<const Step> steps_misc();
std::span<const Step> steps_ml();

struct Relabel {
  std::string_view op;
  int from, to;
};
std::span<const Relabel> relabel_steps();

// ---- finding steps. Rows are those of the operator table; others (opaque) have no steps.
struct RowInfo {
  const Step* up = nullptr;                // step that leaves this row upwards; null: relabel, or newest
  const Step* down = nullptr;              // step that leaves it downwards; null: relabel, or first
  const OpSchema* above = nullptr;         // where `up` or the relabel leads; null: newest
  const OpSchema* below = nullptr;         // null: the operator's first version
  const OpSchema* relabel_up = nullptr;    // newest row that pure relabels reach upwards (this row if none)
  const OpSchema* relabel_down = nullptr;  // oldest row that pure relabels reach downwards
};
// Null for opaque rows.
const RowInfo* row_info(const OpSchema& row);
// The row of the same operator in force at `version`; null: it did not exist then. Opaque rows are always in force.
const OpSchema* row_at(const OpSchema& row, int version);

}  // namespace onnxopt
