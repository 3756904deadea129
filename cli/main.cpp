#include "cli/allocator.h"
#include "cli/commands/cli.h"

int main(int argc, char** argv) {
  onnxopt::use_huge_pages();
  onnxopt::limit_memory();
  return onnxopt::run_cli(argc, argv);
}
