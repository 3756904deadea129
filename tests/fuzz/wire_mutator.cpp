// libFuzzer mutator that knows protobuf's wire format: it changes one field somewhere inside nested messages and repairs the lengths around it, so
// that most mutants get past the scanner and reach what the fields mean. One mutant in four is still plain bytes.
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Random = std::minstd_rand;

struct Field {
  std::uint64_t tag = 0, number = 0;  // number: varint value
  std::string bytes;                  // fixed width or length-delimited payload
};

bool take_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto b = static_cast<unsigned char>(in[0]);
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) return true;
  }
  return false;
}

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

bool parse(std::string_view in, std::vector<Field>& fields) {
  while (!in.empty()) {
    Field f;
    if (!take_varint(in, f.tag) || f.tag >> 3 == 0 || f.tag >> 3 > 100) return false;
    std::uint64_t length = 0;
    switch (f.tag & 7) {
      case 0:
        if (!take_varint(in, f.number)) return false;
        break;
      case 1: length = 8; break;
      case 5: length = 4; break;
      case 2:
        if (!take_varint(in, length)) return false;
        break;
      default: return false;
    }
    if (length > in.size()) return false;
    f.bytes = in.substr(0, length);
    in.remove_prefix(length);
    fields.push_back(std::move(f));
  }
  return true;
}

std::string join(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& f : fields) {
    put_varint(out, f.tag);
    if ((f.tag & 7) == 0) put_varint(out, f.number);
    if ((f.tag & 7) == 2) put_varint(out, f.bytes.size());
    out += f.bytes;
  }
  return out;
}

void mutate_bytes(std::string& s) {
  const std::size_t old = s.size();
  s.resize(old + 64);
  s.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(s.data()), old, s.size()));
}

void mutate_number(std::uint64_t& v, Random& random) {
  constexpr std::uint64_t kInteresting[] = {0, 1, 2, 7, 8, 10, 16, 127, 255, 256, 1u << 31, ~0ull, 1ull << 62, 1ull << 63, 4294967295u};
  switch (random() % 3) {
    case 0: v += random() % 5 - 2; break;
    case 1: v = random() % 30; break;
    default: v = kInteresting[random() % std::size(kInteresting)];
  }
}

void mutate(std::string& message, Random& random, int depth) {
  std::vector<Field> fields;
  if (depth > 12 || !parse(message, fields) || fields.empty()) return mutate_bytes(message);
  const std::size_t i = random() % fields.size(), j = random() % fields.size();
  switch (random() % 8) {
    case 0: fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(i)); break;
    case 1: fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(j), Field(fields[i])); break;
    case 2: std::swap(fields[i], fields[j]); break;
    case 3:
      if ((fields[i].tag & 7) == (fields[j].tag & 7)) fields[i].bytes = fields[j].bytes;  // e.g. a name becomes another one's
      break;
    default: {
      Field& f = fields[i];
      if ((f.tag & 7) == 0) mutate_number(f.number, random);
      else if ((f.tag & 7) == 2) mutate(f.bytes, random, depth + 1);
      else
        for (char& c : f.bytes) c = static_cast<char>(random());
    }
  }
  message = join(fields);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  Random random(seed);
  if (random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string message(reinterpret_cast<const char*>(data), size);
  for (unsigned n = random() % 3 + 1; n > 0; --n) mutate(message, random, 0);
  if (message.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, message.data(), message.size());
  return message.size();
}
