// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/json.h"

namespace gantry::bundle {

namespace {

constexpr std::uint64_t most_header = std::uint64_t{1} << 20;
static_assert(std::endian::native == std::endian::little, "safetensors are little endian");

struct Span {
  std::uint64_t begin = 0, end = 0;
};

std::uint64_t whole(const Json& number) {
  if (!number.is_number_unsigned())
    throw Error(ErrorCode::unreadable, "sizes and offsets must be whole and not negative; got " + number.dump());
  return number.get<std::uint64_t>();
}

/// Shape and place of one tensor; its bytes must be what the shape asks for.
Span place_of(const Json& entry, std::uint64_t data_bytes, Tensor& tensor) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
    throw Error(ErrorCode::unreadable, "must have dtype, shape and data_offsets");
  if (entry["dtype"] != "F32") throw Error(ErrorCode::unreadable, "dtype must be F32; got " + entry["dtype"].dump());
  const Json &shape = entry["shape"], &offsets = entry["data_offsets"];
  if (!shape.is_array() || shape.size() > 8 || !offsets.is_array() || offsets.size() != 2)
    throw Error(ErrorCode::unreadable, "shape must be a list of at most 8 sizes and data_offsets one of 2");
  std::uint64_t count = 1;
  for (const Json& size : shape) {
    const std::uint64_t n = whole(size);
    if (n != 0 && count > data_bytes / n) throw Error(ErrorCode::unreadable, "shape must fit the file; got " + shape.dump());
    count *= n;
    tensor.shape.push_back(static_cast<std::int64_t>(n));
  }
  const Span span{whole(offsets[0]), whole(offsets[1])};
  if (span.begin > span.end || span.end > data_bytes || span.end - span.begin != count * sizeof(float))
    throw Error(ErrorCode::unreadable, fmt::format("data_offsets must hold {} values within the file; got {}", count, offsets.dump()));
  return span;
}

Weights parse(const Bytes& bytes) {
  std::uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes)
    throw Error(ErrorCode::unreadable, "must begin with the length of its header; the file is too short");
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  if (header_bytes > most_header || header_bytes > bytes.size() - sizeof header_bytes)
    throw Error(ErrorCode::unreadable, fmt::format("header must fit the file and 1 MB; states {} bytes", header_bytes));
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof header_bytes;
  const Json header = parse_json({text, header_bytes}, 8);
  if (!header.is_object()) throw Error(ErrorCode::unreadable, "header must be an object");
  const auto* data = bytes.data() + sizeof header_bytes + header_bytes;
  const std::uint64_t data_bytes = bytes.size() - sizeof header_bytes - header_bytes;
  Weights weights;
  std::vector<Span> spans;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw Error(ErrorCode::unreadable, "__metadata__ must be an object");
      for (const auto& [key, value] : entry.items()) weights.metadata[key] = value.is_string() ? value.get<std::string>() : value.dump();
      continue;
    }
    Tensor tensor;
    try {
      spans.push_back(place_of(entry, data_bytes, tensor));
    } catch (const Error& error) {
      throw Error(ErrorCode::unreadable, fmt::format("tensor '{}': {}", name, error.what()));
    }
    tensor.values.resize((spans.back().end - spans.back().begin) / sizeof(float));
    if (!tensor.values.empty()) std::memcpy(tensor.values.data(), data + spans.back().begin, spans.back().end - spans.back().begin);
    weights.tensors[name] = std::move(tensor);
  }
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::uint64_t at = 0;
  for (const Span& span : spans) {
    if (span.begin != at)
      throw Error(ErrorCode::unreadable, fmt::format("tensors must lie one behind the other; a gap or overlap at {}", at));
    at = span.end;
  }
  if (at != data_bytes)
    throw Error(ErrorCode::unreadable, fmt::format("tensors must fill the file; {} of {} bytes are used", at, data_bytes));
  return weights;
}

}  // namespace

Weights read_safetensors(const Path& path, std::int64_t most_bytes) {
  const Bytes bytes = read_bytes(path, static_cast<std::uint64_t>(most_bytes));
  try {
    return parse(bytes);
  } catch (const Error& error) {
    throw Error(ErrorCode::unreadable, fmt::format("{}: {}", path.filename().string(), error.what()));
  }
}

Bytes encode_safetensors(const Weights& weights) {
  Json header = Json::object();
  if (!weights.metadata.empty()) header["__metadata__"] = weights.metadata;
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    std::uint64_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= static_cast<std::uint64_t>(size);
    if (count != tensor.values.size()) {
      throw Error(ErrorCode::parameter,
                  fmt::format("tensor '{}': must hold as many values as its shape; got {}", name, tensor.values.size()));
    }
    const std::uint64_t end = at + count * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_bytes = text.size();
  Bytes bytes(sizeof header_bytes + text.size() + at);
  std::memcpy(bytes.data(), &header_bytes, sizeof header_bytes);
  std::memcpy(bytes.data() + sizeof header_bytes, text.data(), text.size());
  std::byte* out = bytes.data() + sizeof header_bytes + text.size();
  for (const auto& [name, tensor] : weights.tensors) {
    if (!tensor.values.empty()) std::memcpy(out, tensor.values.data(), tensor.values.size() * sizeof(float));
    out += tensor.values.size() * sizeof(float);
  }
  return bytes;
}

}  // namespace gantry::bundle
