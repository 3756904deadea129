# The conformance runner over ONNX backend test folders.
add_executable(onnxopt_conformance ${CMAKE_CURRENT_SOURCE_DIR}/tools/conformance_main.cpp)
target_link_libraries(onnxopt_conformance PRIVATE verify_kernels_ref ir_io nlohmann_json::nlohmann_json onnxopt_warnings)
# What inference knows of a model, for check_inference.py.
add_executable(onnxopt_infer_dump EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/infer_dump_main.cpp)
target_link_libraries(onnxopt_infer_dump PRIVATE passes_opset ir_io nlohmann_json::nlohmann_json onnxopt_warnings)
# Small wrongs that the verifier must see.
add_executable(onnxopt_mutate ${CMAKE_CURRENT_LIST_DIR}/mutate_main.cpp)
target_link_libraries(onnxopt_mutate PRIVATE verify_compare passes_opset ir_io onnxopt_warnings)
add_test(NAME verify/mutants COMMAND onnxopt_mutate --each 2 ${CMAKE_SOURCE_DIR}/tests/models/gtcrn.onnx ${CMAKE_SOURCE_DIR}/tests/models/mnist-8.onnx
  ${CMAKE_SOURCE_DIR}/tests/models/linear-classifier.onnx)
set_tests_properties(verify/mutants PROPERTIES LABELS unit)
