// The memory of the process: mimalloc, where the build has it, on huge pages, where the system gives them on request.
#pragma once

namespace onnxopt {

// Call first in main: gives the allocator address space that the kernel may back with huge pages. Without mimalloc, or refused, nothing changes.
void use_huge_pages();

// What the machine (or the container) has free is all that this process may take: a model that asks for more gets the line of an error (out of
// memory) instead of the system killing this process, or another one.
void limit_memory();

}  // namespace onnxopt
