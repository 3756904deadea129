# Warnings, sanitizers, ccache and the linker.
add_library(onnxopt_warnings INTERFACE)
target_compile_options(onnxopt_warnings INTERFACE -Wall -Wextra -Wpedantic $<$<BOOL:${ONNXOPT_WERROR}>:-Werror>)

find_program(ONNXOPT_CCACHE ccache)
if(ONNXOPT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ONNXOPT_CCACHE})
endif()
if(ONNXOPT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(ONNXOPT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)   # coverage of the libraries, so that the fuzzer sees where it gets
endif()
