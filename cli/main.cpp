#include "cli/allocator.h"
#include "cli/commands/cli.h"
#include "ir/io/unfinished.h"

int main(int argc, char** argv) {
  onnxopt::use_huge_pages();
  onnxopt::limit_memory();
  onnxopt::remove_unfinished_on_signals();
  return onnxopt::run_cli(argc, argv);
}
