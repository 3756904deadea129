#!/usr/bin/env bash
# What the command line promises beside its exit codes: JSON in every case, nothing lost on the way to the standard output, senseless values refused,
# nothing left behind by a signal. Usage: promises.sh ONNXOPT MODELS_FOLDER
set -u
onnxopt=$1 models=$2
work=$(mktemp -d) failed=0
trap 'rm -rf "$work"' EXIT
good=$models/mnist-8.onnx other=$models/linear-classifier.onnx slow=$models/ultraface-rfb-320.onnx
cp "$good" "$work/in.onnx" && cd "$work" || exit 1
fail() { echo "FAILED: $*"; failed=1; }

# A JSON document on stdout and this exit code; the text after the arguments' -- must be in it.
json() {  # json CODE TEXT ARGUMENTS...
  local want=$1 text=$2; shift 2
  "$onnxopt" "$@" --json > out 2> err
  local got=$?
  [ $got -eq "$want" ] || fail "exit code $got, expected $want: onnxopt $* --json"
  python3 -c 'import json,sys; json.load(open(sys.argv[1]))' out 2> /dev/null || fail "no JSON: onnxopt $* --json"
  grep -qF "$text" out || fail "'$text' is not in the JSON of: onnxopt $* --json"
}
json 0 '"verification"' optimize in.onnx -o x.onnx
json 0 '"target"' optimize in.onnx -o x.onnx --target onnxruntime-cpu
json 3 'tensorrt@8.4 does not load uint8' optimize "$models/mnist-int8-dynamic.onnx" -o x.onnx --target tensorrt@8.4
json 3 'tensorrt@8.4 does not load uint8' convert "$models/mnist-int8-dynamic.onnx" -o x.onnx --target tensorrt@8.4
json 3 '"exit_code": 3' optimize missing.onnx -o x.onnx
json 2 '"exit_code": 2' optimize in.onnx -o in.onnx
json 1 '"exit_code": 1' optimize in.onnx -o x.onnx --verify-budget 1e-9 --require-verified
json 1 '"verdict": "not verified"' optimize in.onnx -o x.onnx --verify-budget 1e-9 --require-verified
json 0 '"steps"' convert in.onnx --opset 13 -o x.onnx
json 1 '"verdict": "not verified"' convert in.onnx --opset 13 -o x.onnx --verify-budget 1e-9 --require-verified
json 3 '"error"' convert missing.onnx --opset 13 -o x.onnx
json 0 '"macs"' inspect in.onnx
json 3 '"error"' inspect missing.onnx
json 0 '"models"' inspect in.onnx x.onnx
"$onnxopt" inspect in.onnx x.onnx --lifted > out && [ "$(grep -c 'nodes lifted to the newest opset' out)" = 2 ] || fail "inspect --lifted of two models"
json 0 '"text"' print in.onnx
json 3 '"error"' print missing.onnx
json 0 '"valid": true' check in.onnx
json 3 '"valid": null' check missing.onnx
json 3 '"valid": true' check missing.onnx in.onnx
printf '<ir_version: 3, opset_import: ["" : 7]> g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add (x, w) }' > ir3.onnxtxt
"$onnxopt" optimize ir3.onnxtxt --passes "" --no-verify -o ir3.onnx > /dev/null || fail "an initializer that is not an input at IR version 3 cannot be optimized"
json 0 '"warnings": []' check in.onnx
json 0 '"sha256"' optimize ir3.onnxtxt -o x3.onnx
json 0 "initializer 'w' is not an input" check ir3.onnx
json 3 '"valid": false' check ir3.onnx --strict
cat > old.onnxtxt << 'TEXT'
<ir_version: 8, opset_import: ["" : 10, "ai.onnx.ml" : 3]>
g (float[2,3] x) => (float[2,3] a, float[2,3] b, float[2,3] c, float[2,3] d, float[2,3] e, float[2,3] f) {
  [gelu] a = Gelu (x)
  b = Gelu (x)
  c = Upsample (x, x)
  d = LayerNormalization (x, x)
  e = ai.onnx.ml.TreeEnsemble (x)
  f = Nonsense (x)
}
TEXT
json 3 "operator 'Gelu' does not exist in ai.onnx 10: it begins with 20 (2 nodes, the first is node 'gelu')" check old.onnxtxt --strict
json 0 "operator 'Upsample' is deprecated since ai.onnx 10 (the node that makes 'c')" check old.onnxtxt
json 0 "operator 'LayerNormalization' does not exist at the model's opset; it begins with 17, and only ONNX Runtime has this form (" check old.onnxtxt
json 0 "operator 'TreeEnsemble' does not exist in ai.onnx.ml 3: it begins with 5 (" check old.onnxtxt
json 0 "operator 'Nonsense' does not exist in ai.onnx 10: ONNX has it in no version (" check old.onnxtxt
json 0 '"equal": true' diff in.onnx in.onnx
json 1 '"equal": false' diff in.onnx "$other"
printf '<ir_version: 3, opset_import: ["" : 7]> g (float[2] x, float[2] w = {1, 2}) => (float[2] y) { y = Add (x, w) }' > listed.onnxtxt
json 1 '1 and 2 inputs' diff ir3.onnxtxt listed.onnxtxt
json 0 '"verdict": "verified"' compare in.onnx x.onnx
json 1 '"verdict": "differs"' compare in.onnx "$other"
json 3 '"error"' compare in.onnx missing.onnx
json 0 '"outputs"' run in.onnx
json 3 '"error"' run missing.onnx
json 3 'no such file or folder' run in.onnx --feed missing
json 0 '"passes"' passes
json 0 '"bad": false' bisect in.onnx
json 1 '"bad": true' bisect in.onnx --command false
json 3 '"error"' bisect missing.onnx
json 0 '"bad": false' bisect in.onnx --target onnxruntime-cpu --inline --keep Plus112 --keep-overridable --max-growth 0
json 0 '"nodes_after": 1' reduce in.onnx -o small.onnx --command false
json 1 '"error"' reduce in.onnx -o small.onnx --check compare
json 0 '"nodes_after": 1' reduce in.onnx -o small.onnxtxt --command false
json 0 '"valid": true' check small.onnxtxt

