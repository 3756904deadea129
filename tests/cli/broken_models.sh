#!/usr/bin/env bash
# Files that are broken, or look so: what `optimize` and `check` say of each.   broken_models.sh ONNXOPT SHARED_MODELS
# A line a file: exit code of optimize, exit code of check, file, and the text that the one line on stderr (optimize) or in the report (check) holds.
set -u
onnxopt=$1 models=$2
[ -d "$models/fx-malformed" ] || { echo "skipped: $models is not there"; exit 77; }
work=$(mktemp -d) failed=0
trap 'rm -rf "$work"' EXIT
while IFS='|' read -r code check file text; do
  got=0; "$onnxopt" optimize "$models/$file" -o "$work/out.onnx" >/dev/null 2>"$work/err" || got=$?
  said=0; "$onnxopt" check "$models/$file" >"$work/check" 2>&1 || said=$?
  why=
  [ "$got" = "$code" ] || why="optimize ends with $got, not $code"
  [ "$said" = "$check" ] || why="$why check ends with $said, not $check"
  if [ "$code" = 3 ]; then
    [ "$(wc -l <"$work/err")" = 1 ] || why="$why $(wc -l <"$work/err") lines"
    grep -qF "$file: $text" "$work/err" || why="$why; it says: $(cat "$work/err")"
    [ -e "$work/out.onnx" ] && why="$why a file was written"
  elif [ -n "$text" ]; then
    grep -qF "$text" "$work/check" || why="$why; check says: $(cat "$work/check")"
  fi
  rm -f "$work/out.onnx"
  [ -z "$why" ] || { echo "FAILED $file: $why"; failed=$((failed + 1)); }
done <<'LIST'
3|3|fx-malformed/corrupt-model.onnx|not an ONNX model but a text file
3|3|fx-malformed/bad_graph_with_dup_value_info.onnx|value 'inp' is defined twice
0|3|fx-malformed/bad_graph_with_multi_level_errors.onnx|MatMul
0|3|fx-malformed/stft_negative_frame_step.onnx|STFT
0|0|fx-malformed/Graph_with_UnSupportedOp.onnx|operator 'UnSupportedOp' does not exist in ai.onnx
0|0|fx-malformed/add_with_dup_inputs.onnx|
0|0|fx-malformed/bad_graph_with_no_name.onnx|warning: a graph is without a name
0|0|fx-malformed/bad_names.onnx|warning: the model states no IR version
0|0|fx-malformed/empty.onnx|
0|0|fx-malformed/fp16-truncate-with-cast.onnx|
0|0|fx-malformed/inp_dim_val_not_set.onnx|
0|0|fx-malformed/invalid_dim_param_value_repetition.onnx|
0|0|fx-malformed/mul_1.noopset.onnx|warning: the model imports no opset; IR version 3 demands it
0|0|fx-malformed/unsorted.onnx|is read by a node that stands before the one that makes it
3|3|fx-extdata/model_with_external_initializer_come_from_user.onnx|tensor 'Pads_not_on_disk': external data 'Pads_not_on_disk.bin' is missing
3|3|fx-extdata/test_arbitrary_external_file.onnx|tensor 'evil_weights': external data '../../../../../../../etc/passwd' contains '..'
3|3|fx-extdata/test_evil_weights.onnx|tensor 'evil_weights': external data '*/_ORT_MEM_ADDR_/*' is missing
0|0|fx-extdata/conv_qdq_external_ini.onnx|
0|0|fx-extdata/ext_weights.onnx|
0|0|fx-extdata/model_with_external_initializers.onnx|
0|0|fx-extdata/simple_cnn.onnx|
LIST
listed=$(grep -c '^[03]|[03]|fx-' "$0")
there=$(find "$models/fx-malformed" "$models/fx-extdata" -name "*.onnx" | wc -l)
[ "$listed" = "$there" ] || { echo "FAILED: $listed files are listed, $there are there"; failed=$((failed + 1)); }
echo "$listed files, $failed not as expected"
[ "$failed" = 0 ]
