// The memory of the process: mimalloc, where the build has it, on huge pages, where the system gives them on request.
#pragma once

namespace onnxopt {

// Call first in main: gives the allocator address space that the kernel may back with huge pages. Without mimalloc, or refused, nothing changes.
void use_huge_pages();

}  // namespace onnxopt
