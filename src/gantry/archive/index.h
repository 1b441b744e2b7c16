// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/archive/archive.h"
#include "gantry/archive/sqlite.h"

namespace gantry::archive {

/// An object on its way into the index: its record and the values of all indexed attributes, in the order of `indexed_attributes`.
struct IndexEntry {
  InstanceRecord record;
  std::vector<std::optional<std::string>> values;
  std::string source;
  std::int64_t arrived = 0;  ///< seconds since 1970; 0 = now
};

/// The record and the indexed values of an object. Errors as Incoming::finish.
IndexEntry index_entry(const dicom::Header::Data& header, std::string_view source);

/// The SQLite file over the objects. One writer at a time, any number of readers. Errors: those of Database, and refused for the file of a
/// newer version.
class Index {
 public:
  /// Opens or makes the file.
  explicit Index(const Path& path);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  /// Adds all entries in one transaction, which is on disk afterwards. Objects that are there already are left as they are.
  void add(std::span<const IndexEntry> entries);
  /// Forgets objects (empty UIDs = all of the level above) in one transaction and returns them. Their UIDs are kept in a list until
  /// `removal_done`, so that files which a crash left behind can be removed on opening.
  std::vector<InstanceRecord> remove(std::string_view study_uid, std::string_view series_uid, std::string_view sop_instance_uid);
  std::vector<std::string> unfinished_removals() const;
  void removal_done();
  /// Puts `entries`, taken one after the other until there is none, in place of everything, in one transaction.
  void replace(const std::function<std::optional<IndexEntry>()>& next);

  std::vector<Attributes> find(const Query& query) const;
  std::int64_t count(const Query& query) const;
  std::vector<InstanceRecord> instances(std::string_view study_uid, std::string_view series_uid, std::string_view sop_instance_uid) const;
  std::optional<InstanceRecord> instance(std::string_view sop_instance_uid) const;
  std::optional<Received> received(std::string_view sop_instance_uid) const;
  Statistics statistics() const;

 private:
  class Reader;
  void insert(const IndexEntry& entry);
  void refresh(std::int64_t study);

  Path path_;
  mutable std::mutex writing_;
  std::unique_ptr<Database> writer_;
  mutable std::mutex pool_lock_;
  mutable std::vector<std::unique_ptr<Database>> pool_;
};

}  // namespace gantry::archive