# Every report says what made it, and its configuration is one that --config takes.
repeatable() {  # repeatable OPTIONS COMMAND...
  local options=$1; shift
  json 0 '"tool": "onnxopt"' "$@" $options
  cp out first
  python3 -c 'import json; json.dump(json.load(open("first"))["config"], open("again.json", "w"))'
  json 0 '"tool": "onnxopt"' "$@" --config again.json
  python3 -c 'import json; a, b = json.load(open("first")), json.load(open("out")); assert a["config"] == b["config"] != {}, (a["config"], b["config"])' ||
    fail "the configuration in the report does not come back: $* $options"
}
repeatable "--external-data -O1 --disable fuse-conv-bn --no-restore --require-verified" optimize in.onnx -o x.onnx
repeatable "--opset 13 --infer" convert in.onnx -o x.onnx
repeatable "--external-data=w.bin" lower in.onnx -o x.onnx
repeatable "--seed 7" run in.onnx
repeatable "--seeds 2 --exact" compare in.onnx in.onnx
repeatable "-O1" bisect in.onnx
for command in "convert --opset 13 -o x.onnx" inspect print check "run" "bisect" "reduce -o x.onnx --command false" "diff in.onnx" "compare in.onnx"; do
  json 0 '"sha256"' $command in.onnx
  python3 -c 'import json; d = json.load(open("out")); d["tool"], d["version"], d["command"], d["config"]' || fail "a report without version or configuration: $command"
done
json 0 '"targets"' convert --target list
json 0 '"passes"' optimize in.onnx -o x.onnx --print-after all --print-changed
json 0 '"target": "generic"' optimize in.onnx -o x.onnx --target generic

usage() { "$onnxopt" "$@" > out 2> err; [ $? -eq 2 ] && [ "$(wc -l < err)" = 1 ] || fail "not one line and exit code 2: onnxopt $*: $(head -c 200 err)"; }
usage optimize in.onnx -o w.onnx --external-data=w.onnx
usage optimize in.onnx -o ./w.onnx --external-data=w.onnx
usage optimize in.onnx -o w.onnx --external-threshold -1
for seconds in nan inf 0 -1 x; do
  usage optimize in.onnx -o w.onnx --verify-budget $seconds
  usage compare in.onnx in.onnx --verify-budget $seconds
  usage bisect in.onnx --verify-budget $seconds
  usage reduce in.onnx -o w.onnx --budget $seconds
