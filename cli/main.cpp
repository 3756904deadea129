#include "cli/commands/cli.h"

int main(int argc, char** argv) { return onnxopt::run_cli(argc, argv); }
