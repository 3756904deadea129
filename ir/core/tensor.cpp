#include "ir/core/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "ir/core/pages.h"

namespace onnxopt {
namespace {

constexpr std::size_t kAlignment = 16;
constexpr std::size_t kSmall = 64;                    // bytes that a tensor holds without a vector
constexpr std::size_t kLarge = std::size_t{1} << 20;  // of a mapped file: read in blocks that go again

struct AlignedFree {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t(kAlignment)); }
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedFree>;

AlignedBytes aligned_copy(std::span<const std::byte> bytes) {
  AlignedBytes copy(new (std::align_val_t(kAlignment)) std::byte[bytes.size() + 1]);
  if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

// 64-bit multiply-mix hash over 8-byte words; a quality hash for dedup tables, not for security.
std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h ^= v * 0x9E3779B97F4A7C15ull;
  h = (h << 27) | (h >> 37);
  return h * 0xD6E8FEB86659FD93ull + 0x52DCE729ull;
}
std::uint64_t hash_bytes(const void* data, std::size_t n, std::uint64_t h, bool mapped = false) {
  const auto* p = static_cast<const unsigned char*>(data);
  const std::span whole(static_cast<const std::byte*>(data), n);
  std::uint64_t lanes[4] = {h, h + 1, h + 2, h + 3};  // independent chains keep the multiplier busy on large weights
  while (n >= 32) {
    const std::size_t from = whole.size() - n;
    for (std::size_t left = std::min(n, kStreamBlock); left >= 32; p += 32, n -= 32, left -= 32)
      for (int l = 0; l < 4; ++l) {
        std::uint64_t v;
        std::memcpy(&v, p + 8 * l, 8);
        lanes[l] = mix(lanes[l], v);
      }
    if (mapped) release_block(whole, from, whole.size() - n);
  }
  for (std::uint64_t l : lanes) h = mix(h, l);
  for (; n > 0; p += 8) {
    std::uint64_t v = 0;
    const std::size_t take = n < 8 ? n : 8;
    std::memcpy(&v, p, take);
    h = mix(h, v ^ (take << 56));
    n -= take;
  }
  return h;
}

}  // namespace

std::int64_t element_count(const Dims& dims) {
  std::int64_t n = 1;
  bool zero = false;
  for (std::int64_t d : dims) {
    if (d < 0) bad_input(fmt::format("negative dimension {}", d));
    if (d == 0) {
      zero = true;
      continue;
    }
    if (__builtin_mul_overflow(n, d, &n)) bad_input("number of elements overflows 64 bits");
  }
  return zero ? 0 : n;
}

std::size_t raw_byte_size(DType t, const Dims& dims) {
  const std::int64_t n = element_count(dims);
  std::int64_t bits = 0;
  if (__builtin_mul_overflow(n, static_cast<std::int64_t>(bit_width(t)), &bits) || bits > INT64_MAX - 7) bad_input("tensor size overflows 64 bits");
  return static_cast<std::size_t>((bits + 7) / 8);
}

// What few tensors have: kept out of the way, since a big graph has a million small constants.
struct Tensor::Payload {
  struct Rare {
    std::shared_ptr<const void> owner;  // where it is not range.file
    std::shared_ptr<const std::vector<std::string>> strings;
    std::shared_ptr<const TensorNotes> notes;
  };
  DType dtype = DType::undefined;
  bool on_disk = false;  // `range` says where
  Dims dims;
  std::int64_t count = 0;
  std::span<const std::byte> bytes;
  FileRange range;  // its file also keeps the bytes of a view alive
  std::unique_ptr<Rare> rare;
  mutable std::atomic<std::byte*> aligned{nullptr};
  mutable std::atomic<std::uint64_t> hash{0};
  const Payload* base = nullptr;  // the payload whose aligned copy is shared (kept alive by the owner)

  Payload() = default;
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  ~Payload() { AlignedFree()(aligned.load(std::memory_order_relaxed)); }

  Rare& make_rare() {
    if (!rare) rare = std::make_unique<Rare>();
    return *rare;
  }
  bool is_streamed() const { return on_disk && bytes.size() >= kLarge; }
  const std::vector<std::string>* strings() const { return rare ? rare->strings.get() : nullptr; }
  void set_owner(std::shared_ptr<const void> owner) {
    if (!owner || owner == range.file) return;
    if (!range.file) range.file = std::move(owner);
    else make_rare().owner = std::move(owner);
  }
};

namespace {
const Dims kNoDims;
}

Tensor Tensor::from_bytes(DType t, Dims dims, std::vector<std::byte> bytes) {
  ONNXOPT_CHECK(bytes.size() == raw_byte_size(t, dims),
                fmt::format("{} bytes for {} elements of {}", bytes.size(), element_count(dims), dtype_name(t)));
  auto p = std::make_shared<Payload>();
  p->dtype = t;
  p->count = element_count(dims);
  p->dims = std::move(dims);
  if (bytes.size() <= kSmall) {  // one allocation instead of two
    auto held = std::make_shared<std::byte[]>(bytes.size());
    if (!bytes.empty()) std::memcpy(held.get(), bytes.data(), bytes.size());
    p->bytes = {held.get(), bytes.size()};
    p->set_owner(std::move(held));
  } else {
    auto held = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    p->bytes = *held;
    p->set_owner(std::move(held));
  }
  Tensor r;
  r.payload_ = std::move(p);
  return r;
}