done
says() { local text=$1; shift; usage "$@"; grep -qF -- "$text" err || fail "'$text' is not said by onnxopt $*: $(cat err)"; }
says "'optimise' is no command; did you mean 'optimize'? See onnxopt --help" optimise in.onnx
says "say what to do" --json
says "there is no option '--disabel'; did you mean '--disable'? See onnxopt optimize --help" optimize in.onnx -o w.onnx --disabel=fuse-conv-bn
says "'w.onnx' is one argument too many; the output is named by -o FILE" optimize in.onnx w.onnx
says "nearest: fuse-conv-bn," optimize in.onnx -o w.onnx --disable fuse_conv_bn
says "nearest: fuse-conv-bn," optimize in.onnx -o w.onnx --explain fuse-conv-bnn@Conv
says "did you mean 'Plus214_Output_0'?" optimize in.onnx -o w.onnx --output plus214_output_0
says "its inputs are Input3" run in.onnx --feed input=x.npy
printf '<ir_version: 8, opset_import: ["" : 17]> g (float[N,3,"2*T"] x) => (float[N,3,"2*T"] y) { y = Relu (x) }' > dynamic.onnxtxt
says "there are N, 2*T" optimize dynamic.onnxtxt -o w.onnx --dim n=1
json 0 'float[2,3,8]' inspect dynamic.onnxtxt --dim N=2 --dim T=4
# A fixed size that becomes free: what the file says of the outputs holds no longer.
printf '<ir_version: 8, opset_import: ["" : 17]> g (float[1,3] x) => (float[1,3] y) <float[1,3] a> { a = Relu (x) y = Add (a, a) }' > fixed.onnxtxt
for free in "--input-shape x:N,3" "--input-shape x:?,3" "--dim batch=?"; do
  "$onnxopt" optimize fixed.onnxtxt -o freed.onnx $free -q && "$onnxopt" print freed.onnx > out && ! grep -q 'float\[1,3\]' out || fail "a size that is not so: $free: $(cat out)"
done
"$onnxopt" optimize fixed.onnxtxt -o freed.onnx --input-shape x:N,3 -q && "$onnxopt" inspect freed.onnx | grep -q '^output *y *float\[N,3\]' || fail "a freed size is not seen in the output"
says "with ? there, frees it" optimize fixed.onnxtxt -o freed.onnx --input-shape x:2,3
"$onnxopt" optimize fixed.onnxtxt -o freed.onnx --input-shape x:?,3 --input-shape x:2,3 -q && "$onnxopt" inspect freed.onnx | grep -q '^output *y *float\[2,3\]' || fail "a fixed size is replaced"
usage optimize in.onnx -o w.onnx --fuel -5
usage optimize in.onnx -o w.onnx --disable fuse-conv-bn@x
usage optimize in.onnx -o w.onnx --disable fuse-conv-bn@0
usage optimize in.onnx -o w.onnx --explain cleanup
usage optimize in.onnx -o w.onnx --no-verify --require-verified
usage optimize in.onnx -o w.onnx --ir-version 2
usage convert in.onnx --opset 13 -o w.onnx --no-verify --require-verified
usage run in.onnx --save in.onnx
usage run in.onnx --save out.npz --format pb
usage reduce in.onnx -o in.onnx --command false
grep -q "in-place" err && fail "reduce has no --in-place"

# Weights that leave a model which only its owner may read are for the owner only.
cp in.onnx private.onnx && chmod 600 private.onnx && "$onnxopt" optimize private.onnx --in-place --external-data -q
[ "$(stat -c %a private.onnx private.onnx.data | tr '\n' ' ')" = "600 600 " ] || fail "access rights: $(ls -l private*)"

