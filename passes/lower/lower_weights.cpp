// Weights of few bits: MatMulNBits and GatherBlockQuantized. From opset 21 on DequantizeLinear in blocks where the form allows it; else bytes,
// computed.
#include <algorithm>

#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

namespace {

constexpr int kBlocks = 21;  // the opset of 4-bit types and of DequantizeLinear in blocks
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Elements of `bits` bits, the lowest first, `rows` rows of `columns` of which each begins with a byte of its own; one byte each.
Tensor unpacked(const Tensor& packed, int64_t rows, int64_t columns, int64_t bits, Dims dims) {
  const int64_t row_bytes = (columns * bits + 7) / 8, per = 8 / bits;
  std::vector<std::uint8_t> out(at(rows * columns));
  const auto* in = reinterpret_cast<const std::uint8_t*>(packed.bytes().data());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      out[at(r * columns + c)] = static_cast<std::uint8_t>(in[r * row_bytes + c / per] >> (c % per * bits) & ((1 << bits) - 1));
  return Tensor::of<std::uint8_t>(std::move(dims), out);
}
// Bytes of 0 to 15 as a uint4 tensor.
Tensor as_uint4(const Tensor& bytes) {
  const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.bytes().data());
  std::vector<std::byte> out(raw_byte_size(DType::uint4, bytes.dims()));
  for (int64_t i = 0; i < bytes.size(); ++i) out[at(i / 2)] |= static_cast<std::byte>(in[i] << (i % 2 * 4));
  return Tensor::from_bytes(DType::uint4, bytes.dims(), std::move(out));
}
Tensor filled(Dims dims, std::uint8_t v) {
  std::vector<std::uint8_t> all(at(element_count(dims)), v);
  return Tensor::of<std::uint8_t>(std::move(dims), all);
}

struct NBits {
  int64_t k, n, bits, block, blocks;
};

// (q - zero) * scale with q and zero in bytes, [n, blocks, block] and [n, blocks, 1]; with g_idx [n, k], each column with the scale of its group.
Value* computed_weights(Expansion& e, const NBits& a, const Tensor& data, Value* zero, DType t) {
  Value* scale = e.in(2);
  if (e.has(4)) {
    const auto pick = [&](Value* v) { return e.op("Gather", {e.reshape(v, {a.n, a.blocks}), e.in(4)}, {{"axis", int64_t{1}}}); };
    Value* q = e.tensor(unpacked(data, a.n, a.blocks * a.block, a.bits, {a.n, a.blocks * a.block}));
    if (a.k != a.blocks * a.block) q = e.slice(q, 0, a.k, 1);
    return e.mul(e.sub(e.cast(q, t), pick(zero)), pick(scale));
  }
  Value* q = e.tensor(unpacked(data, a.n, a.blocks * a.block, a.bits, {a.n, a.blocks, a.block}));
  const Ints one_each{a.n, a.blocks, 1};
  Value* w = e.mul(e.sub(e.op("Cast", {q}, {{"to", static_cast<int64_t>(t)}}), e.reshape(zero, one_each)), e.reshape(scale, one_each));
  w = e.reshape(w, {a.n, a.blocks * a.block});
  return a.k == a.blocks * a.block ? w : e.slice(w, 0, a.k, 1);
}

}  // namespace

