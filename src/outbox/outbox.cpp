// SPDX-License-Identifier: Apache-2.0
#include "outbox/outbox.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include "base/made_folders.hpp"
#include "base/read_file.hpp"
#include "base/try.hpp"
#include "outbox/lock_file.hpp"
#include "outbox/store.hpp"

namespace osprey::outbox {

namespace {

constexpr std::size_t kLongestJson = 1U << 20;
constexpr std::chrono::seconds kUntilSynced{1};

/// The listeners outlive the outbox if somebody holds on to one.
struct Listeners {
  std::mutex mutex;
  std::list<std::function<void()>> list;
};

std::string boot_of(const OutboxOptions& options) {
  if (!options.boot.empty()) return options.boot;
  auto boot = base::read_file("/proc/sys/kernel/random/boot_id", "the kernel's boot id", 100);
  return boot.ok() ? *std::move(boot) : std::string();
}

/// Moves a database and its log aside.
Status move_aside(const std::string& path) {
  constexpr int kKept = 3;
  std::error_code error;
  int n = 1;
  while (n < kKept && std::filesystem::exists(path + ".damaged-" + std::to_string(n), error)) ++n;
  const std::string aside = path + ".damaged-" + std::to_string(n);
  for (const char* part : {"-wal", "-shm", ""}) {
    std::filesystem::remove(aside + part, error);
    if (!std::filesystem::exists(path + part, error)) continue;
    std::filesystem::rename(path + part, aside + part, error);
    if (error) {
      return Error{ErrorCode::kIo,
                   path + part + ": damaged, and cannot be moved aside: " + error.message()};
    }
  }
  return {};
}

Status check_limit(const std::string& path, std::uint64_t bytes) {
  if (bytes >= kLeastLimit) return {};
  return Error{ErrorCode::kInvalidArgument, path + ": expected a limit of " +
                                                std::to_string(kLeastLimit) +
                                                " bytes or more, not " + std::to_string(bytes)};
}

Error no_consumer(const std::string& name) {
  return {ErrorCode::kNotFound, "outbox: no consumer " + name};
}

}  // namespace

class Outbox::Impl {
 public:
  Impl(OutboxOptions options, base::Clock& clock, LockFile lock)
      : options_(std::move(options)),
        boot_(boot_of(options_)),
        clock_(clock),
        lock_(std::move(lock)),
        limit_bytes_(options_.limit_bytes),
        changed_(clock.make_condition()) {}

  ~Impl() {
    {
      const std::lock_guard lock(keeper_mutex_);
      stopping_ = true;
      changed_->notify_all();
    }
    if (keeper_) keeper_->join();
  }

  Status start() {
    if (Status opened = open_store(); !opened.ok()) {
      if (opened.error().code != ErrorCode::kCorrupt) return opened;
      OSPREY_TRY(begin_anew(opened.error()));
    }
    keeper_ = clock_.start_thread("outbox", [this] { sync_now_and_then(); });
    return {};
  }

  Result<std::int64_t> append(const NewEvent& event) {
    if (event.json.size() < 2 || event.json.front() != '{' || event.json.back() != '}' ||
        event.json.size() > kLongestJson) {
      return Error{ErrorCode::kInvalidArgument,
                   "outbox: expected an event as a JSON object of at most 1 MiB"};
    }
    std::int64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      Status kept = change([&](Books& books) -> Status {
        number = OSPREY_TRY(store_->insert(event, options_.longest_picture, books));
        return store_->make_room(limit_bytes_, number, books);
      });
      if (!kept.ok()) {
        ++lost_;
        problem_ = "an event was lost: " + kept.error().message;
        return Error{kept.error().code, problem_};
      }
      problem_.clear();
    }
    const std::lock_guard lock(listeners_->mutex);
    for (const auto& listener : listeners_->list) listener();
    return number;
  }

  Status set_limit(std::uint64_t bytes) {
    OSPREY_TRY(check_limit(options_.path, bytes));
    const std::lock_guard lock(mutex_);
    limit_bytes_ = bytes;
    return change_if_damaged([&] { return keep_limit(); });
  }

  Status add_consumer(const ConsumerOptions& options) {
    const std::lock_guard lock(mutex_);
    return change([&](Books& books) -> Status {
      auto [consumer, added] = books.consumers.try_emplace(options.name);
      consumer->second.pictures = options.pictures;
      if (!added) return {};
      consumer->second.place = options.begin == Begin::kAtEnd ? books.newest : books.oldest - 1;
      return store_->save(*consumer);
    });
  }

  Status keep_consumers(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    return change([&](Books& books) -> Status {
      for (auto one = books.consumers.begin(); one != books.consumers.end();) {
        if (std::find(names.begin(), names.end(), one->first) != names.end()) {
          ++one;
          continue;
        }
        OSPREY_TRY(store_->forget(one->first));
        one = books.consumers.erase(one);
      }
      return store_->remove_pictures_nobody_wants(books);
    });
  }

