// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/run.h"

/// A reader of HDF5 files of our own, for what measured data need (HDF5 File Format Specification 3.0): groups as symbol tables or links,
/// datasets that are compact, contiguous or in chunks with an index of version 1, deflate and shuffle, and all types of values but
/// references. It is a parser of untrusted bytes: everything is checked against the file's size before memory is taken.
namespace gantry::io::hdf5 {

/// How one value of a dataset is stored.
struct Type {
  enum class Kind : std::uint8_t { integer, floating, text, compound, sequence, other };
  struct Member;

  Kind kind = Kind::other;
  std::size_t size = 0;  ///< bytes of the value; 16 for a sequence, which refers to the global heap
  bool is_signed = false, big_endian = false;
  std::size_t repeats = 1;  ///< of an array of fixed size: elements of `size / repeats` bytes
  std::vector<Member> members;
  std::shared_ptr<const Type> element;  ///< of a sequence; null when it is text
  /// The member of a compound, or null.
  const Member* find(std::string_view name) const;
};
struct Type::Member {
  std::string name;
  std::size_t offset = 0;
  Type type;
};

/// One number of that type from its bytes; `index` counts in an array. Throws Error(unreadable) for what is no number.
double number_of(const Type& type, std::span<const std::byte> value, std::size_t index = 0);
/// The bits of a whole number of at most 8 bytes. Throws Error(unreadable) for what is none.
std::uint64_t bits_of(const Type& type, std::span<const std::byte> value, std::size_t index = 0);

/// A dataset with all its values, row-major as in the file.
struct Dataset {
  std::vector<std::uint64_t> dimensions;  ///< none for a scalar
  Type type;
  Bytes values;
  std::uint64_t count() const;
  std::span<const std::byte> value(std::uint64_t index) const;
};

/// True when the bytes begin an HDF5 file.
bool looks_like(std::span<const std::byte> head);

/// An HDF5 file in memory. All functions throw Error(unreadable) for damage and Error(refused) for parts of the format that are not read
/// (dense groups, indices of chunks from HDF5 1.10 on, other filters), naming them.
class File {
 public:
  /// The bytes must outlive the file.
  explicit File(std::span<const std::byte> bytes);

  /// Names in a group, in order of the alphabet.
  std::vector<std::string> names(const std::string& group = "/") const;
  bool contains(const std::string& path) const;
  /// The dataset at "group/name".
  Dataset dataset(const std::string& path, Run& run) const;
  /// The bytes of a sequence or text of variable length that a value of kind `sequence` refers to.
  std::span<const std::byte> sequence(const Type& type, std::span<const std::byte> value) const;

 private:
  struct Message {
    unsigned type = 0;
    std::span<const std::byte> body;
  };
  struct Layout;
  std::vector<Message> messages(std::uint64_t address) const;
  std::map<std::string, std::uint64_t> links(std::uint64_t address) const;
  void symbol_table(std::uint64_t node, std::span<const std::byte> names, std::map<std::string, std::uint64_t>& found, int depth,
                    std::uint64_t& budget) const;
  std::uint64_t find(const std::string& path) const;
  void read_chunks(const Layout& layout, std::uint64_t node, int depth, std::uint64_t& budget, Dataset& into, Run& run) const;
  std::span<const std::byte> at(std::uint64_t address, std::uint64_t size, std::string_view what) const;

  std::span<const std::byte> bytes_;  ///< from the base address on
  std::uint64_t root_ = 0;
  /// Objects of the collections of the global heap that were met.
  mutable std::map<std::uint64_t, std::map<std::uint32_t, std::span<const std::byte>>> heaps_;
};

}  // namespace gantry::io::hdf5
