# What inference knows of a model, for check_inference.py.
add_executable(onnxopt_infer_dump EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/infer_dump_main.cpp)
target_link_libraries(onnxopt_infer_dump PRIVATE passes_opset ir_io nlohmann_json::nlohmann_json onnxopt_warnings)
# Small wrongs that the verifier must see.
add_executable(onnxopt_mutate ${CMAKE_CURRENT_LIST_DIR}/mutate_main.cpp)
target_link_libraries(onnxopt_mutate PRIVATE verify_compare passes_opset ir_io onnxopt_warnings)
add_test(NAME verify/mutants COMMAND onnxopt_mutate --each 2 ${CMAKE_SOURCE_DIR}/tests/models/gtcrn.onnx ${CMAKE_SOURCE_DIR}/tests/models/mnist-8.onnx
  ${CMAKE_SOURCE_DIR}/tests/models/linear-classifier.onnx)
set_tests_properties(verify/mutants PROPERTIES LABELS unit)
# Converts every node test to every opset that can hold it and runs the result.
add_executable(onnxopt_convert_prover ${CMAKE_CURRENT_LIST_DIR}/convert_prover_main.cpp ${CMAKE_CURRENT_LIST_DIR}/node_tests.cpp
  ${CMAKE_CURRENT_LIST_DIR}/conversion_cells.cpp)