  Result<std::vector<StoredEvent>> next(const std::string& name, std::size_t limit,
                                        std::optional<std::int64_t> after) {
    const std::lock_guard lock(mutex_);
    std::vector<StoredEvent> events;
    const Status read = change_if_damaged([&]() -> Status {
      const auto consumer = store_->books().consumers.find(name);
      if (consumer == store_->books().consumers.end()) return no_consumer(name);
      events = OSPREY_TRY(
          store_->next(after.value_or(consumer->second.place), limit, consumer->second.pictures));
      return {};
    });
    if (!read.ok()) return read.error();
    return events;
  }

  Status delivered(const std::string& name, std::int64_t number) {
    return advance(name, number, nullptr);
  }

  Status refused(const std::string& name, std::int64_t number, const std::string& reason) {
    return advance(name, number, &reason);
  }

  Result<Consumer> consumer(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto& consumers = store_->books().consumers;
    const auto one = consumers.find(name);
    if (one == consumers.end()) return no_consumer(name);
    return one->second;
  }

  Result<ConsumerStatus> consumer_status(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto& books = store_->books();
    const auto one = books.consumers.find(name);
    if (one == books.consumers.end()) return no_consumer(name);
    const Consumer& c = one->second;
    return ConsumerStatus{c.delivered, books.waiting(c), c.discarded, c.refused};
  }

  OutboxStatus status() const {
    const std::lock_guard lock(mutex_);
    const Books& books = store_->books();
    OutboxStatus status;
    status.events = static_cast<std::uint64_t>(books.newest - books.oldest + 1);
    status.bytes = books.bytes;
    status.newest = books.newest;
    status.lost = lost_;
    status.replaced = replaced_;
    status.problem = problem_;
    return status;
  }

  Result<std::vector<StoredEvent>> history(const HistoryQuery& query) {
    return read([&](Store& store) { return store.history(query); });
  }

  Result<std::vector<RefusedEvent>> refused_events(std::size_t limit) {
    return read([&](Store& store) { return store.refused(limit); });
  }

  std::shared_ptr<void> listen(std::function<void()> listener) {
    const std::lock_guard lock(listeners_->mutex);
    listeners_->list.push_front(std::move(listener));
    const auto place = listeners_->list.begin();
    return {&*place, [listeners = listeners_, place](void*) {
              const std::lock_guard unlisten(listeners->mutex);
              listeners->list.erase(place);
            }};
  }

 private:
  Status open_store() {
    store_ = OSPREY_TRY(Store::open(options_.path, options_.full_sync, boot_));
    return keep_limit();
  }

  Status keep_limit() {
    if (store_->books().bytes <= limit_bytes_) return {};
    OSPREY_TRY(change_once(
        [&](Books& books) { return store_->make_room(limit_bytes_, books.newest, books); }));
    const std::lock_guard lock(second_mutex_);
    return store_->shrink();
  }

  /// What is read on the connection that append() does not use.
  template <typename Read>
  auto read(const Read& one) -> decltype(one(std::declval<Store&>())) {
    std::string damage;
    {
      const std::lock_guard lock(second_mutex_);
      auto result = one(*store_);
      if (result.ok() || result.error().code != ErrorCode::kCorrupt) return result;
      damage = result.error().message;
    }
    const std::lock_guard lock(mutex_);
    OSPREY_TRY(begin_anew({ErrorCode::kCorrupt, damage}));
    const std::lock_guard second(second_mutex_);
    return one(*store_);
  }

  Status advance(const std::string& name, std::int64_t number, const std::string* reason) {
    const std::lock_guard lock(mutex_);
    return change([&](Books& books) -> Status {
      const auto consumer = books.consumers.find(name);
      if (consumer == books.consumers.end()) return no_consumer(name);
      Consumer& c = consumer->second;
      // Beyond the newest: of a file that has been replaced since.
      if (number <= c.place || number > books.newest) return {};
      const auto had = static_cast<std::uint64_t>(
          number - std::min(std::max(c.place, books.oldest - 1), number));
      c.place = number;
      c.delivered += had;
      if (reason != nullptr && had > 0) {
        --c.delivered;
        ++c.refused;
        OSPREY_TRY(store_->set_aside(name, number, *reason));
      }
      OSPREY_TRY(store_->save(*consumer));
      return store_->remove_pictures_nobody_wants(books);
    });
  }

  /// A transaction: the file and the books are changed together, or neither is.
  Status change_once(const std::function<Status(Books&)>& changes) {
    Books books = store_->books();
    OSPREY_TRY(store_->transaction([&] { return changes(books); }));
    store_->set_books(std::move(books));
    // Without the lock: who waits for a sync must not hold this up.
    dirty_.store(true);
    return {};
  }

  Status change(const std::function<Status(Books&)>& changes) {
    return change_if_damaged([&] { return change_once(changes); });
  }

  Status change_if_damaged(const std::function<Status()>& action) {
    Status done = action();
    if (done.ok() || done.error().code != ErrorCode::kCorrupt) return done;
    OSPREY_TRY(begin_anew(done.error()));
    return action();
  }

