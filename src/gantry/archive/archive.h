// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/dicom/data_set.h"

namespace gantry::archive {

/// The levels of the query/retrieve model (PS3.4 C.3).
enum class Level { patient, study, series, instance };

/// What the index knows of one stored object.
struct InstanceRecord {
  std::string study_uid, series_uid, sop_instance_uid;
  std::string sop_class_uid, transfer_syntax_uid;
  std::int64_t number = 0;  ///< InstanceNumber; 0 when absent
  int frames = 1;
  std::uint64_t size = 0;  ///< bytes of the file
  std::string sha256;      ///< of the data set behind the meta header, hexadecimal
};

/// How a stored object came.
struct Received {
  std::string source;        ///< the account or AE title that brought it; empty when a crash came between
  std::int64_t seconds = 0;  ///< since 1970
};

/// The outcome of adding an object that was not refused.
struct Added {
  InstanceRecord record;
  bool already_there = false;  ///< the same object with the same content was stored before; nothing changed
};

/// An object on its way in. Bytes go to a temporary file as they come, so that memory does not grow with the object. Destroyed without
/// `finish`, it leaves nothing behind. For one thread at a time.
class Incoming {
 public:
  virtual ~Incoming() = default;
  /// The next bytes of a DICOM file (PS3.10). Errors: disk_full, refused (larger than ArchiveOptions::max_object_bytes).
  virtual void write(std::span<const std::byte> bytes) = 0;
  /// Ends the object and stores it. When it returns, the object survives a crash or a loss of power. Errors: unreadable (no data set),
  /// refused (a UID is missing or malformed, an object of other content has the same SOP Instance UID, cut off pixel data), disk_full.
  virtual Added finish() = 0;
};

/// What to look for, as C-FIND and QIDO-RS mean it.
struct Query {
  Level level = Level::study;
  /// Keyword or tag text ("PatientName", "00100010") and the value to match (PS3.4 C.2.2.2): empty = any; `*` and `?` are wildcards in
  /// text; "A-B", "A-", "-B" are ranges of dates and times; several UIDs or modalities parted by a backslash are alternatives. Names match
  /// without regard to case. An attribute that the index does not hold matches everything.
  std::vector<std::pair<std::string, std::string>> match;
  std::size_t offset = 0;
  std::size_t limit = 0;      ///< 0 = no limit
  bool newest_first = false;  ///< studies by date and time, latest first; otherwise in the order of arrival (instances: by number)
  bool fuzzy_names = false;   ///< each word of a name may begin any word of the stored name
};

/// Attributes of one match by tag: UTF-8 text as in the data set, several values joined by backslash; present but empty = "".
using Attributes = std::map<dicom::Tag, std::string>;

/// The match as an object of the DICOM JSON Model (PS3.18 F).
Json to_json(const Attributes& attributes);

/// How many objects an archive holds.
struct Statistics {
  std::int64_t patients = 0, studies = 0, series = 0, instances = 0;
  std::uint64_t bytes = 0;
};

/// Something that is wrong with a stored file.
struct Damage {
  std::string sop_instance_uid;
  std::string reason;
};

/// How an archive is opened.
struct ArchiveOptions {
  Path data;                                                 ///< folder; made when it is missing, unless `must_exist`
  bool must_exist = false;                                   ///< Error(not_found) for a folder that holds no archive
  std::uint64_t max_object_bytes = std::uint64_t{16} << 30;  ///< larger objects are refused
  std::uint64_t min_free_bytes = std::uint64_t{256} << 20;   ///< objects are refused (disk_full) when less would be left
};

/// A folder of DICOM objects and the index over them: the base of DIMSE and DICOMweb.
///
/// DATA/instances/ab/<hash>.dcm holds the objects, named by a hash of the SOP Instance UID; DATA/incoming/ those that are on disk but not
/// yet in the index; DATA/index.sqlite the index, which can be made anew from the files. An object counts as stored when its file and its
/// name are on disk (fsync); the index follows in groups, and what a crash left in `incoming` is indexed on opening. One process at a time
/// holds an archive (a lock on DATA/lock). Thread-safe.
class Archive {
 public:
  /// Errors: not_permitted, refused (another process holds it, or its index is of a newer version), disk_full.
  explicit Archive(ArchiveOptions options);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  /// Begins an object. `source` names the sender for the index (an AE title, a user; may be empty).
  std::unique_ptr<Incoming> receive(std::string_view source = {});
  /// A whole DICOM file in memory, and one on disk.
  Added add(std::span<const std::byte> file, std::string_view source = {});
  Added add_file(const Path& path, std::string_view source = {});

  /// The matches of a query with all attributes that the index holds of their level and the levels above, counts and
  /// ModalitiesInStudy included. Everything acknowledged before the call is seen. Error(parameter) for a malformed range.
  std::vector<Attributes> find(const Query& query) const;
  /// The number of matches without offset and limit.
  std::int64_t count(const Query& query) const;

  /// The objects of a study, series or instance (empty UIDs = all), by series, number and UID.
  std::vector<InstanceRecord> instances(std::string_view study_uid, std::string_view series_uid = {},
                                        std::string_view sop_instance_uid = {}) const;
  /// One object by its UID alone.
  std::optional<InstanceRecord> instance(std::string_view sop_instance_uid) const;
  /// Who brought an object, and when.
  std::optional<Received> received(std::string_view sop_instance_uid) const;
  /// Where the file of an object lies now. Error(not_found). The file never changes, but `remove` unlinks it: open it soon.
  Path file_of(std::string_view sop_instance_uid) const;
  /// The header of a stored object: everything but pixels and bulk data.
  std::shared_ptr<const dicom::Header::Data> header_of(std::string_view sop_instance_uid) const;

  /// Removes objects; returns how many there were.
  std::int64_t remove(std::string_view study_uid, std::string_view series_uid = {}, std::string_view sop_instance_uid = {});

  /// Calls `listener` with each group of objects that has entered the index, from the indexing thread: it must be short and may not ask
  /// the archive anything. When it throws, it is told the same again. What a crash kept from a listener is told at once. Null ends it; a
  /// call under way may still go on.
  void on_indexed(std::function<void(std::span<const InstanceRecord>)> listener);
  /// Waits until everything acknowledged so far is in the index.
  void flush() const;

  Statistics statistics() const;
  /// Reads every file again and compares it with what was stored.
  std::vector<Damage> verify(Run& run) const;
  /// Makes the index anew from the files; returns what could not be read.
  std::vector<Damage> reindex(Run& run);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::archive
