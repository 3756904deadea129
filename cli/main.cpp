#ifdef ONNXOPT_MIMALLOC
#include <mimalloc-new-delete.h>  // operator new and delete: a graph is millions of small objects
#endif

#include "cli/allocator.h"
#include "cli/commands/cli.h"

int main(int argc, char** argv) {
  onnxopt::use_huge_pages();
  return onnxopt::run_cli(argc, argv);
}