  /// Consumers and their counts stay; what waited is lost and counted.
  Status begin_anew(const Error& damage) {
    std::map<std::string, Consumer> consumers;
    const std::lock_guard lock(second_mutex_);
    if (store_) {
      for (const auto& [name, consumer] : store_->books().consumers) {
        Consumer& kept = consumers[name] = consumer;
        kept.discarded += store_->books().waiting(consumer);
        kept.place = 0;
      }
    }
    store_.reset();
    Status moved = move_aside(options_.path);
    if (moved.ok()) {
      ++replaced_;
      problem_ = damage.message + "; moved aside, and a new file begun";
    } else {
      problem_ = moved.error().message;
    }
    auto opened = Store::open(options_.path, options_.full_sync, boot_);
    if (!opened.ok() && opened.error().code == ErrorCode::kCorrupt) {
      opened = Error{ErrorCode::kIo, opened.error().message};
    }
    if (!opened.ok()) {
      // There must be one: in memory, until the next start.
      problem_ += "; " + opened.error().message + "; events are kept in memory only";
      opened = Store::open("", false, boot_);
    }
    store_ = OSPREY_TRY(std::move(opened));
    return change_once([&](Books& books) -> Status {
      books.consumers = std::move(consumers);
      for (const auto& consumer : books.consumers) OSPREY_TRY(store_->save(consumer));
      return {};
    });
  }

  void sync_now_and_then() {
    std::unique_lock lock(keeper_mutex_);
    while (!stopping_) {
      changed_->wait_until(lock, clock_.now() + kUntilSynced);
      if (stopping_ || !dirty_.exchange(false)) continue;
      lock.unlock();
      {
        const std::lock_guard second(second_mutex_);
        // A disk that is full says so to append(), too, and here it is tried again.
        if (!store_->sync().ok()) dirty_.store(true);
      }
      lock.lock();
    }
  }

  const OutboxOptions options_;
  const std::string boot_;
  base::Clock& clock_;
  const LockFile lock_;

  mutable std::mutex mutex_;      ///< what follows, and the store but for its second connection
  std::unique_ptr<Store> store_;  ///< replaced with both mutexes held
  std::uint64_t limit_bytes_;
  std::uint64_t lost_ = 0, replaced_ = 0;
  std::string problem_;

  std::mutex second_mutex_;  ///< the store's second connection; taken after mutex_

  const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();

  std::atomic<bool> dirty_ = false;  ///< something is not yet on the disk
  std::mutex keeper_mutex_;
  bool stopping_ = false;
  const std::unique_ptr<base::Condition> changed_;
  std::unique_ptr<base::Thread> keeper_;
};

Outbox::Outbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Outbox::~Outbox() = default;

Result<std::unique_ptr<Outbox>> Outbox::open(OutboxOptions options, base::Clock& clock) {
  if (options.path.empty()) {
    return Error{ErrorCode::kInvalidArgument, "outbox: expected a path for its file"};
  }
  OSPREY_TRY(check_limit(options.path, options.limit_bytes));
  auto folders =
      OSPREY_TRY(base::MadeFolders::make(std::filesystem::path(options.path).parent_path()));
  LockFile lock = OSPREY_TRY(LockFile::take(options.path));
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(lock));
  OSPREY_TRY(impl->start());
  folders.keep();
  return std::unique_ptr<Outbox>(new Outbox(std::move(impl)));
}

Result<std::int64_t> Outbox::append(const NewEvent& event) {
  return impl_->append(event);
}

Status Outbox::set_limit(std::uint64_t bytes) {
  return impl_->set_limit(bytes);
}

Status Outbox::add_consumer(const ConsumerOptions& consumer) {
  return impl_->add_consumer(consumer);
}

Status Outbox::keep_consumers(const std::vector<std::string>& names) {
  return impl_->keep_consumers(names);
}

Result<std::vector<StoredEvent>> Outbox::next(const std::string& consumer, std::size_t limit,
                                              std::optional<std::int64_t> after) {
  return impl_->next(consumer, limit, after);
}

Status Outbox::delivered(const std::string& consumer, std::int64_t number) {
  return impl_->delivered(consumer, number);
}

Status Outbox::refused(const std::string& consumer, std::int64_t number,
                       const std::string& reason) {
  return impl_->refused(consumer, number, reason);
}

Result<ConsumerStatus> Outbox::status(const std::string& consumer) const {
  return impl_->consumer_status(consumer);
}

Result<std::int64_t> Outbox::place(const std::string& consumer) const {
  return OSPREY_TRY(impl_->consumer(consumer)).place;
}

OutboxStatus Outbox::status() const {
  return impl_->status();
}

Result<std::vector<StoredEvent>> Outbox::history(const HistoryQuery& query) {
  return impl_->history(query);
}

Result<std::vector<RefusedEvent>> Outbox::refused(std::size_t limit) {
  return impl_->refused_events(limit);
}

std::shared_ptr<void> Outbox::when_appended(std::function<void()> listener) {
  return impl_->listen(std::move(listener));
}

}  // namespace osprey::outbox