target_link_libraries(onnxopt_convert_prover PRIVATE verify_conformance verify_kernels_ref passes_opset ir_io nlohmann_json::nlohmann_json onnxopt_warnings)
# Operator versions x targets: the page in docs/ is what the tables of passes/opset say.
add_executable(onnxopt_conversion_matrix ${CMAKE_CURRENT_LIST_DIR}/conversion_matrix_main.cpp ${CMAKE_CURRENT_LIST_DIR}/conversion_cells.cpp)
target_link_libraries(onnxopt_conversion_matrix PRIVATE passes_opset onnxopt_warnings)
add_test(NAME convert/matrix COMMAND onnxopt_conversion_matrix --check ${CMAKE_SOURCE_DIR}/docs/conversion-matrix.txt)
set_tests_properties(convert/matrix PROPERTIES LABELS unit)
# One opset inside: what is read comes back at its own opset, and rules fire at every opset.
add_executable(onnxopt_opset_promises ${CMAKE_CURRENT_LIST_DIR}/opset_promises_main.cpp)
target_link_libraries(onnxopt_opset_promises PRIVATE test_cases onnxopt_warnings)
add_test(NAME convert/own_opset COMMAND onnxopt_opset_promises own ${CMAKE_SOURCE_DIR}/tests/models)
add_test(NAME convert/rules_at_every_opset COMMAND onnxopt_opset_promises rules ${CMAKE_SOURCE_DIR}/tests/cases/passes)
find_program(ONNXOPT_PYTHON NAMES python3)
if(ONNXOPT_PYTHON)
  execute_process(COMMAND ${ONNXOPT_PYTHON} -c "import onnx, numpy" RESULT_VARIABLE without_onnx OUTPUT_QUIET ERROR_QUIET)
  if(NOT without_onnx)
    add_test(NAME convert/node_tests COMMAND ${ONNXOPT_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/convert_node_tests.py $<TARGET_FILE:onnxopt_convert_prover>
             ${CMAKE_BINARY_DIR}/node_tests)
  endif()
endif()
# What the repository has by itself: conversion of the bundled models up and down, with the built-in check.
foreach(opset 9 11 13 15 17 18 21 28)
  foreach(model mnist-8 gtcrn ultraface-rfb-320 linear-classifier)
    add_test(NAME convert/${model}-${opset} COMMAND onnxopt convert ${CMAKE_SOURCE_DIR}/tests/models/${model}.onnx --opset ${opset}
             -o ${CMAKE_BINARY_DIR}/convert-${model}-${opset}.onnx --require-verified)
  endforeach()
endforeach()
# ONNX's own backend tests: a few an operator that are in the repository, and all of them where the onnx package is installed.
add_test(NAME conformance/carried COMMAND onnxopt conformance ${CMAKE_SOURCE_DIR}/tests/conformance -q)
set_tests_properties(conformance/carried PROPERTIES LABELS unit FAIL_REGULAR_EXPRESSION "refused [1-9]")
find_program(ONNXOPT_VENV_PYTHON NAMES python PATHS ${CMAKE_SOURCE_DIR}/.venv/bin NO_DEFAULT_PATH)
set(conformance_python ${ONNXOPT_VENV_PYTHON})
if(NOT conformance_python)
  set(conformance_python ${ONNXOPT_PYTHON})
endif()
if(conformance_python)
  add_test(NAME conformance/whole COMMAND ${conformance_python} ${CMAKE_CURRENT_LIST_DIR}/make_conformance.py check $<TARGET_FILE:onnxopt>
           ${CMAKE_BINARY_DIR}/conformance_whole)
  set_tests_properties(conformance/whole PROPERTIES LABELS shared SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()
# Which operators have kernels, for tools/generate_operator_docs.py.
add_executable(onnxopt_kernel_list ${CMAKE_CURRENT_LIST_DIR}/kernel_list_main.cpp)
target_link_libraries(onnxopt_kernel_list PRIVATE verify_kernels_ref onnxopt_warnings)
# Every reason for which a rule or pass does not fire has a case that shows it.
if(ONNXOPT_PYTHON)
  add_test(NAME case/reasons COMMAND ${ONNXOPT_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/check_reasons.py ${CMAKE_SOURCE_DIR})
  set_tests_properties(case/reasons PROPERTIES LABELS case)
endif()
# Inferred types against computed values, for fuzz_ops.py.
add_executable(onnxopt_infer_check ${CMAKE_CURRENT_LIST_DIR}/infer_check_main.cpp)
target_link_libraries(onnxopt_infer_check PRIVATE verify_kernels_ref passes_opset ir_io onnxopt_warnings)
if(ONNXOPT_PYTHON)
  add_test(NAME docs/operators COMMAND ${ONNXOPT_PYTHON} ${CMAKE_SOURCE_DIR}/tools/generate_operator_docs.py $<TARGET_FILE:onnxopt_kernel_list> --check)
  set_tests_properties(docs/operators PROPERTIES LABELS unit)
endif()
# Random models of every operator against ONNX Runtime, where it is installed.
if(conformance_python)
  add_test(NAME fuzz/operators COMMAND ${conformance_python} ${CMAKE_CURRENT_LIST_DIR}/fuzz_ops.py $<TARGET_FILE:onnxopt> ${CMAKE_BINARY_DIR}/fuzz_ops
           --infer $<TARGET_FILE:onnxopt_infer_check> --cases 400)
  add_test(NAME fuzz/hostile_operators COMMAND ${conformance_python} ${CMAKE_CURRENT_LIST_DIR}/fuzz_ops.py $<TARGET_FILE:onnxopt>
           ${CMAKE_BINARY_DIR}/fuzz_ops_hostile --infer $<TARGET_FILE:onnxopt_infer_check> --cases 420 --hostile)
  add_test(NAME fuzz/contrib_operators COMMAND ${conformance_python} ${CMAKE_CURRENT_LIST_DIR}/check_contrib.py $<TARGET_FILE:onnxopt> --cases 3)
  set_tests_properties(fuzz/operators fuzz/hostile_operators fuzz/contrib_operators PROPERTIES LABELS shared SKIP_RETURN_CODE 77 TIMEOUT 300)
endif()
# Mutants of the case files, optimized at every level and compared.
add_executable(onnxopt_fuzz_passes ${CMAKE_CURRENT_LIST_DIR}/fuzz_passes_main.cpp ${CMAKE_CURRENT_LIST_DIR}/fuzz_trial.cpp
  ${CMAKE_CURRENT_LIST_DIR}/fuzz_inputs.cpp ${CMAKE_CURRENT_LIST_DIR}/fuzz_mutations_constant.cpp ${CMAKE_CURRENT_LIST_DIR}/fuzz_mutations_node.cpp
  ${CMAKE_CURRENT_LIST_DIR}/fuzz_mutations_structure.cpp)
target_link_libraries(onnxopt_fuzz_passes PRIVATE test_cases onnxopt_warnings)
add_test(NAME fuzz/passes COMMAND onnxopt_fuzz_passes ${CMAKE_SOURCE_DIR}/tests/cases/passes ${CMAKE_SOURCE_DIR}/tests/models/made --per-case 2)
set_tests_properties(fuzz/passes PROPERTIES LABELS fuzz TIMEOUT 120)
