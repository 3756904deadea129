add_executable(io_roundtrip ${CMAKE_CURRENT_LIST_DIR}/roundtrip_main.cpp)
target_link_libraries(io_roundtrip PRIVATE ir_io onnxopt_warnings)
