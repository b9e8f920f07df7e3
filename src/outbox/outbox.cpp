// SPDX-License-Identifier: Apache-2.0
#include "outbox/outbox.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/made_folders.hpp"
#include "base/read_file.hpp"
#include "base/try.hpp"
#include "outbox/file_place.hpp"
#include "outbox/lock_file.hpp"
#include "outbox/store.hpp"

namespace osprey::outbox {

namespace {

constexpr std::size_t kLongestJson = 1U << 20;
constexpr std::chrono::seconds kBetweenLooks{1};

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

Status check_limit(const std::string& path, std::uint64_t bytes) {
  if (bytes >= kLeastLimit) return {};
  return Error{ErrorCode::kInvalidArgument, path + ": expected a limit of " +
                                                std::to_string(kLeastLimit) +
                                                " bytes or more, not " + std::to_string(bytes)};
}

/// A disk that is full, or others who hold the file, may be different soon.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::kIo || error.code == ErrorCode::kUnavailable;
}

/// Whether what failed is the file itself: damaged, or no longer there.
bool is_lost(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
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
    if (Status opened = open_first(); !opened.ok() && !may_pass(opened.error())) return opened;
    keeper_ = clock_.start_thread("outbox", [this] { look_now_and_then(); });
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
    if (!store_) return {};
    Status kept = anew_if_damaged([&] { return keep_limit(); });
    // Each event that comes makes room as well.
    return !kept.ok() && may_pass(kept.error()) ? Status() : kept;
  }

  Status add_consumer(const ConsumerOptions& options) {
    const std::lock_guard lock(mutex_);
    wanted_[options.name] = options;
    if (kept_) kept_->insert(options.name);
    if (store_) admit(options);
    return {};
  }

  Status keep_consumers(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    kept_ = {names.begin(), names.end()};
    std::erase_if(wanted_, [&](const auto& one) { return !kept_->contains(one.first); });
    std::erase_if(last_.consumers, [&](const auto& one) { return !kept_->contains(one.first); });
    if (!store_) return {};  // seen to when there is a file
    return change([&](Books& books) { return forget_others(books); });
  }

