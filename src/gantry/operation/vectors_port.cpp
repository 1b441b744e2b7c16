// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/vectors_port.h"

#include <bit>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/operation/picture.h"

namespace gantry {

namespace {

static_assert(std::endian::native == std::endian::little);
constexpr std::string_view vectors_magic = "GVEC0001";
constexpr std::uint64_t longest_head = std::uint64_t{256} << 20;
constexpr std::int64_t most_vectors = 10'000'000;

[[noreturn]] void fail_vectors(const std::string& what) { throw Error(ErrorCode::unreadable, "vectors: " + what); }

std::int64_t whole(const Json& head, const char* name, std::int64_t low, std::int64_t high) {
  const Json& value = head.at(name);
  if (!value.is_number_integer() || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
    fail_vectors(fmt::format("{} must be a whole number from {} to {}; found {}", name, low, high, value.dump().substr(0, 40)));
  return value.get<std::int64_t>();
}

}  // namespace

VectorSet PortType<VectorSet>::read(const Path& path, Run&) {
  return with_context(path.filename().string(), [&] { return from_bytes(read_bytes(path)); });
}
void PortType<VectorSet>::write(const Path& path, const VectorSet& vectors, Run&) {
  write_atomic(path, std::span<const std::byte>(to_bytes(vectors)));
}

Bytes PortType<VectorSet>::to_bytes(const VectorSet& vectors) {
  Json head{{"dimension", vectors.dimension},
            {"count", vectors.size()},
            {"embedding", vectors.embedding},
            {"side", vectors.side},
            {"names", vectors.names}};
  if (!vectors.labels.empty()) head["labels"] = vectors.labels;
  const std::string text = head.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto length = static_cast<std::uint64_t>(text.size());
  Bytes bytes(vectors_magic.size() + sizeof(length) + text.size() + vectors.values.size() * sizeof(float) + vectors.thumbnails.size());
  std::byte* to = bytes.data();
  const auto put = [&](const void* from, std::size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    to += size;
  };
  put(vectors_magic.data(), vectors_magic.size());
  put(&length, sizeof(length));
  put(text.data(), text.size());
  put(vectors.values.data(), vectors.values.size() * sizeof(float));
  put(vectors.thumbnails.data(), vectors.thumbnails.size());
  return bytes;
}

VectorSet PortType<VectorSet>::from_bytes(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  const std::size_t begin = vectors_magic.size() + sizeof(length);
  if (bytes.size() < begin || std::memcmp(bytes.data(), vectors_magic.data(), vectors_magic.size()) != 0)
    fail_vectors("this is no file of vectors");
  std::memcpy(&length, bytes.data() + vectors_magic.size(), sizeof(length));
  if (length > longest_head || length > bytes.size() - begin)
    fail_vectors(fmt::format("the head is cut off: it should have {} bytes", length));
  const Json head = parse_json({reinterpret_cast<const char*>(bytes.data()) + begin, length}, 4);
  VectorSet set;
  std::int64_t count = 0;
  try {
    set.dimension = static_cast<int>(whole(head, "dimension", 1, 65536));
    count = whole(head, "count", 0, most_vectors);
    set.side = static_cast<int>(whole(head, "side", 0, 1024));
    set.embedding = head.at("embedding").get<std::string>();
    set.names = head.at("names").get<std::vector<std::string>>();
    if (head.contains("labels")) set.labels = head.at("labels").get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    fail_vectors("the head needs dimension, count, side, embedding and names");
  }
  if (static_cast<std::int64_t>(set.names.size()) != count) fail_vectors(fmt::format("{} names for {} vectors", set.names.size(), count));
  if (!set.labels.empty() && set.labels.size() != set.names.size())
    fail_vectors(fmt::format("{} labels for {} vectors", set.labels.size(), count));
  const auto present = static_cast<std::uint64_t>(bytes.size() - begin) - length;
  const std::uint64_t vectors = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(set.dimension) * sizeof(float);
  const std::uint64_t pictures =
      static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(set.side) * static_cast<std::uint64_t>(set.side);
  if (vectors + pictures != present)
    fail_vectors(fmt::format("{} bytes of vectors and thumbnails are due, {} are present", vectors + pictures, present));
  set.values.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(set.dimension));
  if (vectors > 0) std::memcpy(set.values.data(), bytes.data() + begin + length, vectors);
  set.thumbnails.resize(pictures);
  if (pictures > 0) std::memcpy(set.thumbnails.data(), bytes.data() + begin + length + vectors, pictures);
  for (std::int64_t n = 0; n < count; ++n) {
    double squares = 0;
    for (int d = 0; d < set.dimension; ++d) {
      const double v = set.values[static_cast<std::size_t>(n * set.dimension + d)];
      squares += v * v;
    }
    if (!(std::abs(squares - 1) <= 1e-3))
      fail_vectors(fmt::format("each must have the length 1; that of number {} is {:.4g}", n + 1, std::sqrt(squares)));
  }
  return set;
}

std::vector<float> grey_square(const Image& picture, int side) {
  const Grid& grid = picture.grid();
  const VoxelView<float> values = picture.as<float>();
  const int components = picture.components();
  const float scale = picture.type() == PixelType::u16 ? 1.0F / 257 : 1.0F;
  const std::int64_t edge = std::min(grid.size(0), grid.size(1)), left = (grid.size(0) - edge) / 2, top = (grid.size(1) - edge) / 2;
  std::vector<float> square(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  for (std::int64_t r = 0; r < side; ++r) {
    const std::int64_t j0 = r * edge / side, j1 = std::max(j0 + 1, (r + 1) * edge / side);
    for (std::int64_t c = 0; c < side; ++c) {
      const std::int64_t i0 = c * edge / side, i1 = std::max(i0 + 1, (c + 1) * edge / side);
      double sum = 0;
      for (std::int64_t j = top + j0; j < top + j1; ++j) {
        for (std::int64_t i = left + i0; i < left + i1; ++i) {
          const float* v = values.data() + (j * grid.size(0) + i) * components;
          sum += components >= 3 ? 0.299F * v[0] + 0.587F * v[1] + 0.114F * v[2] : v[0];
        }
      }
      square[static_cast<std::size_t>(r * side + c)] = scale * static_cast<float>(sum / static_cast<double>((j1 - j0) * (i1 - i0)));
    }
  }
  return square;
}

std::vector<float> thumbnail_vector(const Image& picture) {
  std::vector<float> square = grey_square(picture, thumbnail_vector_side);
  double sum = 0, squares = 0;
  for (const float v : square) sum += v;
  const double mean = sum / static_cast<double>(square.size());
  for (const float v : square) squares += (v - mean) * (v - mean);
  if (!(squares > 1e-6)) throw Error(ErrorCode::not_possible, "picture: is uniform; nothing can be compared with it");
  for (float& v : square) v = static_cast<float>((v - mean) / std::sqrt(squares));
  return square;
}

VectorSet phantom_vectors(std::string_view name) {
  if (name != "shapes") throw Error(ErrorCode::usage, fmt::format("phantom: vectors must be shapes; got {}", name));
  VectorSet set{.dimension = thumbnail_vector_side * thumbnail_vector_side, .embedding = "thumbnail", .side = 32};
  for (const PhantomInfo& info : phantoms()) {
    if (info.name == "constant") continue;
    const Image picture = picture_of(phantom(info.name));
    std::vector<float> vector;
    try {
      vector = thumbnail_vector(picture);
    } catch (const Error&) {
      continue;
    }
    set.values.insert(set.values.end(), vector.begin(), vector.end());
    for (const float v : grey_square(picture, set.side)) set.thumbnails.push_back(static_cast<std::uint8_t>(std::lround(v)));
    set.names.push_back(info.name);
    set.labels.emplace_back(info.name == "sphere" || info.name == "cylinder" || info.name == "shepp_logan" ? "round" : "other");
  }
  return set;
}

}  // namespace gantry