# A target that cannot be written: one line, exit code 3, and what was there stays.
unwritable() { "$onnxopt" "$@" > out 2> err; [ $? -eq 3 ] && [ "$(wc -l < err)" = 1 ] && grep -q "cannot write" err || fail "not one line and exit code 3: onnxopt $*: $(cat err)"; }
mkdir -p folder && echo old > old.npz && cp old.npz old.onnx && cp old.npz old.onnxtxt && cp old.npz old.xml
for save in in.onnx/folder no/out.npz folder/../no/out.npz; do unwritable run in.onnx --save $save; done
mkdir -p test/case/test_data_set_0 && cp in.onnx test/case/model.onnx && "$onnxopt" run in.onnx --save test/case/test_data_set_0 --format pb > out || fail "no test"
printf 'g () => (float[1,1,28,28] x) { x = Constant <value = float[1,1,28,28] {%s}> () }' "$(printf '0.5,%.0s' $(seq 783))0.5" > feed.onnxtxt
"$onnxopt" run feed.onnxtxt --save feed --format pb > out && mv feed/output_0.pb test/case/test_data_set_0/input_0.pb
unwritable conformance test --junit no/out.xml
unwritable conformance test --junit folder
ln -sf /dev/full full.npz && unwritable run in.onnx --save full.npz
ln -sf /dev/full full.xml && unwritable conformance test --junit full.xml
for command in optimize lower "convert --opset 13"; do
  unwritable $command in.onnx -o no/such/folder/x.onnx
  usage $command in.onnx -o -
  usage $command - -o x.onnx
  cp in.onnx place.onnx && "$onnxopt" $command place.onnx --in-place > out && ! cmp -s in.onnx place.onnx || [ "$command" = lower ] || fail "$command --in-place"
done
mkdir -p folder.onnxtxt && for command in inspect "optimize -o w.onnx" "reduce -o w.onnx --command false"; do
  for file in folder.onnxtxt missing.onnxtxt; do
    "$onnxopt" $command $file > out 2> err; [ $? -eq 3 ] && grep -q "$file: \(is a folder\|no such file\)" err || fail "$command $file: $(cat err)"
  done
done
usage inspect in.onnx --config folder
limited() { (ulimit -f 0; "$onnxopt" "$@" 2>&1 > /dev/null; echo "$?") | tr '\n' ' ' > said; grep -q "cannot write.*File too large 3 $" said || fail "no room: onnxopt $*: $(cat said)"; }
limited run in.onnx --save old.npz
limited optimize in.onnx -o old.onnx
limited reduce in.onnx -o old.onnxtxt --command false
limited conformance test --junit old.xml
for file in old.*; do [ "$(cat $file)" = old ] || fail "$file was lost"; done
[ -z "$(ls -A folder)" ] && [ -z "$(find . -name '.*' -type f)" ] || fail "left behind: $(ls -A . folder)"
json 3 '"exit_code": 3' run in.onnx --save in.onnx/folder
"$onnxopt" run in.onnx --seed 7 --save a.npz > out && sleep 2.1 && "$onnxopt" run in.onnx --seed 7 --save b.npz > out && cmp -s a.npz b.npz || fail "an archive of the same values is another one later"

usage optimize in.onnx -o w.onnx --opset ""
usage optimize in.onnx -o w.onnx --opset no.such.domain:3
usage optimize in.onnx -o w.onnx --print-after no-such-pass
usage optimize in.onnx -o w.onnx --assume-opset 99
usage optimize in.onnx -o w.onnx --input-shape Input3:1,1,28,999999999999999999999
[ ! -e w.onnx ] || fail "a file was written although an option made no sense"

echo '{"O": 1, "json": true, "disable": ["fuse-conv-bn"]}' > config.json
json 0 '"O": 1' optimize in.onnx -o x.onnx --config config.json
json 0 '"O": 1' --config config.json optimize in.onnx -o x.onnx
json 0 '"O": 2' optimize in.onnx -o x.onnx --config config.json -O 2   # the command line wins
echo '{"external-data": true, "no-verify": false}' > config.json
json 0 '"file": "x.onnx.data"' optimize in.onnx -o x.onnx --config config.json
for config in '{bad' '[]' '{"O": null}' '{"no-such-option": 1}' '{"verify-budget": -3}'; do
  echo "$config" > config.json
  usage optimize in.onnx -o w.onnx --config config.json
done

"$onnxopt" reduce in.onnx -o no/such/folder/x.onnx --command "touch $work/ran; false" > out 2> err; [ $? -eq 3 ] || fail "reduce into no folder"
[ ! -e ran ] || fail "reduce searched before it looked at where to write"

