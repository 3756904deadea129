# libFuzzer targets; the preset `fuzz` (clang) turns them on. How to run: tests/fuzz/README.md. Inputs that once failed are replayed by fuzz_replay_test.
if(ONNXOPT_FUZZ)
  add_executable(fuzz_load ${CMAKE_CURRENT_LIST_DIR}/fuzz_load.cpp ${CMAKE_CURRENT_LIST_DIR}/wire_mutator.cpp)
  target_link_libraries(fuzz_load PRIVATE passes_core verify_kernels_ref ir_io)
  target_link_options(fuzz_load PRIVATE -fsanitize=fuzzer)
  add_executable(fuzz_text ${CMAKE_CURRENT_LIST_DIR}/fuzz_text.cpp)
  target_link_libraries(fuzz_text PRIVATE ir_text)
  target_link_options(fuzz_text PRIVATE -fsanitize=fuzzer)
endif()
