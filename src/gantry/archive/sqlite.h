// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gantry/base/files.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::archive {

/// A prepared statement. Parameters and columns count from 0. For one thread at a time.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind_optional(int parameter, const std::optional<std::string>& text);
  /// Goes to the next row; false when there is none, and the statement is ready to be run again. Errors as Database.
  bool step();
  /// Runs a statement without rows.
  void run();
  /// Makes ready to be run again before the last row was reached.
  void reset();

  int columns() const;
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// A connection to an SQLite file. Errors: disk_full, unreadable (a damaged file), internal. For one thread at a time.
class Database {
 public:
  enum class Access { write, read };
  Database(const Path& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements without parameters.
  void run(const std::string& sql);
  /// The statement of `sql`, ready to be bound; kept for the next call, so that one may not be used by two at once.
  Statement& cached(const std::string& sql);
  /// A statement of its own.
  std::unique_ptr<Statement> prepare(const std::string& sql);
  std::int64_t last_row() const;
  std::int64_t changes() const;

 private:
  sqlite3* handle_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> cache_;
};

/// Runs from construction to `commit`; rolled back when it is destroyed before.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool done_ = false;
};

}  // namespace gantry::archive
