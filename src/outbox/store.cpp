// SPDX-License-Identifier: Apache-2.0
#include "outbox/store.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <tuple>

namespace osprey::outbox {

namespace {

constexpr std::int64_t kApplication = 0x6f73706f;  // "ospo"
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kLargestNumber = std::int64_t{1} << 53;  // exact in every reader of JSON
constexpr const char* kLongestLog = "PRAGMA journal_size_limit = 16000000";
constexpr char kBetweenZones = '\x1f';

// `events` is narrow, so that looking for a label among 100 000 reads some megabytes.
//
// The system may forget the last changes when the power goes: numbers would be given a second time,
// and a receiver that has seen them would drop the new events. So every start of the machine begins
// an epoch, with a uuid of its own for the keys.
constexpr const char* kSchema = R"(
CREATE TABLE events(number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,
  type TEXT NOT NULL, camera TEXT NOT NULL, label TEXT NOT NULL, zones TEXT NOT NULL);
CREATE TABLE bodies(number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE pictures(number INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);
CREATE TABLE consumers(name TEXT PRIMARY KEY, place INTEGER NOT NULL, delivered INTEGER NOT NULL,
  discarded INTEGER NOT NULL, refused INTEGER NOT NULL);
CREATE TABLE refused(number INTEGER NOT NULL, consumer TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(number, consumer)) WITHOUT ROWID;
CREATE TABLE epochs(first INTEGER PRIMARY KEY, uuid TEXT NOT NULL, boot TEXT NOT NULL);
)";

constexpr const char* kSchemaText =
    "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE name NOT LIKE "
    "'sqlite\\_%' ESCAPE '\\' ORDER BY name)";

/// Random, as RFC 4122's version 4.
std::string make_uuid() {
  std::random_device random;
  std::array<unsigned, 4> words{random(), random(), random(), random()};
  words[1] = (words[1] & 0xffff0fffU) | 0x4000U;
  words[2] = (words[2] & 0x3fffffffU) | 0x80000000U;
  constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  for (unsigned digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) uuid += '-';
    uuid += kHex[(words[digit / 8] >> (28 - 4 * (digit % 8))) & 15U];
  }
  return uuid;
}

bool is_uuid(const std::string& text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

std::string joined(const std::vector<std::string>& zones) {
  std::string text;
  for (const auto& zone : zones) (text += kBetweenZones) += zone;
  if (!zones.empty()) text += kBetweenZones;
  return text;
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint64_t not_negative(std::int64_t number) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
}

/// Makes the tables, so that numbers go on from `newest`, or sees that they are those expected.
Status settle(Database& database, const std::string& path, std::int64_t newest) {
  Database expected = OSPREY_TRY(Database::open(":memory:"));
  OSPREY_TRY(expected.run(kSchema));
  const std::string expected_tables = OSPREY_TRY(expected.text(kSchemaText));
  const std::string tables = OSPREY_TRY(database.text(kSchemaText));
  const std::string application = OSPREY_TRY(database.text("PRAGMA application_id"));
  const bool is_ours = application == std::to_string(kApplication);
  // One transaction, so that a process that ends in the middle leaves nothing of it.
  if (tables.empty() && application == "0") {
    const std::string make =
        "BEGIN IMMEDIATE; PRAGMA application_id = " + std::to_string(kApplication) +
        "; PRAGMA user_version = " + std::to_string(kVersion) + ";" + kSchema +
        "INSERT INTO sqlite_sequence(name, seq) VALUES('events', " + std::to_string(newest) +
        "); COMMIT";
    return database.run(make.c_str());
  }
  if (!is_ours && tables != expected_tables) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ": a database of another program; expected an outbox or no file"};
  }
  const std::string version = OSPREY_TRY(database.text("PRAGMA user_version"));
  if (version != std::to_string(kVersion)) {
    return Error{ErrorCode::kUnsupported, path + ": an outbox of version " + version +
                                              "; expected " + std::to_string(kVersion)};
  }
  if (!is_ours || tables != expected_tables) {
    return database.damaged("its tables are not those of an outbox");
  }
  return {};
}

}  // namespace

struct Store::Statements {
  static Result<std::unique_ptr<Statements>> prepare(Database& writer, Database& reader);

