# The command line as a user sees it.
add_test(NAME cli/exit_codes COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/exit_codes.sh $<TARGET_FILE:onnxopt> ${CMAKE_SOURCE_DIR}/tests/models)
set_tests_properties(cli/exit_codes PROPERTIES LABELS cli)