std::string matmul_nbits(Expansion& e) {
  const NBits a{e.integer("K"), e.integer("N"), e.integer("bits", 4), e.integer("block_size"),
                e.integer("block_size") > 0 ? (e.integer("K") + e.integer("block_size") - 1) / e.integer("block_size") : 0};
  const DType t = e.dtype();
  const Tensor *data = e.constant(1), *zeros = e.constant(3);
  if (t == DType::undefined) return "type: the element type is not known";
  if (!data || (e.has(3) && !zeros)) return "non-constant operand: the weights";
  if (a.bits != 2 && a.bits != 4 && a.bits != 8) return "weights of an odd number of bits";
  if (a.k < 1 || a.n < 1 || a.block < 1 || data->dtype() != DType::uint8 || data->size() != a.n * a.blocks * a.block * a.bits / 8)
    return "weights of another form";
  if (e.integer("weight_prepacked") != 0) return "weights packed for one processor";
  const bool packed_zeros = zeros && zeros->dtype() == DType::uint8;
  if (packed_zeros && zeros->size() != a.n * ((a.blocks * a.bits + 7) / 8)) return "zero points of another form";
  const Dims grid{a.n, a.blocks};
  const Tensor zero = packed_zeros ? unpacked(*zeros, a.n, a.blocks, a.bits, grid) : filled(grid, static_cast<std::uint8_t>(1 << (a.bits - 1)));
  Value* w = nullptr;
  if (e.opset() >= kBlocks && !e.has(4) && a.bits != 2 && (!zeros || packed_zeros)) {
    Tensor q = unpacked(*data, a.n, a.blocks * a.block, a.bits, {a.n, a.blocks * a.block});
    if (a.k != a.blocks * a.block) {  // the last block is cut
      const auto* all = reinterpret_cast<const std::uint8_t*>(q.bytes().data());
      std::vector<std::uint8_t> cut;
      for (int64_t r = 0; r < a.n; ++r) cut.insert(cut.end(), all + r * a.blocks * a.block, all + r * a.blocks * a.block + a.k);
      q = Tensor::of<std::uint8_t>({a.n, a.k}, cut);
    }
    const bool four = a.bits == 4;
    w = e.op("DequantizeLinear", {e.tensor(four ? as_uint4(q) : q), e.reshape(e.in(2), {a.n, a.blocks}), e.tensor(four ? as_uint4(zero) : zero)},
             {{"axis", int64_t{1}}, {"block_size", a.block}});
  } else {
    Value* z = zeros && !packed_zeros ? e.in(3) : e.op("Cast", {e.tensor(zero)}, {{"to", static_cast<int64_t>(t)}});
    w = computed_weights(e, a, *data, z, t);
  }
  Value* y = e.op("MatMul", {e.in(0), e.transpose(w, {1, 0})});
  return e.result(0, e.has(5) ? e.add(y, e.in(5)) : y), "";
}

std::string gather_block_quantized(Expansion& e) {
  const Tensor *data = e.constant(0), *zeros = e.constant(3);
  if (!data || (e.has(3) && !zeros)) return "non-constant operand: the data";
  if (e.opset() < kBlocks) return "DequantizeLinear in blocks needs opset 21";
  const int64_t bits = e.integer("bits", 4);
  const Attrs attrs{{"axis", e.integer("quantize_axis", 1)}, {"block_size", e.integer("block_size", 128)}};
  Value *q = e.in(0), *z = e.in(3);
  if (data->dtype() == DType::uint8) {
    const Shape* scales = e.shape(2);
    if (!scales || scales->empty() || data->dims().empty() || (bits != 4 && bits != 8)) return "data of another form";
    Dims grid;
    for (const Dim& d : *scales) {
      if (!d.is_value()) return "type: the shape of the scales is not known";
      grid.push_back(d.value());
    }
    Dims dims = data->dims();
    dims.back() *= 8 / bits;
    const int64_t rows = data->size() / std::max<int64_t>(data->dims().back(), 1),
                  zero_rows = element_count(grid) / std::max<int64_t>(grid.back(), 1);
    const Tensor bytes = unpacked(*data, rows, dims.back(), bits, dims);
    const Tensor zero = zeros ? unpacked(*zeros, zero_rows, grid.back(), bits, grid) : filled(grid, static_cast<std::uint8_t>(1 << (bits - 1)));
    q = e.tensor(bits == 4 ? as_uint4(bytes) : bytes);
    z = e.tensor(bits == 4 ? as_uint4(zero) : zero);
  }
  Value* w = e.op("DequantizeLinear", {q, e.in(2), z}, attrs);
  return e.result(0, e.op("Gather", {w, e.in(1)}, {{"axis", e.integer("gather_axis")}})), "";
}

}  // namespace onnxopt::lowering