Tensor Tensor::from_view(DType t, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner, FileRange range) {
  ONNXOPT_CHECK(bytes.size() == raw_byte_size(t, dims),
                fmt::format("{} bytes for {} elements of {}", bytes.size(), element_count(dims), dtype_name(t)));
  auto p = std::make_shared<Payload>();
  p->dtype = t;
  p->count = element_count(dims);
  p->dims = std::move(dims);
  p->bytes = bytes;
  p->on_disk = range.file != nullptr;
  p->range = std::move(range);
  p->set_owner(std::move(owner));
  Tensor r;
  r.payload_ = std::move(p);
  return r;
}

Tensor Tensor::from_strings(Dims dims, std::vector<std::string> strings) {
  ONNXOPT_CHECK(static_cast<std::int64_t>(strings.size()) == element_count(dims), "number of strings does not match the dims");
  auto p = std::make_shared<Payload>();
  p->dtype = DType::string;
  p->count = element_count(dims);
  p->dims = std::move(dims);
  p->make_rare().strings = std::make_shared<const std::vector<std::string>>(std::move(strings));
  Tensor r;
  r.payload_ = std::move(p);
  return r;
}

Tensor Tensor::zeros(DType t, Dims dims) {
  if (t == DType::string) {
    const auto n = static_cast<std::size_t>(element_count(dims));
    return from_strings(std::move(dims), std::vector<std::string>(n));
  }
  const std::size_t n = raw_byte_size(t, dims);
  return from_bytes(t, std::move(dims), std::vector<std::byte>(n));
}

DType Tensor::dtype() const { return payload_ ? payload_->dtype : DType::undefined; }
const Dims& Tensor::dims() const { return payload_ ? payload_->dims : kNoDims; }
std::int64_t Tensor::size() const { return payload_ ? payload_->count : 0; }
std::size_t Tensor::byte_size() const { return payload_ ? payload_->bytes.size() : 0; }
std::span<const std::byte> Tensor::bytes() const { return payload_ ? payload_->bytes : std::span<const std::byte>(); }
std::span<const std::string> Tensor::strings() const {
  ONNXOPT_CHECK(dtype() == DType::string, "tensor is not of strings");
  return *payload_->strings();
}

const std::byte* Tensor::aligned() const {
  if (!payload_) return nullptr;
  const Payload* p = payload_->base ? payload_->base : payload_.get();
  if (reinterpret_cast<std::uintptr_t>(p->bytes.data()) % kAlignment == 0) return p->bytes.data();
  std::byte* made = p->aligned.load(std::memory_order_acquire);
  if (made) return made;
  AlignedBytes copy = aligned_copy(p->bytes);
  if (p->aligned.compare_exchange_strong(made, copy.get(), std::memory_order_acq_rel)) return copy.release();
  return made;  // another thread was faster
}

const FileRange* Tensor::file_range() const { return payload_ && payload_->on_disk ? &payload_->range : nullptr; }
const TensorNotes* Tensor::notes() const { return payload_ && payload_->rare ? payload_->rare->notes.get() : nullptr; }

Tensor Tensor::reshaped(Dims dims) const {
  ONNXOPT_CHECK(element_count(dims) == size(), "reshape changes the number of elements");
  auto p = std::make_shared<Payload>();
  p->dtype = payload_->dtype;
  p->count = payload_->count;
  p->dims = std::move(dims);
  p->bytes = payload_->bytes;
  p->on_disk = payload_->on_disk;
  p->range = payload_->range;
  if (payload_->strings()) p->make_rare().strings = payload_->rare->strings;
  // A small view stands for itself; else the aligned bytes are made once, by the payload that is the base of all.
  const bool plain_view = p->on_disk && p->bytes.size() <= kSmall && !payload_->base;
  if (plain_view) {
    if (payload_->rare) p->set_owner(payload_->rare->owner);
  } else {
    p->set_owner(payload_);
    p->base = payload_->base ? payload_->base : payload_.get();
  }
  Tensor r;
  r.payload_ = std::move(p);
  return r;
}

Tensor Tensor::with_notes(TensorNotes notes) const {
  Tensor r = reshaped(dims());
  const_cast<Payload&>(*r.payload_).make_rare().notes = std::make_shared<const TensorNotes>(std::move(notes));
  return r;
}

std::uint64_t Tensor::content_hash() const {
  if (!payload_) return 0;
  std::uint64_t h = payload_->hash.load(std::memory_order_relaxed);
  if (h != 0) return h;
  h = mix(0x243F6A8885A308D3ull, static_cast<std::uint64_t>(dtype()));
  for (std::int64_t d : dims()) h = mix(h, static_cast<std::uint64_t>(d));
  if (payload_->strings()) {
    for (const std::string& s : *payload_->strings()) h = hash_bytes(s.data(), s.size(), mix(h, s.size()));
  } else {
    h = hash_bytes(payload_->bytes.data(), payload_->bytes.size(), h, payload_->is_streamed());
  }
  if (h == 0) h = 1;
  payload_->hash.store(h, std::memory_order_relaxed);
  return h;
}

bool Tensor::same_content(const Tensor& other) const {
  if (payload_ == other.payload_) return true;
  if (!payload_ || !other.payload_ || dtype() != other.dtype() || dims() != other.dims()) return false;
  if (payload_->strings()) return *payload_->strings() == *other.payload_->strings();
  if (payload_->bytes.data() == other.payload_->bytes.data()) return true;
  const std::size_t size = payload_->bytes.size();
  if (size != other.payload_->bytes.size()) return false;
  return first_difference({payload_->bytes, payload_->is_streamed()}, {other.payload_->bytes, other.payload_->is_streamed()}) == size;
}

bool Tensor::shares_payload(const Tensor& other) const {
  if (!payload_ || !other.payload_) return false;
  if (payload_->strings()) return payload_->strings() == other.payload_->strings();
  return payload_->bytes.data() == other.payload_->bytes.data() && payload_->bytes.size() == other.payload_->bytes.size();
}

}  // namespace onnxopt
