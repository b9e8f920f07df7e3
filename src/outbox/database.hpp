// SPDX-License-Identifier: Apache-2.0
// SQLite's C functions with owners, and with failures as Errors.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace osprey::outbox {

/// A prepared statement, which may run again and again. Its database outlives it. Threads: the
/// database's.
class Statement {
 public:
  /// Runs it to its end.
  template <typename... Values>
  Status run(const Values&... values) {
    bind_all(values...);
    return finish();
  }

  /// The first column of the first row; nothing if there is no row, or no number in it.
  template <typename... Values>
  Result<std::optional<std::int64_t>> number(const Values&... values) {
    bind_all(values...);
    return first_number();
  }

  /// Calls `each()`, which reads columns, for every row.
  template <typename Each, typename... Values>
  Status rows(const Each& each, const Values&... values) {
    bind_all(values...);
    while (true) {
      Result<bool> row = step();
      if (!row.ok()) return std::move(row).error();
      if (!*row) return {};
      each();
    }
  }

  /// How many rows the last run changed.
  int changed() const;

  std::int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, const std::string* path)
      : statement_(statement), path_(path) {}

  template <typename... Values>
  void bind_all(const Values&... values) {
    int place = 0;
    (bind(++place, values), ...);
  }
  void bind(int place, std::int64_t value);
  void bind(int place, std::string_view text);  ///< not copied
  Status finish();
  Result<std::optional<std::int64_t>> first_number();
  Result<bool> step();  ///< resets itself at the end, and on failure

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  const std::string* path_;
};

/// A connection. Errors begin with the file's path: kCorrupt: damaged or no database; kIo: the
/// system refused (a full disk too); kUnavailable: others hold it; kInternal. Threads: one at a
/// time.
class Database {
 public:
  /// Makes the file if there is none. What it holds is not trusted.
  static Result<Database> open(const std::string& path);

  /// Fails where no statement could write. Known once something has been read.
  Status writable() const;
  /// kNotFound: the file at the path is another one by now, or there is none.
  Status in_place() const;
  /// kCorrupt, as `what` is wrong.
  Error damaged(const std::string& what) const;
  /// One statement or several, without rows.
  Status run(const char* sql);
  Result<Statement> prepare(const char* sql);
  /// The only column of the only row.
  Result<std::string> text(const char* sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Database(sqlite3* database, std::unique_ptr<std::string> path)
      : path_(std::move(path)), database_(database) {}

  std::unique_ptr<std::string> path_;  ///< where statements find it
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace osprey::outbox
