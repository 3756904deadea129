#!/usr/bin/env bash
# What every command says of a path that holds no model: one line that names the path and the fault, exit code 3, no file written. Where there is nothing to
# read, `check` says the same as the others and not that a model is invalid.   no_model.sh ONNXOPT MODELS_FOLDER
set -u
onnxopt=$1 good=$2/mnist-8.onnx
work=$(mktemp -d) failed=0
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cp "$good" good.onnx
mkdir folder folder.onnxtxt
: > empty.onnx
: > empty.onnxtxt
echo 'some words' > words.onnx
printf '<!DOCTYPE html>\n<html></html>' > page.onnx
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n' > pointer.onnx
printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR' > picture.onnx
printf 'PK\x03\x04\x14\0\0\0' > model.onnx.zip
head -c 20000 good.onnx > cut.onnx

fail() { echo "FAILED: $*"; failed=1; }
said() {  # said PATH TEXT COMMAND...
  local path=$1 text=$2; shift 2
  "$onnxopt" "$@" > out 2> err
  local got=$?
  [ $got -eq 3 ] || fail "exit code $got, not 3: onnxopt $*"
  [ "$(wc -l < err)" = 1 ] || fail "not one line: onnxopt $*: $(cat err)"
  grep -qF "onnxopt: $path: $text" err || fail "onnxopt $* says: $(cat err)"
  [ -s out ] && fail "onnxopt $* has results: $(cat out)"
  [ -e made.onnx ] && fail "onnxopt $* wrote a file"
}
everywhere() {  # everywhere PATH TEXT
  for command in "inspect $1" "inspect good.onnx $1" "print $1" "diff good.onnx $1" "diff $1 good.onnx" "compare good.onnx $1" "compare $1 good.onnx" "run $1" \
    "optimize $1 -o made.onnx" "convert $1 -o made.onnx --opset 13" "lower $1 -o made.onnx" "bisect $1 --command true" \
    "reduce $1 -o made.onnx --command false"; do
    said "$1" "$2" $command
  done
}
nothing() { everywhere "$@"; said "$@" check "$1"; }
invalid() {
  everywhere "$@"
  "$onnxopt" check "$1" > out 2> err && fail "check ends well: $1"
  [ -s err ] || { grep -qF "$1: INVALID" out && grep -qF "  $1: $2" out; } || fail "check $1 says: $(cat out err)"
}
nothing missing.onnx 'no such file'
nothing no/such/model.onnx 'no such file'
nothing missing.onnxtxt 'no such file'
nothing good.onnx/model.onnx 'Not a directory'
nothing folder 'is a folder, not a file'
nothing folder.onnxtxt 'is a folder, not a file'
nothing empty.onnx 'the file is empty'
nothing empty.onnxtxt 'the file is empty'
nothing /dev/null 'not a regular file'
invalid words.onnx 'not an ONNX model but a text file'
invalid page.onnx 'not an ONNX model but a web page'
invalid pointer.onnx 'not an ONNX model but a Git LFS pointer'
invalid picture.onnx 'not an ONNX model but a PNG image'
invalid model.onnx.zip 'not an ONNX model but a ZIP archive'
invalid cut.onnx 'corrupt protobuf'
said missing 'no such folder' conformance missing

# One that is not there does not keep the others from being checked.
"$onnxopt" check missing.onnx good.onnx > out 2> err
[ $? -eq 3 ] && [ "$(cat out)" = 'good.onnx: valid' ] && [ "$(cat err)" = 'onnxopt: missing.onnx: no such file' ] || fail "check of two files: $(cat out err)"
[ $failed -eq 0 ] && echo "no model: said"
exit $failed
