// SPDX-License-Identifier: Apache-2.0
#include "outbox/database.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/io_error.hpp"

namespace osprey::outbox {

namespace {

constexpr int kBusyMilliseconds = 500;  ///< for others: Osprey waits for nothing of its own
constexpr int kLongestValue = 8 << 20;  ///< bytes; longer ones do not come from here

ErrorCode kind_of(int result) {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:       // tables or columns that are not as expected
    case SQLITE_CONSTRAINT:  // rows that are not
      return ErrorCode::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return ErrorCode::kIo;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

Error error_of(const std::string& path, int result) {
  // A file cut short reads as a failing disk does; but a failing disk does not say so.
  const auto kind = result == SQLITE_IOERR_SHORT_READ ? ErrorCode::kCorrupt : kind_of(result);
  return {kind, path + ": " + sqlite3_errstr(result)};
}

/// The system does not let us write, or SQLite does not, as a header with a damaged version says
/// that only a later SQLite may.
Error why_read_only(const std::string& path) {
  if (::access(path.c_str(), W_OK) != 0) return base::io_error(path, errno);
  return {ErrorCode::kCorrupt, path + ": its header says that it is only to be read"};
}

Error error_of(const std::string& path, sqlite3* database) {
  const int result = sqlite3_extended_errcode(database);
  if (result == SQLITE_READONLY && sqlite3_db_readonly(database, "main") == 1) {
    return why_read_only(path);
  }
  Error error = error_of(path, result);
  if (const int number = sqlite3_system_errno(database);
      error.code == ErrorCode::kIo && (result & 0xff) != SQLITE_FULL && number != 0) {
    error.message += " (" + std::generic_category().message(number) + ")";
  }
  return error;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

void Statement::bind(int place, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), place, value);
}

void Statement::bind(int place, std::string_view text) {
  // Without an address it would be NULL.
  const char* bytes = text.empty() ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), place, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  std::optional<Error> error;
  if (result != SQLITE_DONE) error = error_of(*path_, sqlite3_db_handle(statement_.get()));
  sqlite3_reset(statement_.get());
  if (error) return *std::move(error);
  return false;
}

Status Statement::finish() {
  while (OSPREY_TRY(step())) {
  }
  return {};
}

Result<std::optional<std::int64_t>> Statement::first_number() {
  const bool row = OSPREY_TRY(step());
  std::optional<std::int64_t> number;
  if (row && sqlite3_column_type(statement_.get(), 0) == SQLITE_INTEGER) number = integer(0);
  sqlite3_reset(statement_.get());
  return number;
}

int Statement::changed() const {
  return sqlite3_changes(sqlite3_db_handle(statement_.get()));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

Result<Database> Database::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw, std::make_unique<std::string>(path));
  if (result != SQLITE_OK) return raw == nullptr ? error_of(path, result) : error_of(path, raw);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  OSPREY_TRY(database.run("PRAGMA cell_size_check = ON"));
  return database;
}

Status Database::writable() const {
  if (sqlite3_db_readonly(database_.get(), "main") == 0) return {};
  return why_read_only(*path_);
}

Status Database::in_place() const {
  int moved = 0;
  sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved == 0) return {};
  return Error{ErrorCode::kNotFound, *path_ + ": removed or replaced while it was in use"};
}

Error Database::damaged(const std::string& what) const {
  return {ErrorCode::kCorrupt, *path_ + ": " + what};
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error_of(*path_, database_.get());
  }
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return error_of(*path_, database_.get());
  }
  return Statement(statement, path_.get());
}

Result<std::string> Database::text(const char* sql) {
  Statement statement = OSPREY_TRY(prepare(sql));
  std::string text;
  OSPREY_TRY(statement.rows([&] { text = statement.text(0); }));
  return text;
}

}  // namespace osprey::outbox
