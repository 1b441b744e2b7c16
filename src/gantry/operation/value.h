// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <any>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/base/table.h"
#include "gantry/image/labels.h"
#include "gantry/image/transform.h"

namespace gantry {

/// What may flow between operations. Specialise it for a type to make that type a port: `id`, the endings that files of it have, and how it
/// is read from and written to a file, measured (bytes that identify it) and kept in the cache. A layer may add its own.
template <class T>
struct PortType;

/// The run-time face of `PortType<T>`: one object a type, compared by address.
struct PortInfo {
  std::string_view id;       ///< "image", "labels", "table", ...
  std::string_view endings;  ///< of files it is written to, for help texts: ".nii .nii.gz .nrrd ..."
  const std::type_info* type;
  std::any (*read)(const Path& path, Run& run);
  void (*write)(const Path& path, const std::any& value, Run& run);
  /// The bytes that the cache stores; two values are the same when these are.
  Bytes (*to_bytes)(const std::any& value);
  std::any (*from_bytes)(std::span<const std::byte> bytes);
};

template <class T>
const PortInfo& port_info() {
  static const PortInfo info{
      PortType<T>::id,
      PortType<T>::endings,
      &typeid(T),
      [](const Path& path, Run& run) { return std::any(PortType<T>::read(path, run)); },
      [](const Path& path, const std::any& value, Run& run) { PortType<T>::write(path, std::any_cast<const T&>(value), run); },
      [](const std::any& value) { return PortType<T>::to_bytes(std::any_cast<const T&>(value)); },
      [](std::span<const std::byte> bytes) { return std::any(PortType<T>::from_bytes(bytes)); },
  };
  return info;
}

/// A value on a port: what an operation takes or gives. Cheap to copy (shared, immutable).
class Value {
 public:
  Value() = default;
  template <class T>
    requires requires { PortType<T>::id; }
  explicit Value(T value) : type_(&port_info<T>()), value_(std::make_shared<const std::any>(std::move(value))) {}
  Value(const PortInfo& type, std::any value) : type_(&type), value_(std::make_shared<const std::any>(std::move(value))) {}

  bool empty() const { return !value_; }
  const PortInfo& type() const { return *type_; }
  /// The value as T; the type is the caller's to know (Operation checks it).
  template <class T>
  const T& as() const {
    return std::any_cast<const T&>(*value_);
  }
  void write(const Path& path, Run& run) const { type_->write(path, *value_, run); }
  Bytes to_bytes() const { return type_->to_bytes(*value_); }
  /// SHA-256 of what the value says, whatever file it came from; computed once.
  const std::string& digest() const;

 private:
  const PortInfo* type_ = nullptr;
  std::shared_ptr<const std::any> value_;
  mutable std::shared_ptr<const std::string> digest_;
};

/// Values by port name; more than one only for a variadic port.
using Arguments = std::map<std::string, std::vector<Value>>;

template <>
struct PortType<Image> {
  static constexpr std::string_view id = "image";
  static constexpr std::string_view endings = ".nii .nii.gz .nrrd .mha .npy .png";
  static Image read(const Path& path, Run& run);
  static void write(const Path& path, const Image& image, Run& run);
  static Bytes to_bytes(const Image& image);
  static Image from_bytes(std::span<const std::byte> bytes);
};

/// A label image; its table is a JSON file beside it, of the same name with the ending `.json`.
template <>
struct PortType<Labels> {
  static constexpr std::string_view id = "labels";
  static constexpr std::string_view endings = ".nii .nii.gz .nrrd .mha";
  static Labels read(const Path& path, Run& run);
  static void write(const Path& path, const Labels& labels, Run& run);
  static Bytes to_bytes(const Labels& labels);
  static Labels from_bytes(std::span<const std::byte> bytes);
};

/// A linear transform, as JSON.
template <>
struct PortType<Transform> {
  static constexpr std::string_view id = "transform";
  static constexpr std::string_view endings = ".json";
  static Transform read(const Path& path, Run& run);
  static void write(const Path& path, const Transform& transform, Run& run);
  static Bytes to_bytes(const Transform& transform);
  static Transform from_bytes(std::span<const std::byte> bytes);
};

/// A table, as CSV (or, by the ending `.json`, as an array of objects).
template <>
struct PortType<Table> {
  static constexpr std::string_view id = "table";
  static constexpr std::string_view endings = ".csv .json";
  static Table read(const Path& path, Run& run);
  static void write(const Path& path, const Table& table, Run& run);
  static Bytes to_bytes(const Table& table);
  static Table from_bytes(std::span<const std::byte> bytes);
};

/// Numbers and words by name: what `--json` prints.
template <>
struct PortType<Json> {
  static constexpr std::string_view id = "json";
  static constexpr std::string_view endings = ".json";
  static Json read(const Path& path, Run& run);
  static void write(const Path& path, const Json& json, Run& run);
  static Bytes to_bytes(const Json& json);
  static Json from_bytes(std::span<const std::byte> bytes);
};

/// Plain UTF-8 text.
template <>
struct PortType<std::string> {
  static constexpr std::string_view id = "text";
  static constexpr std::string_view endings = ".txt";
  static std::string read(const Path& path, Run& run);
  static void write(const Path& path, const std::string& text, Run& run);
  static Bytes to_bytes(const std::string& text);
  static std::string from_bytes(std::span<const std::byte> bytes);
};

}  // namespace gantry
