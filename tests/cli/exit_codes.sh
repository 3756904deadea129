#!/usr/bin/env bash
# Exit codes of every command on tiny inputs. Usage: exit_codes.sh ONNXOPT MODELS_FOLDER
set -u
onnxopt=$1 models=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
good=$models/mnist-8.onnx other=$models/linear-classifier.onnx random=$work/random.onnx
head -c 100 "$good" > "$work/truncated.onnx"
# A model of one RandomNormal node: it cannot be verified. (ir_version 8, graph, opset 17)
printf '\x08\x08\x3a\x2f\x0a\x1f\x12\x01y\x22\x0cRandomNormal\x2a\x0c\x0a\x05shape\x40\x02\xa0\x01\x07\x12\x01g\x62\x09\x0a\x01y\x12\x04\x0a\x02\x08\x01\x42\x02\x10\x11' > "$random"

expect() {  # expect CODE ARGUMENTS...
  local want=$1; shift
  "$onnxopt" "$@" > "$work/out" 2> "$work/err"
  local got=$?
  if [ $got -ne "$want" ]; then
    echo "exit code $got, expected $want: onnxopt $*"; head -3 "$work/err"; failed=1
  fi
  if [ "$want" -ge 2 ] && [ ! -s "$work/err" ] && [ ! -s "$work/out" ]; then echo "no message: onnxopt $*"; failed=1; fi
}

for command in optimize convert inspect print check diff compare run passes bisect reduce; do
  expect 0 $command --help
  grep -q "Example\|OPTIONS\|Options" "$work/out" || { echo "no help: $command"; failed=1; }
  expect 2 $command --no-such-option
done
expect 0 --version
expect 2
expect 2 no-such-command
expect 2 --config "$work/missing.json" optimize "$good" -o "$work/o.onnx"

expect 0 optimize "$good" -o "$work/o.onnx"
expect 1 optimize "$random" -o "$work/r.onnx" --require-verified
[ ! -e "$work/r.onnx" ] || { echo "optimize wrote a file that its gate refused"; failed=1; }
expect 2 optimize "$good"
expect 2 optimize "$good" -o "$good"
expect 2 optimize "$good" -o "$work/o.onnx" --passes no-such-pass
expect 2 optimize "$good" -o "$work/o.onnx" --opset 1000
expect 3 optimize "$work/missing.onnx" -o "$work/x.onnx"
expect 3 optimize "$work/truncated.onnx" -o "$work/x.onnx"
expect 3 optimize "$good" -o "$work/no/such/folder/x.onnx"
[ ! -e "$work/x.onnx" ] || { echo "optimize wrote a file although it failed"; failed=1; }

expect 0 convert "$good" --opset 13 -o "$work/c.onnx"
expect 0 convert "$good" --opset 13 --plan
expect 2 convert "$good" -o "$work/c.onnx"
expect 3 convert "$work/truncated.onnx" --opset 13 -o "$work/x.onnx"

expect 0 inspect "$good" --json
expect 3 inspect "$work/missing.onnx"
expect 0 print "$good"
expect 3 print "$work/truncated.onnx"
expect 0 check "$good"
expect 3 check "$work/truncated.onnx"
expect 0 diff "$good" "$good"
expect 1 diff "$good" "$other"
expect 3 diff "$good" "$work/missing.onnx"
expect 0 compare "$good" "$work/o.onnx"
expect 1 compare "$good" "$other"
expect 1 compare "$random" "$random" --require-verified
expect 2 compare "$good"
expect 3 compare "$good" "$work/missing.onnx"
expect 0 run "$good" --save "$work/out.npz"
expect 2 run "$good" --feed no_such_input=x.npy
expect 3 run "$work/truncated.onnx"
expect 0 passes
expect 0 bisect "$good"
expect 1 bisect "$good" --command false
expect 3 bisect "$work/missing.onnx"
expect 0 reduce "$good" -o "$work/small.onnx" --command false
[ -s "$work/small.onnx" ] && "$onnxopt" check "$work/small.onnx" > /dev/null || { echo "reduce wrote no valid model"; failed=1; }
expect 1 reduce "$good" -o "$work/small.onnx" --check compare
expect 2 reduce "$good" -o "$work/small.onnx" --check command
expect 3 reduce "$work/missing.onnx" -o "$work/small.onnx"
# ConstantOfShape with 2^36 elements, more than the process may have (ir_version 8, graph, opset 17): a message and no crash. Sanitizers need all addresses.
printf '\x08\x08\x3a\x38\x0a\x17\x0a\x01s\x12\x01y\x22\x0fConstantOfShape\x12\x01g\x2a\x0f\x08\x01\x10\x07\x3a\x06\x80\x80\x80\x80\x80\x02\x42\x01s\x62\x09\x0a\x01y\x12\x04\x0a\x02\x08\x01\x42\x04\x0a\x00\x10\x11' > "$work/big.onnx"
if [ -z "${ASAN_OPTIONS+set}" ] && ! grep -q __asan_init "$onnxopt"; then (ulimit -v 16000000; expect 3 run "$work/big.onnx"; exit $failed) || failed=1; fi
[ $failed -eq 0 ] && echo "exit codes: fine"
exit $failed