  Result<std::vector<StoredEvent>> next(const std::string& name, std::size_t limit,
                                        std::optional<std::int64_t> after) {
    const std::lock_guard lock(mutex_);
    std::vector<StoredEvent> events;
    const Status read = anew_if_damaged([&]() -> Status {
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

  Result<std::int64_t> place(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    if (!store_) return closed_;
    const auto& consumers = store_->books().consumers;
    const auto one = consumers.find(name);
    if (one == consumers.end()) return no_consumer(name);
    return one->second.place;
  }

  Result<ConsumerStatus> consumer_status(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const Books books = known_books();
    const auto one = books.consumers.find(name);
    if (one == books.consumers.end()) return no_consumer(name);
    const Consumer& c = one->second;
    return ConsumerStatus{c.delivered, books.waiting(c), c.discarded, c.refused};
  }

  OutboxStatus status() const {
    const std::lock_guard lock(mutex_);
    const Books books = known_books();
    OutboxStatus status;
    status.events = static_cast<std::uint64_t>(books.newest - books.oldest + 1);
    status.bytes = books.bytes;
    status.newest = books.newest;
    status.lost = lost_;
    status.replaced = replaced_;
    status.given_up = given_up_;
    status.problem = store_ ? problem_ : closed_.message;
    return status;
  }

  Result<std::vector<StoredEvent>> history(const HistoryQuery& query) {
    return on_second([&](Store& store) { return store.history(query); });
  }

  Result<std::vector<RefusedEvent>> refused_events(std::size_t limit) {
    return on_second([&](Store& store) { return store.refused(limit); });
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
  Status open_first() {
    const std::lock_guard lock(mutex_);
    {
      const std::lock_guard second(second_mutex_);
      OSPREY_TRY(open_store());
    }
    return anew_if_damaged([&] { return keep_limit(); });
  }

  /// Opens the file; if it is damaged, a new one. Both mutexes are held.
  Status open_store() {
    const auto open = [&] {
      return Store::open(options_.path, options_.full_sync, boot_, last_.newest);
    };
    auto opened = open();
    if (!opened.ok() && opened.error().code == ErrorCode::kCorrupt) {
      const Status moved = give_up_file(opened.error());
      opened = moved.ok() ? open() : Result<std::unique_ptr<Store>>(moved.error());
      if (!opened.ok()) opened = Error{ErrorCode::kIo, opened.error().message};
    }
    if (!opened.ok()) {
      closed_ = opened.error();
      return closed_;
    }
    store_ = *std::move(opened);
    ++generation_;
    problem_.clear();
    Books books = store_->books();
    for (auto& [name, consumer] : last_.consumers) {
      consumer.place = books.newest;
      books.consumers.try_emplace(name, consumer);
    }
    store_->set_books(std::move(books));
    for (const auto& wanted : wanted_) admit(wanted.second);
    unsaved_ = true;
    // If this cannot be written now, the next start's keep_consumers() does it.
    if (kept_) (void)change_once([&](Books& kept) { return forget_others(kept); });
    return {};
  }

  Status forget_others(Books& books) {
    for (auto one = books.consumers.begin(); one != books.consumers.end();) {
      if (kept_->contains(one->first)) {
        ++one;
        continue;
      }
      OSPREY_TRY(store_->forget(one->first));
      one = books.consumers.erase(one);
    }
    return store_->remove_pictures_nobody_wants(books);
  }

  /// Its row follows with the next change: a disk that is full now is no reason to have none.
  void admit(const ConsumerOptions& options) {
    Books books = store_->books();
    auto [consumer, added] = books.consumers.try_emplace(options.name);
    consumer->second.pictures = options.pictures;
    if (added) {
      consumer->second.place = options.begin == Begin::kAtEnd ? books.newest : books.oldest - 1;
    }
    store_->set_books(std::move(books));
    unsaved_ = unsaved_ || added;
  }

  /// In place of a file that is damaged, a new one. Consumers and their counts stay; what waited is
  /// lost and counted. mutex_ is held.
  Status begin_anew(const Error& damage) {
    const std::lock_guard lock(second_mutex_);
    last_ = store_->books();
    for (auto& [name, consumer] : last_.consumers) consumer.discarded += last_.waiting(consumer);
    last_.oldest = last_.newest + 1;
    last_.bytes = 0;
    store_.reset();
    if (Status given_up = give_up_file(damage); !given_up.ok()) {
      closed_ = given_up.error();
      return given_up;
    }
    return open_store();
  }

  Status give_up_file(const Error& damage) {
    const bool is_gone = damage.code == ErrorCode::kNotFound;
    if (!is_gone) OSPREY_TRY(move_aside(options_.path));
    ++replaced_;
    given_up_ = damage.message + (is_gone ? "; begun anew" : "; moved aside, and a new file begun");
    return {};
  }

  /// What it was once it could be opened, and is still to be.
  Books known_books() const {
    if (store_) return store_->books();
    Books books = last_;
    for (const auto& wanted : wanted_) books.consumers.try_emplace(wanted.first);
    return books;
  }

  Status keep_limit() {
    if (store_->books().bytes <= limit_bytes_) return {};
    OSPREY_TRY(change_once(
        [&](Books& books) { return store_->make_room(limit_bytes_, books.newest, books); }));
    const std::lock_guard lock(second_mutex_);
    return store_->shrink();
  }

  /// What is done on the connection that append() does not use, which damage ends and begins anew.
  template <typename Action>
  auto on_second(const Action& action) -> decltype(action(std::declval<Store&>())) {
    std::uint64_t generation = 0;
    Error damage;
    {
      const std::lock_guard lock(second_mutex_);
      if (!store_) return closed_;
      auto result = action(*store_);
      if (result.ok() || !is_lost(result.error())) return result;
      damage = result.error();
      generation = generation_;
    }
    const std::lock_guard lock(mutex_);
    // Unless another has done so since.
    if (store_ && generation_ == generation) OSPREY_TRY(begin_anew(damage));
    const std::lock_guard second(second_mutex_);
    if (!store_) return closed_;
    return action(*store_);
  }

  Status advance(const std::string& name, std::int64_t number, const std::string* reason) {
    const std::lock_guard lock(mutex_);
    return change([&](Books& books) -> Status {
      const auto consumer = books.consumers.find(name);
      if (consumer == books.consumers.end()) return no_consumer(name);
      Consumer& c = consumer->second;
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
    const auto all = [&]() -> Status {
      if (unsaved_) {
        for (const auto& consumer : books.consumers) OSPREY_TRY(store_->save(consumer));
      }
      return changes(books);
    };
    OSPREY_TRY(store_->transaction(all));
    store_->set_books(std::move(books));
    unsaved_ = false;
    // Without the lock: who waits for a sync must not hold this up.
    dirty_.store(true);
    return {};
  }

  Status change(const std::function<Status(Books&)>& changes) {
    return anew_if_damaged([&] { return change_once(changes); });
  }

  /// `action` is tried again with a new file if this one is found damaged.
  Status anew_if_damaged(const std::function<Status()>& action) {
    if (!store_) return closed_;
    Status done = action();
    if (done.ok() || done.error().code != ErrorCode::kCorrupt) return done;
    OSPREY_TRY(begin_anew(done.error()));
    return action();
  }

  void look_now_and_then() {
    std::unique_lock lock(keeper_mutex_);
    while (!stopping_) {
      changed_->wait_until(lock, clock_.now() + kBetweenLooks);
      if (stopping_) return;
      lock.unlock();
      open_if_closed();
      // A disk that is full says so to append(), too, and here it is tried again.
      if (dirty_.exchange(false) && !on_second([](Store& store) { return store.sync(); }).ok()) {
        dirty_.store(true);
      }
      lock.lock();
    }
  }

  void open_if_closed() {
    const std::lock_guard lock(mutex_);
    if (store_) return;
    const std::lock_guard second(second_mutex_);
    (void)open_store();
  }

  const OutboxOptions options_;
  const std::string boot_;
  base::Clock& clock_;
  const LockFile lock_;

  mutable std::mutex mutex_;  ///< what follows, and the store's first connection
  std::uint64_t limit_bytes_;
  std::uint64_t lost_ = 0, replaced_ = 0;
  std::string problem_, given_up_;
  std::map<std::string, ConsumerOptions> wanted_;  ///< of this run
  std::optional<std::set<std::string>> kept_;      ///< others are forgotten
  Books last_;            ///< of the file before, if it was given up: nobody waits any more
  bool unsaved_ = false;  ///< a consumer is not in the file yet

  // Read with either mutex, written with both.
  std::unique_ptr<Store> store_;  ///< none: the file could not be opened
  Error closed_;                  ///< why
  std::uint64_t generation_ = 0;  ///< times a file was opened

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
  OSPREY_TRY(check_place(options.path));
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
  return impl_->place(consumer);
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
