// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/hdf5_type.h"

#include <bit>

#include "gantry/base/error.h"
#include "gantry/io/input_file.h"

namespace gantry::io::hdf5 {

namespace {

[[noreturn]] void fail_type(std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("HDF5 type: {}", what)); }

/// Takes numbers from a message that may end too early.
struct Cursor {
  std::span<const std::byte> body;
  std::size_t& offset;

  void need(std::size_t count) const {
    if (!(offset <= body.size() && count <= body.size() - offset)) fail_type("ends too early");
  }
  void skip(std::size_t count) {
    need(count);
    offset += count;
  }
  template <class T>
  T take() {
    need(sizeof(T));
    const T value = load_number<T>(body, offset);
    offset += sizeof(T);
    return value;
  }
  /// A name that ends with a zero byte, which `padded` fills to a multiple of 8.
  std::string name(bool padded) {
    std::string text;
    for (;;) {
      const auto letter = take<char>();
      if (letter == 0) break;
      text += letter;
    }
    if (padded) skip((8 - (text.size() + 1) % 8) % 8);
    return text;
  }
};

Type::Member parse_member(Cursor& cursor, unsigned version, std::size_t compound_size, int depth) {
  Type::Member member;
  member.name = cursor.name(version < 3);
  std::size_t repeats = 1;
  if (version == 3) {
    for (unsigned n = 0; n == 0 || (n < 4 && compound_size >> (8 * n) != 0); ++n)
      member.offset |= static_cast<std::size_t>(cursor.take<std::uint8_t>()) << (8 * n);
  } else {
    member.offset = cursor.take<std::uint32_t>();
  }
  if (version == 1) {
    const auto rank = cursor.take<std::uint8_t>();
    cursor.skip(11);
    for (unsigned n = 0; n < 4; ++n) {
      const auto length = cursor.take<std::uint32_t>();
      if (n >= rank) continue;
      if (length == 0 || length > 1U << 20 || repeats > 1U << 20) fail_type("an array has an impossible size");
      repeats *= length;
    }
  }
  member.type = parse_type(cursor.body, cursor.offset, depth + 1);
  member.type.size *= repeats;
  member.type.repeats *= repeats;
  if (member.type.size > compound_size || member.offset > compound_size - member.type.size) fail_type("a member lies outside its compound");
  return member;
}

}  // namespace

const Type::Member* Type::find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

Type parse_type(std::span<const std::byte> body, std::size_t& offset, int depth) {
  if (depth > 8) fail_type("is nested too deeply");
  Cursor cursor{body, offset};
  const auto head = cursor.take<std::uint8_t>();
  const unsigned kind = head & 15U, version = head >> 4U;
  if (version < 1 || version > 3) fail_type(fmt::format("must be of version 1 to 3; found {}", version));
  const unsigned bits = cursor.take<std::uint8_t>();
  const unsigned more_bits = cursor.take<std::uint16_t>();
  Type type;
  type.size = cursor.take<std::uint32_t>();
  type.big_endian = (bits & 1U) != 0;
  switch (kind) {
    case 0:
      type.kind = Type::Kind::integer;
      type.is_signed = (bits & 8U) != 0;
      cursor.skip(4);
      break;
    case 1:
      type.kind = Type::Kind::floating;
      cursor.skip(12);
      break;
    case 3:
      type.kind = Type::Kind::text;
      break;
    case 2:
      cursor.skip(2);
      break;
    case 4:
      cursor.skip(4);
      break;
    case 5:
      cursor.skip(bits);
      break;
    case 6: {
      type.kind = Type::Kind::compound;
      const unsigned count = bits | (more_bits & 255U) << 8U;
      if (count > 1000) fail_type(fmt::format("a compound has at most 1000 members; found {}", count));
      for (unsigned n = 0; n < count; ++n) type.members.push_back(parse_member(cursor, version, type.size, depth));
      break;
    }
    case 8: {
      const unsigned count = bits | (more_bits & 255U) << 8U;
      const std::size_t size = type.size;
      type = parse_type(body, offset, depth + 1);
      if (type.size != size || size > 8) fail_type("an enumeration stands on another type");
      for (unsigned n = 0; n < count; ++n) cursor.name(version < 3);
      cursor.skip(count * size);
      break;
    }
    case 9:
      type.kind = Type::Kind::sequence;
      if (type.size != 16) fail_type("a sequence takes 16 bytes");
      if ((bits & 15U) == 1) {
        parse_type(body, offset, depth + 1);
      } else {
        type.element = std::make_shared<const Type>(parse_type(body, offset, depth + 1));
      }
      break;
    case 10: {
      const auto rank = cursor.take<std::uint8_t>();
      if (version < 3) cursor.skip(3);
      std::size_t repeats = 1;
      for (unsigned n = 0; n < rank; ++n) {
        const auto length = cursor.take<std::uint32_t>();
        if (length == 0 || length > 1U << 20 || repeats > 1U << 20) fail_type("an array has an impossible size");
        repeats *= length;
      }
      if (version < 3) cursor.skip(std::size_t{4} * rank);
      const std::size_t size = type.size;
      type = parse_type(body, offset, depth + 1);
      if (type.size * repeats != size) fail_type("an array has an impossible size");
      type.size = size;
      type.repeats *= repeats;
      break;
    }
    default:
      break;
  }
  if (type.size == 0) fail_type("takes no bytes");
  return type;
}

double number_of(const Type& type, std::span<const std::byte> value, std::size_t index) {
  const std::size_t width = type.size / type.repeats;
  if (index >= type.repeats || value.size() < type.size) fail_type("a value is missing");
  const std::span<const std::byte> raw = value.subspan(index * width, width);
  if (type.kind == Type::Kind::floating && width == 4) return load_number<float>(raw, 0, type.big_endian);
  if (type.kind == Type::Kind::floating && width == 8) return load_number<double>(raw, 0, type.big_endian);
  const std::uint64_t bits = bits_of(type, value, index);
  if (!type.is_signed) return static_cast<double>(bits);
  const auto shift = static_cast<unsigned>(64 - 8 * width);
  return static_cast<double>(static_cast<std::int64_t>(bits << shift) >> shift);
}

std::uint64_t bits_of(const Type& type, std::span<const std::byte> value, std::size_t index) {
  const std::size_t width = type.size / type.repeats;
  if (index >= type.repeats || value.size() < type.size) fail_type("a value is missing");
  if (type.kind != Type::Kind::integer || width > 8) fail_type("a whole number was expected");
  const std::span<const std::byte> raw = value.subspan(index * width, width);
  std::uint64_t bits = 0;
  for (std::size_t n = 0; n < width; ++n) bits |= std::to_integer<std::uint64_t>(raw[type.big_endian ? width - 1 - n : n]) << (8 * n);
  return bits;
}

}  // namespace gantry::io::hdf5