# What print --full writes is a model to every command.
"$onnxopt" print in.onnx --full > text.onnxtxt
"$onnxopt" diff in.onnx text.onnxtxt > out || fail "the text is another model"
"$onnxopt" optimize text.onnxtxt -o text.onnx > out || fail "optimize of text"
grep -q "^Verification: verified" out || fail "optimize of text: not verified"
"$onnxopt" optimize in.onnx -o binary.onnx > out && "$onnxopt" diff binary.onnx text.onnx > out || fail "text is optimized in another way"
"$onnxopt" convert in.onnx --opset 18 -o other.onnxtxt > out 2> err; [ $? -eq 2 ] && [ ! -e other.onnxtxt ] || fail "a model under the name of text"
echo hello > bad.onnxtxt; "$onnxopt" check bad.onnxtxt > out 2>&1; [ $? -eq 3 ] && grep -q "bad.onnxtxt:2:1" out || fail "text that is none"

# run finds sizes that the model runs with.
echo 'g (float[N,M] x) => (float[4,4] y) <int64[2] s = {4, 4}> { y = Reshape (x, s) }' > sizes.onnxtxt
"$onnxopt" run sizes.onnxtxt > out 2>&1 || fail "run of a model that takes certain sizes only"
echo 'g (float[N,M] x) => (float[7,3] y) <int64[2] s = {7, 3}> { y = Reshape (x, s) }' > sizes.onnxtxt
"$onnxopt" run sizes.onnxtxt > out 2> err; [ $? -eq 3 ] && grep -q -e "--dim" err || fail "run of a model that no made-up sizes fit"

# What stands in a file moves no cursor and makes no second line.
printf 'g (float[2,3] "x\n\033[2J") => (float[3] "y\n") { ["n\n\033[31m"] "y\n" = MatMul ("x\n\033[2J", "x\n\033[2J") r = Flurb ("y\n") }' > control.onnxtxt
for command in inspect check run "optimize -o w.onnx" "compare control.onnxtxt" "diff in.onnx"; do
  "$onnxopt" $command control.onnxtxt 2>&1 | grep -q "$(printf '\033')" && fail "control characters of a file are printed: $command"
done
"$onnxopt" run control.onnxtxt > out 2> err; [ "$(wc -l < err)" = 1 ] || fail "not one line: $(cat err)"
rm -f w.onnx

# Output that gets lost is an error, and never lands in another file.
for command in "inspect in.onnx" "print in.onnx" "passes" "check in.onnx --json" "optimize in.onnx -o full.onnx"; do
  "$onnxopt" $command > /dev/full 2> err; [ $? -eq 3 ] && [ "$(wc -l < err)" = 1 ] || fail "a full disk is not seen: onnxopt $command"
  "$onnxopt" $command >&- 2> err; [ $? -eq 3 ] || fail "a closed standard output is not seen: onnxopt $command"
done
"$onnxopt" optimize in.onnx -o closed.onnx > /dev/null 2>&- <&- || fail "a closed standard error"
"$onnxopt" inspect missing.onnx 2> /dev/full; [ $? -eq 3 ] || fail "an error that nobody can read"
"$onnxopt" check full.onnx closed.onnx > /dev/null || fail "the report went into a model"

# A name of an open file is written through: as root a rename would replace /dev/stdout for everybody.
ln -s /proc/self/fd/1 through
"$onnxopt" optimize in.onnx -o through > piped.onnx 2> report || fail "a model on the standard output"
[ -L through ] && "$onnxopt" check piped.onnx > /dev/null || fail "the model did not go where the link leads"
grep -q '^Verification: not checked' report || fail "the report of a model on the standard output is not on standard error"
"$onnxopt" optimize in.onnx -o through --json 2> report | cmp -s - piped.onnx || fail "another model through a pipe"
python3 -c 'import json; json.load(open("report"))' || fail "no JSON beside a model on the standard output"
"$onnxopt" reduce in.onnx -o through --command false > small.onnx 2> report && "$onnxopt" check small.onnx > /dev/null || fail "reduce to the standard output"
"$onnxopt" optimize in.onnx -o /dev/null --require-verified > /dev/null 2>&1; [ $? -eq 1 ] || fail "--require-verified of what cannot be checked"

