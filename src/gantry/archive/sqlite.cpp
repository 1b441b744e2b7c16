// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "gantry/base/error.h"

namespace gantry::archive {

namespace {

[[noreturn]] void fail(sqlite3* handle, int status) {
  const int kind = status & 0xFF;
  const auto code = kind == SQLITE_FULL                               ? ErrorCode::disk_full
                    : kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB ? ErrorCode::unreadable
                    : kind == SQLITE_CANTOPEN || kind == SQLITE_PERM  ? ErrorCode::not_permitted
                    : kind == SQLITE_NOMEM                            ? ErrorCode::out_of_memory
                                                                      : ErrorCode::internal;
  throw Error(code, fmt::format("index: {}", handle ? sqlite3_errmsg(handle) : sqlite3_errstr(status)));
}

void check(sqlite3* handle, int status) {
  if (status != SQLITE_OK) fail(handle, status);
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, std::string_view text) {
  check(sqlite3_db_handle(statement_),
        sqlite3_bind_text64(statement_, parameter + 1, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  check(sqlite3_db_handle(statement_), sqlite3_bind_int64(statement_, parameter + 1, number));
  return *this;
}

Statement& Statement::bind_optional(int parameter, const std::optional<std::string>& text) {
  if (text) return bind(parameter, std::string_view(*text));
  check(sqlite3_db_handle(statement_), sqlite3_bind_null(statement_, parameter + 1));
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  sqlite3* const handle = sqlite3_db_handle(statement_);
  if (status != SQLITE_DONE) {
    const Error error = [&] {
      try {
        fail(handle, status);
      } catch (const Error& e) {
        return e;
      }
    }();
    sqlite3_reset(statement_);
    throw error;
  }
  sqlite3_reset(statement_);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(statement_); }

int Statement::columns() const { return sqlite3_column_count(statement_); }

std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_, column);
  return text ? std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
              : std::string();
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Database::Database(const Path& path, Access access) {
  const int flags = (access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
  const int status = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
  if (status != SQLITE_OK) {
    sqlite3_close_v2(handle_);
    handle_ = nullptr;
    fail(nullptr, status);
  }
  sqlite3_busy_timeout(handle_, 20000);
  try {
    // A commit is on disk when it returns; readers and the one writer do not wait for each other.
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384");
    if (access == Access::read) run("PRAGMA query_only=ON");
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Database::~Database() {
  cache_.clear();
  sqlite3_close_v2(handle_);
}

void Database::run(const std::string& sql) { check(handle_, sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr)); }

std::unique_ptr<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  check(handle_, sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()), 0, &statement, nullptr));
  return std::make_unique<Statement>(statement);
}

Statement& Database::cached(const std::string& sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end()) {
    found->second->reset();
    return *found->second;
  }
  return *cache_.emplace(sql, prepare(sql)).first->second;
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_); }
std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Transaction::Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (done_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back by itself.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  done_ = true;
}

}  // namespace gantry::archive
