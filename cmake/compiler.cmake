# Warnings, sanitizers, ccache and the linker.
add_library(onnxopt_warnings INTERFACE)
target_compile_options(onnxopt_warnings INTERFACE -Wall -Wextra -Wpedantic $<$<BOOL:${ONNXOPT_WERROR}>:-Werror>)

find_program(ONNXOPT_CCACHE ccache)
if(ONNXOPT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ONNXOPT_CCACHE})   # what it asks for with precompiled headers
endif()
if(ONNXOPT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(ONNXOPT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)   # coverage of the libraries, so that the fuzzer sees where it gets
endif()

# Headers are half of each file's time: what nearly every file of a layer includes is compiled once for it, and once more for each other set of flags.
# Not where sanitizers are on: that build sees each file as it stands, so that a missing include shows there, and all warnings do.
# GCC 12 forgets which precompiled headers are the system's, and warns of bounds inside <string> and <vector>.
set(onnxopt_precompiled_options $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict>)
function(onnxopt_precompile name)
  if(NOT ONNXOPT_SANITIZE)
    target_precompile_headers(${name} PRIVATE <algorithm> <functional> <map> <memory> <optional> <string> <unordered_map> <vector> <fmt/format.h> ${ARGN})
    target_compile_options(${name} PRIVATE ${onnxopt_precompiled_options})
  endif()
endfunction()
function(onnxopt_reuse_precompiled name from)
  if(NOT ONNXOPT_SANITIZE)
    target_precompile_headers(${name} REUSE_FROM ${from})
    target_compile_options(${name} PRIVATE ${onnxopt_precompiled_options})
  endif()
endfunction()
