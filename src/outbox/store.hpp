// SPDX-License-Identifier: Apache-2.0
// The outbox's tables, and what is known of them without asking.
#pragma once

#include <osprey/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "outbox/database.hpp"
#include "outbox/outbox.hpp"

namespace osprey::outbox {

struct Consumer {
  std::int64_t place = 0;  ///< number of the last event it has
  std::uint64_t delivered = 0, discarded = 0, refused = 0;
  bool pictures = false;  ///< not in the file: said anew in each run
};

/// What the tables hold, in numbers. Events are oldest..newest without gaps.
struct Books {
  std::map<std::string, Consumer> consumers;
  std::int64_t newest = 0;
  std::int64_t oldest = 1;  ///< newest + 1 if there are none
  std::uint64_t bytes = 0;
  std::uint64_t picture_bytes = 0;

  std::uint64_t waiting(const Consumer& consumer) const {
    const std::int64_t had = consumer.place < oldest ? oldest - 1 : consumer.place;
    return static_cast<std::uint64_t>(newest - had);
  }
};

/// Two connections to the file: one for what changes, one for history() and sync(). Errors are
/// those of Database; kInvalidArgument: a database of another program. Threads: one at a time a
/// connection.
class Store {
 public:
  /// `boot` differs after each start of the machine, or is empty. Numbers up
  /// to `newest` were given already: those of a file that is made go on from there.
  static Result<std::unique_ptr<Store>> open(const std::string& path, bool full_sync,
                                             const std::string& boot, std::int64_t newest);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const Books& books() const { return books_; }
  void set_books(Books books) { books_ = std::move(books); }

  Status transaction(const std::function<Status()>& changes);

  // Within a transaction; what they change of `books` is to be kept if it succeeds.
  Result<std::int64_t> insert(const NewEvent& event, std::size_t longest_picture, Books& books);
  /// Drops what is oldest, but never events from number `last` on.
  Status make_room(std::uint64_t limit, std::int64_t last, Books& books);
  Status remove_pictures_nobody_wants(Books& books);
  Status save(const std::pair<const std::string, Consumer>& consumer);
  Status forget(const std::string& consumer);
  Status set_aside(const std::string& consumer, std::int64_t number, const std::string& reason);

  Result<std::vector<StoredEvent>> next(std::int64_t after, std::size_t limit, bool pictures);
  /// Gives room back to the file system if the file is twice as large as its content.
  Status shrink();

  // The second connection's.
  Result<std::vector<StoredEvent>> history(const HistoryQuery& query);
  Result<std::vector<RefusedEvent>> refused(std::size_t limit);
  /// Everything that was changed is on the disk. kNotFound: but the file is no longer at its path.
  Status sync();

 private:
  struct Statements;
  struct Epoch {
    std::int64_t first;
    std::string uuid;
  };

  Store(Database writer, Database reader);
  Status load();
  Status load_epochs(const std::string& boot, std::int64_t newest);
  Status count_bytes(Books& books);
  Status drop_oldest_event(Books& books);
  Status drop_oldest_picture(Books& books);
  std::string key_of(std::int64_t number) const;
  StoredEvent event_of(const Statement& row) const;

  // Statements go before their connections.
  Database writer_, reader_;
  std::unique_ptr<Statements> statements_;
  Books books_;
  std::vector<Epoch> epochs_;  ///< by first; never changed once it is open
  std::uint64_t page_bytes_ = 4096;
};

}  // namespace osprey::outbox