  // The writer's.
  Statement begin, commit, rollback;
  Statement pages, free_pages;
  Statement insert_event, insert_body, insert_picture;
  Statement next, next_with_pictures;
  Statement save, forget;
  Statement set_aside;
  Statement first_number, delete_event, delete_body, delete_picture, delete_refused;
  Statement first_picture, picture_bytes_up_to, delete_pictures_up_to;
  // The reader's.
  Statement history, refused, sync;
};

Result<std::unique_ptr<Store::Statements>> Store::Statements::prepare(Database& writer,
                                                                      Database& reader) {
  std::optional<Error> error;
  const auto make = [&](Database& database, const char* sql) -> std::optional<Statement> {
    if (error) return std::nullopt;
    auto statement = database.prepare(sql);
    if (statement.ok()) return *std::move(statement);
    error = std::move(statement).error();
    return std::nullopt;
  };
  constexpr const char* kNext =
      "SELECT e.number, e.type, e.camera, e.label, b.json, '' FROM events e CROSS JOIN bodies b "
      "ON b.number = e.number WHERE e.number > ?1 ORDER BY e.number LIMIT ?2";
  constexpr const char* kNextWithPictures =
      "SELECT e.number, e.type, e.camera, e.label, b.json, p.jpeg FROM events e CROSS JOIN bodies "
      "b ON b.number = e.number LEFT JOIN pictures p ON p.number = e.number WHERE e.number > ?1 "
      "ORDER BY e.number LIMIT ?2";
  constexpr const char* kHistory =
      "SELECT e.number, e.type, e.camera, e.label, b.json, '' FROM events e CROSS JOIN bodies b "
      "ON b.number = e.number WHERE e.number < ?1 AND (?2 = '' OR e.camera = ?2) AND (?3 = '' OR "
      "e.label = ?3) AND (?4 = '' OR e.type = ?4) AND (?5 = '' OR instr(e.zones, ?5) > 0) ORDER BY "
      "e.number DESC LIMIT ?6";
  std::array<std::optional<Statement>, 24> made{
      make(writer, "BEGIN IMMEDIATE"),
      make(writer, "COMMIT"),
      make(writer, "ROLLBACK"),
      make(writer, "PRAGMA page_count"),
      make(writer, "PRAGMA freelist_count"),
      make(writer,
           "INSERT INTO events(number, time, type, camera, label, zones) VALUES(?1, ?2, ?3, ?4, "
           "?5, ?6)"),
      make(writer, "INSERT INTO bodies(number, json) VALUES(?1, ?2)"),
      make(writer, "INSERT INTO pictures(number, jpeg) VALUES(?1, CAST(?2 AS BLOB))"),
      make(writer, kNext),
      make(writer, kNextWithPictures),
      make(writer,
           "INSERT OR REPLACE INTO consumers(name, place, delivered, discarded, refused) "
           "VALUES(?1, ?2, ?3, ?4, ?5)"),
      make(writer, "DELETE FROM consumers WHERE name = ?1"),
      make(writer, "INSERT OR REPLACE INTO refused(number, consumer, reason) VALUES(?1, ?2, ?3)"),
      make(writer, "SELECT min(number) FROM events"),
      make(writer, "DELETE FROM events WHERE number = ?1"),
      make(writer, "DELETE FROM bodies WHERE number = ?1"),
      make(writer, "DELETE FROM pictures WHERE number = ?1"),
      make(writer, "DELETE FROM refused WHERE number <= ?1"),
      make(writer, "SELECT number, length(jpeg) FROM pictures ORDER BY number LIMIT 1"),
      make(writer, "SELECT sum(length(jpeg)) FROM pictures WHERE number <= ?1"),
      make(writer, "DELETE FROM pictures WHERE number <= ?1"),
      make(reader, kHistory),
      make(reader, "SELECT consumer, number, reason FROM refused ORDER BY number DESC LIMIT ?1"),
      make(reader, "PRAGMA wal_checkpoint(PASSIVE)"),
  };
  if (error) return *std::move(error);
  return std::apply(
      [](auto&... one) { return std::unique_ptr<Statements>(new Statements{*std::move(one)...}); },
      made);
}

