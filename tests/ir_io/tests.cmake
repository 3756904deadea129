add_executable(io_roundtrip ${CMAKE_CURRENT_LIST_DIR}/roundtrip_main.cpp)
target_link_libraries(io_roundtrip PRIVATE ir_io onnxopt_warnings)

# Read and written back, every bundled model is the same to the onnx package; only where Python has it (ONNXOPT_PYTHON names another Python).
find_program(ONNXOPT_PYTHON NAMES python3)
if(ONNXOPT_PYTHON)
  execute_process(COMMAND ${ONNXOPT_PYTHON} -c "import onnx, numpy" RESULT_VARIABLE without_onnx OUTPUT_QUIET ERROR_QUIET)
  if(NOT without_onnx)
    add_test(NAME io/roundtrip COMMAND ${ONNXOPT_PYTHON} ${CMAKE_SOURCE_DIR}/tests/tools/roundtrip.py $<TARGET_FILE:io_roundtrip> ${CMAKE_SOURCE_DIR}/tests/models)
  endif()
endif()
