# The conformance runner over ONNX backend test folders.
add_executable(onnxopt_conformance ${CMAKE_CURRENT_SOURCE_DIR}/tools/conformance_main.cpp)
target_link_libraries(onnxopt_conformance PRIVATE verify_kernels_ref ir_io nlohmann_json::nlohmann_json onnxopt_warnings)
