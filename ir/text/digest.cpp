// Base64 and SHA-256, by OpenSSL's libcrypto.
#include "ir/text/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "ir/core/error.h"
#include "ir/core/pages.h"
#include "ir/text/tensor_text.h"

namespace onnxopt::text {
namespace {

constexpr std::size_t kBlock = std::size_t{3} << 20;  // libcrypto's lengths are ints

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string r((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EncodeBlock writes a terminating NUL
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); i += kBlock) {
    const std::size_t n = std::min(kBlock, bytes.size() - i);
    at += static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(r.data() + at),
                                                   reinterpret_cast<const unsigned char*>(bytes.data() + i), static_cast<int>(n)));
  }
  r.resize(at);
  return r;
}

bool from_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const auto is_digit = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/'; };
  if (!std::all_of(text.begin(), text.end() - static_cast<std::ptrdiff_t>(padding), is_digit)) return false;  // libcrypto skips white space
  bytes.resize(text.size() / 4 * 3);
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); i += kBlock / 3 * 4) {
    const std::size_t n = std::min(kBlock / 3 * 4, text.size() - i);
    const int got = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data() + at), reinterpret_cast<const unsigned char*>(text.data() + i),
                                    static_cast<int>(n));
    if (got < 0) return false;
    at += static_cast<std::size_t>(got);
  }
  bytes.resize(at - padding);
  return true;
}

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  EVP_MD_CTX* c = state_->context.get();
  ONNXOPT_CHECK(c && EVP_DigestInit_ex(c, EVP_sha256(), nullptr) == 1, "SHA-256 is not available");
}
Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) { EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()); }

std::string Sha256::hex() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ONNXOPT_CHECK(EVP_DigestFinal_ex(state_->context.get(), bytes, &size) == 1, "SHA-256 failed");
  std::string r;
  for (unsigned i = 0; i < size; ++i) {
    r += "0123456789abcdef"[bytes[i] >> 4];
    r += "0123456789abcdef"[bytes[i] & 15];
  }
  return r;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 d;
  d.add(std::as_bytes(std::span(bytes)));
  return d.hex();
}

std::string tensor_sha256(const Tensor& t) {
  Sha256 d;
  if (t.dtype() != DType::string) {
    for (std::size_t at = 0; at < t.byte_size(); at += kStreamBlock) {
      const std::size_t n = std::min(kStreamBlock, t.byte_size() - at);
      d.add(t.bytes().subspan(at, n));
      if (t.file_range()) release_block(t.bytes(), at, at + n);
    }
    return d.hex();
  }
  for (const std::string& s : t.strings()) {
    unsigned char length[8];
    for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(s.size()) >> (8 * i));
    d.add(std::as_bytes(std::span(length)));
    d.add(std::as_bytes(std::span(s)));
  }
  return d.hex();
}

}  // namespace onnxopt::text