Store::Store(Database writer, Database reader)
    : writer_(std::move(writer)), reader_(std::move(reader)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, bool full_sync,
                                           const std::string& boot, std::int64_t newest) {
  Database writer = OSPREY_TRY(Database::open(path));
  OSPREY_TRY(settle(writer, path, newest));
  OSPREY_TRY(writer.writable());
  OSPREY_TRY(writer.run("PRAGMA journal_mode = WAL"));
  OSPREY_TRY(writer.run(full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  // Syncing is sync()'s, which holds nobody up; this is for when it does not get its turn.
  OSPREY_TRY(writer.run("PRAGMA wal_autocheckpoint = 10000"));
  Database reader = OSPREY_TRY(Database::open(path));
  OSPREY_TRY(reader.run("PRAGMA synchronous = NORMAL"));
  // A log that grew while another program was reading is cut down afterwards.
  OSPREY_TRY(writer.run(kLongestLog));
  OSPREY_TRY(reader.run(kLongestLog));
  std::unique_ptr<Store> store(new Store(std::move(writer), std::move(reader)));
  store->statements_ = OSPREY_TRY(Statements::prepare(store->writer_, store->reader_));
  OSPREY_TRY(store->load());
  OSPREY_TRY(store->load_epochs(boot, newest));
  return store;
}

Status Store::load() {
  // Those that must be right for counts and order to be; the large ones are seen to when they are
  // read.
  for (const char* table : {"events", "consumers", "epochs", "sqlite_sequence"}) {
    const std::string check = std::string("PRAGMA integrity_check(") + table + ")";
    std::string found = OSPREY_TRY(writer_.text(check.c_str()));
    // Once more, as it may have been the disk, this once.
    if (found != "ok") found = OSPREY_TRY(writer_.text(check.c_str()));
    if (found != "ok") {
      return writer_.damaged(std::string("its table ") + table + " is damaged");
    }
  }
  const auto number = [&](const char* sql) -> Result<std::int64_t> {
    Statement statement = OSPREY_TRY(writer_.prepare(sql));
    return OSPREY_TRY(statement.number()).value_or(0);
  };
  const std::int64_t given =
      OSPREY_TRY(number("SELECT seq FROM sqlite_sequence WHERE name = 'events'"));
  const std::int64_t last = OSPREY_TRY(number("SELECT max(number) FROM events"));
  const std::int64_t first = OSPREY_TRY(number("SELECT min(number) FROM events"));
  books_.newest = std::max(given, last);
  const std::int64_t events = OSPREY_TRY(number("SELECT count(*) FROM events"));
  books_.oldest = events == 0 ? books_.newest + 1 : first;
  if (books_.oldest < 1 || books_.newest >= kLargestNumber ||
      events != books_.newest - books_.oldest + 1) {
    return writer_.damaged("its numbers are not those of an outbox");
  }
  page_bytes_ = not_negative(OSPREY_TRY(number("PRAGMA page_size")));
  books_.picture_bytes = not_negative(OSPREY_TRY(number("SELECT sum(length(jpeg)) FROM pictures")));
  OSPREY_TRY(count_bytes(books_));

  Statement consumers = OSPREY_TRY(
      writer_.prepare("SELECT name, place, delivered, discarded, refused FROM consumers"));
  bool within = true;
  OSPREY_TRY(consumers.rows([&] {
    Consumer& consumer = books_.consumers[consumers.text(0)];
    consumer.place = consumers.integer(1);
    within = within && consumer.place >= 0 && consumer.place <= books_.newest;
    consumer.delivered = not_negative(consumers.integer(2));
    consumer.discarded = not_negative(consumers.integer(3));
    consumer.refused = not_negative(consumers.integer(4));
  }));
  if (!within) return writer_.damaged("a consumer has events that there never were");
  return {};
}

Status Store::load_epochs(const std::string& boot, std::int64_t newest) {
  std::string last_boot;
  Statement rows = OSPREY_TRY(writer_.prepare("SELECT first, uuid, boot FROM epochs ORDER BY 1"));
  OSPREY_TRY(rows.rows([&] {
    epochs_.push_back({rows.integer(0), rows.text(1)});
    last_boot = rows.text(2);
  }));
  const bool kept = books_.oldest <= books_.newest;
  const bool known = !epochs_.empty() && epochs_.front().first <= books_.oldest &&
                     epochs_.back().first <= books_.newest + 1;
  if ((kept && !known) || !std::all_of(epochs_.begin(), epochs_.end(),
                                       [](const Epoch& epoch) { return is_uuid(epoch.uuid); })) {
    return writer_.damaged("its keys are not those of an outbox");
  }
  // A disk that came back without its last events would give their numbers again.
  const bool has_all = books_.newest >= newest;
  if (known && has_all && !boot.empty() && last_boot == boot) return {};

  const Epoch begun{books_.newest + 1, make_uuid()};
  std::erase_if(epochs_, [&](const Epoch& epoch) { return epoch.first >= begun.first; });
  epochs_.push_back(begun);
  // Those before the one that the oldest event is of.
  while (epochs_.size() > 1 && epochs_[1].first <= books_.oldest) epochs_.erase(epochs_.begin());
  Statement insert = OSPREY_TRY(
      writer_.prepare("INSERT OR REPLACE INTO epochs(first, uuid, boot) VALUES(?1, ?2, ?3)"));
  Statement prune =
      OSPREY_TRY(writer_.prepare("DELETE FROM epochs WHERE first < ?1 OR first > ?2"));
  return transaction([&]() -> Status {
    OSPREY_TRY(insert.run(begun.first, begun.uuid, boot));
    return prune.run(epochs_.front().first, begun.first);
  });
}

Status Store::transaction(const std::function<Status()>& changes) {
  OSPREY_TRY(statements_->begin.run());
  Status done = changes();
  if (done.ok()) done = statements_->commit.run();
  // Fails where SQLite has done so itself.
  if (!done.ok()) (void)statements_->rollback.run();
  return done;
}

Result<std::int64_t> Store::insert(const NewEvent& event, std::size_t longest_picture,
                                   Books& books) {
  const std::int64_t number = books.newest + 1;
  const std::string zones = joined(event.zones);
  OSPREY_TRY(
      statements_->insert_event.run(number, now(), event.type, event.camera, event.label, zones));
  OSPREY_TRY(statements_->insert_body.run(number, event.json));
  const bool wanted = std::any_of(books.consumers.begin(), books.consumers.end(),
                                  [](const auto& one) { return one.second.pictures; });
  if (wanted && !event.picture.empty() && event.picture.size() <= longest_picture) {
    OSPREY_TRY(statements_->insert_picture.run(number, event.picture));
    books.picture_bytes += event.picture.size();
  }
  books.newest = number;
  return number;
}

Status Store::count_bytes(Books& books) {
  const auto pages = OSPREY_TRY(statements_->pages.number()).value_or(0);
  const auto free = OSPREY_TRY(statements_->free_pages.number()).value_or(0);
  if (free < 0 || free > pages) return writer_.damaged("it has fewer pages than are free");
  books.bytes = not_negative(pages - free) * page_bytes_;
  return {};
}

Status Store::make_room(std::uint64_t limit, std::int64_t last, Books& books) {
  while (true) {
    OSPREY_TRY(count_bytes(books));
    if (books.bytes <= limit) return {};
    if (books.picture_bytes > limit / 2) {
      OSPREY_TRY(drop_oldest_picture(books));
    } else if (books.oldest < last) {
      OSPREY_TRY(drop_oldest_event(books));
    } else {
      return writer_.damaged("it is full, and there are no events in it");
    }
  }
}

Status Store::drop_oldest_event(Books& books) {
  const std::int64_t number = books.oldest;
  if (books.picture_bytes > 0) {
    const auto bytes = OSPREY_TRY(statements_->picture_bytes_up_to.number(number)).value_or(0);
    books.picture_bytes -= std::min(not_negative(bytes), books.picture_bytes);
    OSPREY_TRY(statements_->delete_pictures_up_to.run(number));
  }
  OSPREY_TRY(statements_->delete_event.run(number));
  OSPREY_TRY(statements_->delete_body.run(number));
  OSPREY_TRY(statements_->delete_refused.run(number));
  for (auto& consumer : books.consumers) {
    if (consumer.second.place >= number) continue;
    ++consumer.second.discarded;
    OSPREY_TRY(save(consumer));
  }
  books.oldest = OSPREY_TRY(statements_->first_number.number()).value_or(books.newest + 1);
  if (books.oldest != number + 1) return writer_.damaged("an event is missing");
  return {};
}

Status Store::drop_oldest_picture(Books& books) {
  std::int64_t number = 0;
  std::uint64_t bytes = books.picture_bytes;  // all, if there are none
  OSPREY_TRY(statements_->first_picture.rows([&] {
    number = statements_->first_picture.integer(0);
    bytes = not_negative(statements_->first_picture.integer(1));
  }));
  OSPREY_TRY(statements_->delete_picture.run(number));
  if (number != 0 && statements_->delete_picture.changed() == 0) {
    return writer_.damaged("a picture is not in its place");
  }
  books.picture_bytes -= std::min(bytes, books.picture_bytes);
  return {};
}

Status Store::remove_pictures_nobody_wants(Books& books) {
  if (books.picture_bytes == 0) return {};
  std::int64_t had = books.newest;
  for (const auto& [name, consumer] : books.consumers) {
    if (consumer.pictures) had = std::min(had, consumer.place);
  }
  const auto bytes = OSPREY_TRY(statements_->picture_bytes_up_to.number(had)).value_or(0);
  if (bytes == 0) return {};
  OSPREY_TRY(statements_->delete_pictures_up_to.run(had));
  books.picture_bytes -= std::min(not_negative(bytes), books.picture_bytes);
  return {};
}

Status Store::save(const std::pair<const std::string, Consumer>& consumer) {
  const Consumer& c = consumer.second;
  return statements_->save.run(consumer.first, c.place, static_cast<std::int64_t>(c.delivered),
                               static_cast<std::int64_t>(c.discarded),
                               static_cast<std::int64_t>(c.refused));
}

Status Store::forget(const std::string& consumer) {
  return statements_->forget.run(consumer);
}

Status Store::set_aside(const std::string& consumer, std::int64_t number,
                        const std::string& reason) {
  return statements_->set_aside.run(number, consumer, reason);
}

std::string Store::key_of(std::int64_t number) const {
  auto epoch =
      std::upper_bound(epochs_.begin(), epochs_.end(), number,
                       [](std::int64_t wanted, const Epoch& one) { return wanted < one.first; });
  if (epoch != epochs_.begin()) --epoch;
  return epoch->uuid + "-" + std::to_string(number);
}

StoredEvent Store::event_of(const Statement& row) const {
  StoredEvent event;
  event.number = row.integer(0);
  event.key = key_of(event.number);
  event.type = row.text(1);
  event.camera = row.text(2);
  event.label = row.text(3);
  const std::string json = row.text(4);
  event.json = R"({"key":")" + event.key + R"(","number":)" + std::to_string(event.number);
  if (json.size() > 2) event.json.append(",").append(json, 1);
  if (json.size() <= 2) event.json += '}';
  event.picture = row.text(5);
  return event;
}

Result<std::vector<StoredEvent>> Store::next(std::int64_t after, std::size_t limit, bool pictures) {
  std::vector<StoredEvent> events;
  Statement& rows = pictures ? statements_->next_with_pictures : statements_->next;
  OSPREY_TRY(rows.rows([&] { events.push_back(event_of(rows)); }, after,
                       static_cast<std::int64_t>(limit)));
  std::int64_t number = std::max(after, books_.oldest - 1);
  const std::int64_t last = number + static_cast<std::int64_t>(std::min<std::uint64_t>(
                                         limit, not_negative(books_.newest - number)));
  for (const auto& event : events) {
    if (event.number != ++number) return writer_.damaged("an event is missing");
  }
  if (number != last) return writer_.damaged("an event is missing");
  return events;
}

Status Store::shrink() {
  Books books;
  OSPREY_TRY(count_bytes(books));
  const auto pages = OSPREY_TRY(statements_->pages.number()).value_or(0);
  if (not_negative(pages) * page_bytes_ <= 2 * books.bytes) return {};
  return writer_.run("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<std::vector<StoredEvent>> Store::history(const HistoryQuery& query) {
  std::vector<StoredEvent> events;
  const std::string zone = query.zone.empty() ? "" : joined({query.zone});
  Statement& rows = statements_->history;
  OSPREY_TRY(rows.rows([&] { events.push_back(event_of(rows)); },
                       query.before.value_or(kLargestNumber), query.camera, query.label, query.type,
                       zone, static_cast<std::int64_t>(query.limit)));
  return events;
}

Result<std::vector<RefusedEvent>> Store::refused(std::size_t limit) {
  std::vector<RefusedEvent> events;
  Statement& rows = statements_->refused;
  OSPREY_TRY(rows.rows(
      [&] {
        events.push_back({rows.text(0), rows.integer(1), rows.text(2)});
      },
      static_cast<std::int64_t>(limit)));
  return events;
}

Status Store::sync() {
  OSPREY_TRY(reader_.in_place());
  return statements_->sync.run();
}

}  // namespace osprey::outbox