# A model of an opset that nobody knows yet can be looked at and copied; what it computes is not known.
printf '<ir_version: 10, opset_import: ["" : 99]>\ng (float[2] x) => (float[2] y) { y = Relu (x) }\n' > newer.onnxtxt
"$onnxopt" optimize newer.onnxtxt -o newer.onnx --passes "" --no-verify -q && "$onnxopt" optimize newer.onnx -o copy.onnx --passes "" --no-verify -q || fail "a copy of a newer model"
for command in "print newer.onnx" "inspect newer.onnx" "diff newer.onnx copy.onnx"; do "$onnxopt" $command > /dev/null || fail "$command"; done
for command in "run newer.onnx" "compare newer.onnx newer.onnx" "optimize newer.onnx -o n.onnx" "convert newer.onnx --opset 13 -o n.onnx" "bisect newer.onnx" \
  "lower newer.onnx -o n.onnx" "optimize newer.onnx -o n.onnx --no-verify --passes remove-dead"; do
  "$onnxopt" $command > /dev/null 2> err; [ $? -eq 3 ] && grep -q -- '--assume-opset 28' err || fail "a newer model: $command"
done

# Why nothing changed.
report() { "$onnxopt" optimize in.onnx -o x.onnx "$@"; }
report --fuel 0 > out && grep -q '^  none were allowed' out && grep -q '^note: the fuel is spent' out && ! grep -q 'nothing to improve' out || fail "--fuel 0"
report --fuel 1 > out && grep -q '^note: the fuel is spent' out || fail "--fuel 1"
"$onnxopt" optimize "$slow" -o x.onnx --no-verify --fuel 10 > out && ! grep -q 'nothing to improve' out || fail "--fuel 10 says that there is nothing to improve"
report --fuel 999 > out && ! grep -q 'fuel' out || fail "--fuel that is left"
report --passes "" > out && grep -q '^  none, the pipeline is empty' out || fail "an empty pipeline"
report --passes remove-dead > out && grep -q '^  nothing to improve' out || fail "nothing to improve"
json 0 'the fuel is spent' optimize in.onnx -o x.onnx --fuel 0

# Equal names of dims are an assumption, and the report lists it.
printf '<ir_version: 8, opset_import: ["" : 17]> g (float[N,3] x, float[N,3] z) => (float[N,3] y) { a = Identity (x) y = Add (a, z) }' > equal.onnxtxt
"$onnxopt" optimize equal.onnxtxt -o x.onnx > out && grep -q '^note: sizes of one name are taken to be equal: N in x, z$' out || fail "equal dims are not listed: $(grep note out)"
json 0 '"dim": "N"' optimize equal.onnxtxt -o x.onnx

# A copy keeps what the file says of its outputs, wrong as it may be.
printf '<ir_version: 8, opset_import: ["" : 17]> g (float[2,3] x) => (float[2,5] y) { y = Relu (x) }' > wrong.onnxtxt
"$onnxopt" optimize wrong.onnxtxt -o wrong.onnx --passes "" --no-verify -q && "$onnxopt" diff wrong.onnxtxt wrong.onnx > out || fail "a copy differs: $(cat out)"

# The graph after a rule that runs in a group, each time it fired there.
report -q --print-after fuse-conv-affine > out && grep -q '^# after fuse-conv-affine in fusions' out || fail "--print-after of a rule prints nothing"
report -q --print-after fuse-gelu > out && [ ! -s out ] || fail "--print-after of a rule that never fired"

# What rules and passes say of themselves.
says() { "$onnxopt" optimize in.onnx -o x.onnx --explain "$1" | grep -qF "$1"; }
for name in remove-dead fuse-conv-bn dedup-nodes; do says $name || fail "--explain $name says nothing"; done
"$onnxopt" optimize in.onnx -o x.onnx --passes "" --explain fuse-conv-bn | grep -q 'never ran' || fail "--explain of a rule that never ran"

