// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gantry/base/files.h"

namespace gantry::archive {

/// What an audit log says on reading it again.
struct AuditVerification {
  std::int64_t lines = 0;
  std::string last_hash;  ///< noted elsewhere, it shows later whether lines were cut off at the end
  std::string problem;    ///< where the chain breaks; empty = it is whole
};

/// Who did what when: a file that only grows, one JSON object a line. Each line holds the SHA-256 of itself and of the line before, so that
/// a changed, removed or added line is found. Holds no patient data: objects are named by a tag (`audit_tag`). Thread-safe.
class Audit {
 public:
  /// Opens or makes the file (mode 0600) and goes on with its chain; a last line that a crash cut off is removed and that is noted. Throws
  /// Error(unreadable) when the last whole line is none of a log.
  explicit Audit(Path file);
  ~Audit();
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  /// Appends a line; it is on disk when this returns. `action` is snake_case ("login"), `outcome` "ok" or an error's id, `target` what it
  /// was done to, without patient data.
  void record(std::string_view user, std::string_view action, std::string_view outcome, std::string_view target = {},
              std::string_view address = {});

  /// Reads a whole log. Error(not_found) when there is none.
  static AuditVerification verify(const Path& file);

 private:
  std::mutex mutex_;
  int file_ = -1;
  std::int64_t lines_ = 0;
  std::string last_hash_;
};

/// Names an object without saying what it is: the first 16 hexadecimal digits of the SHA-256 of its UID. Who knows the UID finds its lines.
std::string audit_tag(std::string_view uid);

}  // namespace gantry::archive
