// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "gantry/base/clock.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/json.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr std::size_t longest_line = 4096;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// The hash of a line: of the hash before it and of its members but the hash.
std::string hash_of(Json line, const std::string& previous) {
  line.erase("hash");
  return sha256_hex(previous + "\n" + text_of(line));
}

}  // namespace

std::string audit_tag(std::string_view uid) { return sha256_hex(uid).substr(0, 16); }

Audit::Audit(Path file) {
  file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) throw Error(ErrorCode::not_permitted, "audit log: cannot be opened");
  // The last whole line, from the end.
  const off_t size = ::lseek(file_, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(2 * longest_line));
  std::string tail(static_cast<std::size_t>(size - from), '\0');
  if (::pread(file_, tail.data(), tail.size(), from) != static_cast<ssize_t>(tail.size()))
    throw Error(ErrorCode::unreadable, "audit log: cannot be read");
  const auto end = tail.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  const bool cut = whole != tail.size();
  if (whole > 0) {
    const auto before = whole >= 2 ? tail.rfind('\n', whole - 2) : std::string::npos;
    const Json line =
        parse_json(tail.substr(before == std::string::npos ? 0 : before + 1, whole - 1 - (before == std::string::npos ? 0 : before + 1)));
    if (!line.is_object() || !line.value("n", Json()).is_number_integer() || !line.value("hash", Json()).is_string())
      throw Error(ErrorCode::unreadable, "audit log: its last line is none of a log");
    lines_ = line["n"].get<std::int64_t>();
    last_hash_ = line["hash"].get<std::string>();
  }
  if (cut) {
    if (::ftruncate(file_, from + static_cast<off_t>(whole)) != 0) throw Error(ErrorCode::not_permitted, "audit log: cannot be mended");
    record("", "recovered", "ok", "a line that was cut off");
  }
}

Audit::~Audit() {
  if (file_ >= 0) ::close(file_);
}

void Audit::record(std::string_view user, std::string_view action, std::string_view outcome, std::string_view target,
                   std::string_view address) {
  const std::lock_guard lock(mutex_);
  const auto shortened = [](std::string_view text) { return to_valid_utf8(text.substr(0, 200)); };
  Json line{{"n", lines_ + 1},    {"time", utc_now(true)},       {"user", shortened(user)},      {"action", action},
            {"outcome", outcome}, {"target", shortened(target)}, {"address", shortened(address)}};
  line["hash"] = hash_of(line, last_hash_);
  const std::string text = text_of(line) + "\n";
  if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fdatasync(file_) != 0)
    throw Error(ErrorCode::disk_full, "audit log: cannot be written");
  last_hash_ = line["hash"].get<std::string>();
  ++lines_;
}

AuditVerification Audit::verify(const Path& file) {
  std::ifstream stream(file);
  if (!stream) throw Error(ErrorCode::not_found, "audit log: is not there");
  AuditVerification result;
  for (std::string text; std::getline(stream, text);) {
    const auto problem = [&](const char* what) { result.problem = fmt::format("line {}: {}", result.lines + 1, what); };
    Json line;
    try {
      if (text.size() > longest_line) throw Error(ErrorCode::unreadable, "too long");
      line = parse_json(text, 4);
    } catch (const Error&) {
      problem("is no JSON");
      return result;
    }
    if (!line.is_object() || line.value("n", Json()) != Json(result.lines + 1)) {
      problem("has another number: a line is missing or was added");
      return result;
    }
    if (line.value("hash", Json()) != Json(hash_of(line, result.last_hash))) {
      problem("does not fit its hash: it or the line before was changed");
      return result;
    }
    if (stream.eof()) {
      problem("is cut off");
      return result;
    }
    result.last_hash = line["hash"].get<std::string>();
    ++result.lines;
  }
  return result;
}

}  // namespace gantry::archive