# The IR version that is asked for is one that the content can have: below 4 every weight is an input.
"$onnxopt" optimize "$models/silero-vad-micro.onnx" -o ir3.onnx --ir-version 3 -q --no-verify || fail "IR version 3"
"$onnxopt" print ir3.onnx | grep -m1 '=> (' | grep -q 'input, float\[' || fail "IR version 3 without weights among the inputs"
"$onnxopt" optimize in.onnx -o ir10.onnx --ir-version 10 -q && "$onnxopt" print ir10.onnx | grep -m1 '=> (' | grep -q '(float\[1,1,28,28\] Input3)' || fail "IR version 10 with weights among the inputs"

# NAME@n switches off the n-th run and no other, of a rule that is a pass by itself too.
hits() { "$onnxopt" optimize in.onnx -o x.onnx --passes fuse-conv-affine --disable "fuse-conv-affine@$1" | grep -c '^  fuse-conv-affine '; }
[ "$(hits 1) $(hits 2)" = "0 1" ] || fail "--disable NAME@n: $(hits 1) $(hits 2)"

# A signal leaves nothing behind.
mkdir signal
"$onnxopt" optimize "$slow" -o signal/out.onnx --external-data > /dev/null 2>&1 &
pid=$!
for _ in $(seq 2000); do [ -n "$(ls -A signal)" ] && break; sleep 0.005; done
[ -n "$(ls -A signal)" ] || fail "no file was ever seen"
kill -TERM $pid; wait $pid 2> /dev/null
[ -z "$(ls -A signal)" ] || fail "a signal left $(ls -A signal)"
mkdir scratch
for command in "bisect missing.onnx" "reduce missing.onnx -o small.onnx --command false" "reduce missing.onnxtxt -o small.onnx --command false" \
  "bisect in.onnx --command no-such-program" "reduce in.onnx -o small.onnx --command ./in.onnx" "reduce in.onnx -o small.onnx --command true"; do
  TMPDIR=$work/scratch "$onnxopt" $command > out 2> err && fail "no error: $command"
  [ "$(wc -l < err)" = 1 ] && [ -z "$(ls -A scratch)" ] || fail "$command left $(ls -AR scratch), said $(cat err)"
done
TMPDIR=$work/scratch usage bisect in.onnx --command no-such-program
TMPDIR=$work/scratch usage reduce in.onnx -o small.onnx --command ./in.onnx
TMPDIR=$work/in.onnx "$onnxopt" bisect in.onnx > out 2> err; [ $? -eq 3 ] && grep -q TMPDIR err || fail "a TMPDIR that is none: $(cat err)"
TMPDIR="$work/it's" && mkdir "$TMPDIR" && TMPDIR="$TMPDIR" "$onnxopt" bisect in.onnx --command "test -s" > out || fail "a quote in TMPDIR"
unset TMPDIR
for command in "bisect" "reduce -o small.onnx"; do
  TMPDIR=$work/scratch "$onnxopt" $command "$slow" --command "sleep 2; false" > /dev/null 2>&1 &
  pid=$!
  for _ in $(seq 2000); do [ -n "$(ls -A scratch)" ] && break; sleep 0.005; done
  sleep 0.3; kill -TERM $pid; wait $pid 2> /dev/null
  [ -z "$(ls -A scratch)" ] || fail "a signal left $(ls -AR scratch) of $command"
done
python3 - "$onnxopt" "$slow" <<'PYTHON' || fail "SIGINT during the user's command"   # a shell's background jobs ignore SIGINT
import signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "bisect", sys.argv[2], "--command", "touch started; sleep 5; false"])
while not __import__("os").path.exists("started"): time.sleep(0.01)
p.send_signal(signal.SIGINT)
sys.exit(p.wait(timeout=4) != -signal.SIGINT)
PYTHON
printf 'g (float[1] x) => (float[1] y) { y = my.Op <blob = "a\377\000b"> (x) }' > blob.onnxtxt
"$onnxopt" print --full blob.onnxtxt > blob2.onnxtxt && "$onnxopt" diff blob.onnxtxt blob2.onnxtxt > out || fail "bytes in a string attribute: $(cat out)"
"$onnxopt" print --full --json blob.onnxtxt > blob.json
python3 - <<'PYTHON' || fail "print --json loses bytes"
import base64, json, sys
sys.exit(base64.b64decode(json.load(open("blob.json"))["text_base64"]) != open("blob2.onnxtxt", "rb").read())
PYTHON
[ $failed -eq 0 ] && echo "promises: kept"
exit $failed
