// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/archive/journal_options.h"
#include "gantry/archive/store.h"
#include "gantry/base/files.h"

namespace gantry::archive {

/// What makes an object durable before its own file is: a few files of fixed size, filled with zeros in advance, so that storing an object
/// in them changes data alone and one fdatasync costs one flush of the disk instead of a commit of the file system's journal. The object's
/// own file is written at the same time but not synchronised; once a segment is full, all files of the folder are synchronised at once, and
/// the segment is used again. Appends are in order, and one flush serves all that wait. Where there is no room at the moment, `append` says
/// so and the object is made durable in its own file: the journal only ever makes things faster. Thread-safe.
class Journal {
 public:
  /// An object that was found in the journal on opening.
  struct Found {
    std::string sop_instance_uid;
    Fingerprint fingerprint;
    std::function<Bytes()> read;  ///< its file; good until `clear`
  };
  /// Keeps a segment from being used again until the object is on its way into the index.
  class Place {
   public:
    Place() = default;
    ~Place();
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    explicit operator bool() const { return journal_ != nullptr; }

   private:
    friend class Journal;
    Journal* journal_ = nullptr;
    std::size_t segment_ = 0;
  };

  /// `settle` returns when every object that was handed over is in the index and its file in its place; it may throw.
  Journal(Path folder, JournalOptions options, std::function<void()> settle);
  /// Ends its thread and keeps what it holds.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// What a former process left, in the order in which it came, without what was removed later. Before `clear`.
  std::vector<Found> recover();
  /// Forgets everything that was found; all of it must be on disk by then. Begins the journal's work.
  void clear();

  /// Whether an object of so many bytes may find room: it is then worth keeping in memory until its end.
  bool takes(std::uint64_t bytes) const;
  /// Stores a whole object and returns when it is on disk. Empty when there is no room now, or the disk has failed.
  Place append(std::string_view sop_instance_uid, std::span<const std::byte> file, const Fingerprint& fingerprint);
  /// Counts an object that was stored without the journal.
  void missed();
  /// The number that the next object gets. Asked while nothing of these UIDs can be stored, it parts what `forget` means from what comes
  /// later.
  std::uint64_t next_number() const;
  /// Notes that the objects of these UIDs with numbers below `before` were removed, so that no recovery brings them back; returns when that
  /// is on disk. Error(disk_full) when the disk takes nothing.
  void forget(const std::vector<std::string>& sop_instance_uids, std::uint64_t before);
  /// Empties the journal as far as possible: what it holds is settled and synchronised. Never throws; what is left is recovered on opening.
  void checkpoint();

 private:
  struct State;
  void release(std::size_t segment);
  std::unique_ptr<State> state_;
};

}  // namespace gantry::archive
