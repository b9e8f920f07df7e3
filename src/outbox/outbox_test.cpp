// SPDX-License-Identifier: Apache-2.0
#include "outbox/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/file_testing.hpp"

namespace osprey::outbox {
namespace {

using base::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

NewEvent event_of(const std::string& camera, const std::string& label = "person") {
  NewEvent event;
  event.json = R"({"camera":")" + camera + R"("})";
  event.type = "new";
  event.camera = camera;
  event.label = label;
  return event;
}

NewEvent large_event(std::size_t bytes = 1000) {
  NewEvent event = event_of("door");
  event.json = R"({"filler":")" + std::string(bytes, 'x') + R"("})";
  return event;
}

std::vector<std::int64_t> numbers_of(const std::vector<StoredEvent>& events) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(events.size());
  for (const auto& event : events) numbers.push_back(event.number);
  return numbers;
}

class OutboxTest : public testing::Test {
 protected:
  std::unique_ptr<Outbox> open(std::uint64_t limit = 64U << 20, const std::string& boot = "1") {
    OutboxOptions options;
    options.path = path_;
    options.limit_bytes = limit;
    options.boot = boot;
    auto outbox = Outbox::open(options, clock_);
    EXPECT_TRUE(outbox.ok()) << outbox.error().message;
    return std::move(outbox).value();
  }

  static void append(Outbox& outbox, int times, const NewEvent& event = event_of("door")) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(outbox.append(event).ok());
  }

  static std::vector<std::int64_t> next(Outbox& outbox, const std::string& name,
                                        std::size_t limit = 100) {
    return numbers_of(outbox.next(name, limit).value());
  }

  /// Open, with 4000 events, of which `a` had 1000; all but the file's first pages is damaged
  /// since.
  std::unique_ptr<Outbox> damaged_outbox() {
    {
      auto outbox = open();
      EXPECT_TRUE(outbox->add_consumer({"a"}).ok());
      append(*outbox, 4000, large_event());
      EXPECT_TRUE(outbox->delivered("a", 1000).ok());
    }
    auto outbox = open();
    constexpr std::size_t kFrom = std::size_t{16} * 4096;
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(kFrom);
    file << std::string(std::filesystem::file_size(path_) - kFrom, '\x5a');
    return outbox;
  }

  void run_sql(const char* sql) {
    sqlite3* file = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &file), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(file, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(file);
    sqlite3_close(file);
  }

  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 3000 && !holds(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return holds();
  }

  base::RealClock clock_;
  TemporaryFolder folder_;
  const std::string path_ = folder_ / "outbox.db";
};

TEST_F(OutboxTest, an_event_comes_back_with_its_number_and_key_in_its_json) {
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"mqtt"}).ok());
  NewEvent event = event_of("door");
  EXPECT_EQ(*outbox->append(event), 1);
  event.json = "{}";
  EXPECT_EQ(*outbox->append(event), 2);
  const auto events = *outbox->next("mqtt", 10);
  ASSERT_THAT(events, SizeIs(2));
  const auto json = nlohmann::json::parse(events[0].json);
  EXPECT_EQ(json, (nlohmann::json{{"key", events[0].key}, {"number", 1}, {"camera", "door"}}));
  EXPECT_THAT(events[0].key, testing::EndsWith("-1"));
  EXPECT_EQ(events[0].key.size(), 36U + 2);
  EXPECT_EQ(nlohmann::json::parse(events[1].json).size(), 2U);
}

TEST_F(OutboxTest, what_is_no_json_object_is_not_taken) {
  auto outbox = open();
  NewEvent event;
  for (const char* json : {"", "{", "[1]", "{} "}) {
    event.json = json;
    EXPECT_EQ(outbox->append(event).error().code, ErrorCode::kInvalidArgument) << json;
  }
  EXPECT_EQ(outbox->append(large_event(2 << 20)).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(OutboxTest, each_consumer_has_a_place_of_its_own_also_after_a_new_start) {
  {
    auto outbox = open();
    ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
    ASSERT_TRUE(outbox->add_consumer({"b"}).ok());
    append(*outbox, 4);
    ASSERT_TRUE(outbox->delivered("a", 3).ok());
    ASSERT_TRUE(outbox->delivered("a", 2).ok());  // an older word changes nothing
    ASSERT_TRUE(outbox->delivered("b", 1).ok());
  }
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
  EXPECT_THAT(next(*outbox, "a"), ElementsAre(4));
  EXPECT_THAT(next(*outbox, "b", 2), ElementsAre(2, 3));
  EXPECT_THAT(numbers_of(*outbox->next("b", 9, 0)), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(outbox->status("a")->delivered, 3U);
  EXPECT_EQ(outbox->status("a")->waiting, 1U);
  EXPECT_EQ(*outbox->append(event_of("door")), 5);
}

TEST_F(OutboxTest, a_new_consumer_begins_at_the_end_or_at_the_beginning) {
  auto outbox = open();
  append(*outbox, 2);
  ASSERT_TRUE(outbox->add_consumer({"late"}).ok());
  ASSERT_TRUE(outbox->add_consumer({"all", Begin::kAtBeginning}).ok());
  append(*outbox, 1);
  EXPECT_THAT(next(*outbox, "late"), ElementsAre(3));
  EXPECT_THAT(next(*outbox, "all"), ElementsAre(1, 2, 3));
}

TEST_F(OutboxTest, consumers_that_are_not_kept_are_forgotten) {
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
  ASSERT_TRUE(outbox->add_consumer({"b"}).ok());
  ASSERT_TRUE(outbox->keep_consumers({"b"}).ok());
  EXPECT_EQ(outbox->next("a", 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(outbox->delivered("a", 1).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(outbox->next("b", 1).ok());
}

TEST_F(OutboxTest, the_oldest_make_room_and_who_waited_for_them_has_them_counted) {
  constexpr std::uint64_t kLimit = 4U << 20;
  {
    auto outbox = open(kLimit);
    ASSERT_TRUE(outbox->add_consumer({"slow"}).ok());
    ASSERT_TRUE(outbox->add_consumer({"quick"}).ok());
    for (int i = 1; i <= 6000; ++i) {
      ASSERT_EQ(*outbox->append(large_event()), i);
      ASSERT_TRUE(outbox->delivered("quick", i).ok());
    }
    EXPECT_LE(outbox->status().bytes, kLimit);
    const auto slow = *outbox->status("slow");
    EXPECT_GT(slow.discarded, 2000U);
    EXPECT_EQ(slow.discarded + slow.waiting, 6000U);
    EXPECT_EQ(next(*outbox, "slow", 1),
              (std::vector{static_cast<std::int64_t>(slow.discarded) + 1}));
    EXPECT_EQ(outbox->status("quick")->discarded, 0U);
    EXPECT_EQ(outbox->status("quick")->delivered, 6000U);
    EXPECT_EQ(outbox->status().events, slow.waiting);
  }
  EXPECT_LE(std::filesystem::file_size(path_), kLimit + (64U << 10));
  auto outbox = open(kLimit);
  EXPECT_EQ(outbox->status("slow")->discarded + outbox->status("slow")->waiting, 6000U);
}

TEST_F(OutboxTest, a_lower_limit_makes_the_file_smaller) {
  {
    auto outbox = open();
    append(*outbox, 12'000, large_event());
  }
  EXPECT_GT(std::filesystem::file_size(path_), 12U << 20);
  { auto outbox = open(4U << 20); }
  EXPECT_LE(std::filesystem::file_size(path_), 5U << 20);
}

TEST_F(OutboxTest, the_limit_can_be_changed_while_it_runs) {
  auto outbox = open();
  append(*outbox, 12'000, large_event());
  EXPECT_TRUE(outbox->set_limit(kLeastLimit).ok());
  EXPECT_LE(outbox->status().bytes, kLeastLimit);
  EXPECT_LE(std::filesystem::file_size(path_), 5U << 20);
  EXPECT_EQ(outbox->history({})->front().number, 12'000);
  EXPECT_EQ(outbox->set_limit(kLeastLimit - 1).error().code, ErrorCode::kInvalidArgument);
  append(*outbox, 1000, large_event());
  EXPECT_LE(outbox->status().bytes, kLeastLimit);
  EXPECT_TRUE(outbox->set_limit(64U << 20).ok());
  append(*outbox, 12'000, large_event());
  EXPECT_GT(outbox->status().bytes, 12U << 20);
}

TEST_F(OutboxTest, pictures_are_kept_until_those_who_want_them_had_them) {
  auto outbox = open();
  NewEvent event = event_of("door");
  event.picture = std::string("\xff\xd8\0jpeg", 7);
  append(*outbox, 1, event);  // nobody wants it
  ASSERT_TRUE(outbox->add_consumer({"http", Begin::kAtBeginning, true}).ok());
  ASSERT_TRUE(outbox->add_consumer({"mqtt"}).ok());
  append(*outbox, 2, event);
  event.picture.assign(1 << 20, 'x');  // too long
  append(*outbox, 1, event);
  const auto events = *outbox->next("http", 9);
  ASSERT_THAT(events, SizeIs(4));
  EXPECT_EQ(events[0].picture, "");
  EXPECT_EQ(events[1].picture, std::string("\xff\xd8\0jpeg", 7));
  EXPECT_EQ(events[3].picture, "");
  EXPECT_EQ(outbox->next("mqtt", 9)->front().picture, "");
  ASSERT_TRUE(outbox->delivered("http", 2).ok());
  EXPECT_EQ(outbox->next("http", 9, 0)->at(1).picture, "");
  EXPECT_EQ(outbox->next("http", 9, 0)->at(2).picture.size(), 7U);
}

TEST_F(OutboxTest, pictures_make_room_before_events_do) {
  auto outbox = open(4U << 20);
  ASSERT_TRUE(outbox->add_consumer({"http", Begin::kAtEnd, true}).ok());
  NewEvent event = event_of("door");
  event.picture.assign(100'000, 'x');
  append(*outbox, 100, event);
  EXPECT_EQ(outbox->status("http")->waiting, 100U);
  EXPECT_EQ(outbox->status("http")->discarded, 0U);
  const auto events = *outbox->next("http", 100);
  EXPECT_EQ(events.front().picture, "");
  EXPECT_EQ(events.back().picture.size(), 100'000U);
  EXPECT_LE(outbox->status().bytes, 4U << 20);
}

TEST_F(OutboxTest, history_is_newest_first_and_can_be_searched) {
  auto outbox = open();
  append(*outbox, 1, event_of("door", "person"));
  append(*outbox, 1, event_of("yard", "person"));
  NewEvent event = event_of("yard", "car");
  event.zones = {"drive", "lawn"};
  event.type = "end";
  append(*outbox, 1, event);
  const auto found = [&](HistoryQuery query) { return numbers_of(*outbox->history(query)); };
  EXPECT_THAT(found({}), ElementsAre(3, 2, 1));
  EXPECT_THAT(found({2}), ElementsAre(3, 2));
  EXPECT_THAT(found({2, 3}), ElementsAre(2, 1));
  EXPECT_THAT(found({9, {}, "yard"}), ElementsAre(3, 2));
  EXPECT_THAT(found({9, {}, "yard", "person"}), ElementsAre(2));
  EXPECT_THAT(found({9, {}, "", "", "lawn"}), ElementsAre(3));
  EXPECT_THAT(found({9, {}, "", "", "law"}), IsEmpty());
  EXPECT_THAT(found({9, {}, "", "", "", "end"}), ElementsAre(3));
  EXPECT_EQ(outbox->history({1})->front().json, outbox->history({1, 4})->front().json);
}

TEST_F(OutboxTest, what_a_consumer_refuses_is_set_aside_and_counted) {
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"http"}).ok());
  append(*outbox, 3);
  ASSERT_TRUE(outbox->refused("http", 2, "answered 422").ok());
  EXPECT_THAT(next(*outbox, "http"), ElementsAre(3));
  const auto status = *outbox->status("http");
  EXPECT_EQ(status.delivered, 1U);
  EXPECT_EQ(status.refused, 1U);
  const auto refused = *outbox->refused(10);
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].consumer, "http");
  EXPECT_EQ(refused[0].number, 2);
  EXPECT_EQ(refused[0].reason, "answered 422");
}

TEST_F(OutboxTest, keys_change_with_every_start_of_the_machine) {
  std::string before;
  {
    auto outbox = open(64U << 20, "monday");
    ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
    append(*outbox, 1);
    before = outbox->next("a", 1)->front().key;
  }
  {
    auto outbox = open(64U << 20, "monday");
    append(*outbox, 1);
    EXPECT_EQ(outbox->next("a", 2)->at(1).key.substr(0, 36), before.substr(0, 36));
  }
  auto outbox = open(64U << 20, "tuesday");
  append(*outbox, 1);
  const auto events = *outbox->next("a", 3);
  EXPECT_EQ(events[0].key, before);
  EXPECT_EQ(events[1].key.substr(0, 36), before.substr(0, 36));
  EXPECT_NE(events[2].key.substr(0, 36), before.substr(0, 36));
}

TEST_F(OutboxTest, a_file_that_is_no_database_is_moved_aside) {
  base::write_text(path_, std::string(10'000, 'x'));
  auto outbox = open();
  EXPECT_EQ(outbox->status().replaced, 1U);
  EXPECT_THAT(outbox->status().given_up, StartsWith(path_ + ": "));
  EXPECT_THAT(outbox->status().given_up, HasSubstr("moved aside"));
  EXPECT_EQ(outbox->status().problem, "");
  EXPECT_EQ(base::read_text(path_ + ".damaged-1"), std::string(10'000, 'x'));
  append(*outbox, 1);
}

TEST_F(OutboxTest, whatever_is_wrong_in_a_files_header_events_are_kept) {
  {
    auto outbox = open();
    append(*outbox, 3);
  }
  const std::string good = base::read_text(path_);
  OutboxOptions options;
  options.path = path_;
  options.boot = "1";
  for (std::size_t place = 0; place < 100; ++place) {
    for (const char value : {'\0', '\x08', '\xff'}) {
      SCOPED_TRACE(testing::Message() << "byte " << place << " is " << int{value});
      std::string bytes = good;
      bytes[place] = value;
      base::write_text(path_, bytes);
      const auto outbox = Outbox::open(options, clock_);
      if (outbox.ok()) {
        EXPECT_TRUE((*outbox)->append(event_of("door")).ok());
      } else {
        // As the outbox's version is in the header, too.
        EXPECT_EQ(outbox.error().code, ErrorCode::kUnsupported);
      }
    }
  }
}

TEST_F(OutboxTest, a_file_that_says_it_is_only_to_be_read_is_moved_aside) {
  {
    auto outbox = open();
    append(*outbox, 3);
  }
  std::string bytes = base::read_text(path_);
  bytes[18] = 8;  // the version that writes: 1 or 2
  base::write_text(path_, bytes);
  auto outbox = open();
  EXPECT_EQ(outbox->status().replaced, 1U);
  EXPECT_THAT(outbox->status().given_up, HasSubstr("only to be read; moved aside"));
  append(*outbox, 1);
}

TEST_F(OutboxTest, a_file_that_may_not_be_written_is_an_error_and_stays) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anything";
  { append(*open(), 3); }
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read);
  OutboxOptions options;
  options.path = path_;
  options.boot = "1";
  const auto outbox = Outbox::open(options, clock_);
  ASSERT_FALSE(outbox.ok());
  EXPECT_EQ(outbox.error().code, ErrorCode::kIo);
  EXPECT_EQ(outbox.error().message, path_ + ": Permission denied");
}

TEST_F(OutboxTest, what_is_no_file_is_an_error) {
  std::filesystem::create_directory(path_);
  OutboxOptions options;
  options.path = path_;
  const auto outbox = Outbox::open(options, clock_);
  EXPECT_EQ(outbox.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(outbox.error().message, path_ + ": expected a file, or nothing yet");
}

TEST_F(OutboxTest, a_file_in_which_something_is_missing_is_moved_aside_at_open) {
  for (const char* change :
       {"DELETE FROM events WHERE number = 2", "DELETE FROM events WHERE number = 4",
        "UPDATE events SET number = 9 WHERE number = 1", "UPDATE consumers SET place = 5",
        "UPDATE consumers SET place = -1", "DELETE FROM epochs", "DROP TABLE refused",
        "PRAGMA application_id = 7"}) {
    SCOPED_TRACE(change);
    for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + part);
    {
      auto outbox = open();
      ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
      append(*outbox, 4);
    }
    run_sql(change);
    auto outbox = open();
    EXPECT_EQ(outbox->status().replaced, 1U) << outbox->status().newest;
    ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
    append(*outbox, 2);
    EXPECT_THAT(next(*outbox, "a"), ElementsAre(1, 2));
  }
}

TEST_F(OutboxTest, an_event_without_its_body_is_not_skipped_in_silence) {
  {
    auto outbox = open();
    ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
    append(*outbox, 4);
  }
  run_sql("DELETE FROM bodies WHERE number = 4");
  auto outbox = open();
  EXPECT_THAT(next(*outbox, "a", 3), ElementsAre(1, 2, 3));
  ASSERT_TRUE(outbox->delivered("a", 3).ok());
  EXPECT_THAT(next(*outbox, "a"), IsEmpty());
  EXPECT_EQ(outbox->status().replaced, 1U);
  EXPECT_EQ(outbox->status("a")->delivered, 3U);
  EXPECT_EQ(outbox->status("a")->discarded, 1U);
}

TEST_F(OutboxTest, a_file_that_was_taken_away_is_made_anew) {
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
  append(*outbox, 3);
  ASSERT_TRUE(outbox->delivered("a", 1).ok());
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + part);
  ASSERT_TRUE(eventually([&] { return outbox->status().replaced == 1; }));
  EXPECT_THAT(outbox->status().given_up, HasSubstr("removed or replaced"));
  EXPECT_EQ(outbox->status("a")->discarded, 2U);
  append(*outbox, 1);
  EXPECT_THAT(next(*outbox, "a"), ElementsAre(4));
  outbox.reset();
  EXPECT_THAT(next(*open(), "a"), ElementsAre(4));
}

TEST_F(OutboxTest, while_another_program_holds_the_file_events_are_lost_and_counted) {
  auto outbox = open();
  append(*outbox, 1);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(outbox->append(event_of("door")).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(outbox->status().lost, 1U);
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_EQ(*outbox->append(event_of("door")), 2);
}

TEST_F(OutboxTest, damage_in_the_middle_of_a_run_begins_a_new_file_and_what_waited_is_counted) {
  auto outbox = damaged_outbox();
  EXPECT_THAT(next(*outbox, "a", 4000), IsEmpty());
  EXPECT_EQ(outbox->status().replaced, 1U);
  EXPECT_EQ(outbox->status("a")->delivered, 1000U);
  EXPECT_EQ(outbox->status("a")->discarded, 3000U);
  // A word about the old file, still on its way when that was given up, is of no event of the new.
  EXPECT_EQ(*outbox->append(event_of("door")), 4001);
  ASSERT_TRUE(outbox->delivered("a", 1001).ok());
  EXPECT_THAT(next(*outbox, "a"), ElementsAre(4001));
  EXPECT_THAT(folder_.entries(), testing::Contains("outbox.db.damaged-1"));
}

TEST_F(OutboxTest, damage_found_by_a_look_at_the_history_begins_a_new_file) {
  auto outbox = damaged_outbox();
  HistoryQuery all;
  all.limit = 4000;
  EXPECT_THAT(*outbox->history(all), IsEmpty());
  EXPECT_EQ(outbox->status().replaced, 1U);
  append(*outbox, 1);
  EXPECT_THAT(*outbox->history(all), SizeIs(1));
}

TEST_F(OutboxTest, the_database_of_another_program_is_left_alone) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  sqlite3_exec(other, "CREATE TABLE songs(name)", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  OutboxOptions options;
  options.path = path_;
  const auto opened = Outbox::open(options, clock_);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(opened.error().message,
            path_ + ": a database of another program; expected an outbox or no file");
  EXPECT_THAT(folder_.entries(), Not(testing::Contains("outbox.db.damaged-1")));
}

TEST_F(OutboxTest, a_file_in_use_and_a_limit_too_low_are_refused) {
  auto outbox = open();
  OutboxOptions options;
  options.path = path_;
  EXPECT_EQ(Outbox::open(options, clock_).error().code, ErrorCode::kUnavailable);
  options.limit_bytes = 1000;
  EXPECT_EQ(Outbox::open(options, clock_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(OutboxTest, a_full_disk_loses_what_comes_then_counts_it_and_goes_on) {
  auto outbox = open();
  ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
  append(*outbox, 3);
  {
    const base::FileSizeLimit full(0);
    const auto appended = outbox->append(event_of("door"));
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().code, ErrorCode::kIo);
    EXPECT_THAT(appended.error().message, HasSubstr(path_));
  }
  EXPECT_EQ(outbox->status().lost, 1U);
  EXPECT_EQ(*outbox->append(event_of("door")), 4);
  EXPECT_THAT(next(*outbox, "a"), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(outbox->status().problem, "");
}

TEST_F(OutboxTest, a_disk_that_is_full_at_the_start_is_waited_for) {
  {
    auto outbox = open();
    ASSERT_TRUE(outbox->add_consumer({"known"}).ok());
    append(*outbox, 3);
  }
  std::unique_ptr<Outbox> outbox;
  {
    const base::FileSizeLimit full(0);
    outbox = open();
    ASSERT_TRUE(outbox->add_consumer({"known"}).ok());
    ASSERT_TRUE(outbox->add_consumer({"new"}).ok());
    EXPECT_FALSE(outbox->append(event_of("door")).ok());
    EXPECT_THAT(outbox->status().problem, HasSubstr(path_));
    EXPECT_EQ(outbox->status().lost, 1U);
    EXPECT_FALSE(outbox->history({}).ok());
    EXPECT_FALSE(outbox->next("known", 9).ok());
    EXPECT_EQ(outbox->status("known")->waiting, 0U);
  }
  ASSERT_TRUE(eventually([&] { return outbox->status().problem.empty(); }));
  append(*outbox, 1);
  EXPECT_THAT(next(*outbox, "known"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(next(*outbox, "new"), ElementsAre(4));
  EXPECT_EQ(outbox->status().replaced, 0U);
}

TEST_F(OutboxTest, damage_on_a_full_disk_is_mended_when_there_is_room) {
  auto outbox = damaged_outbox();
  ASSERT_TRUE(outbox->add_consumer({"a"}).ok());
  {
    const base::FileSizeLimit full(0);
    EXPECT_FALSE(outbox->next("a", 4000).ok());
    EXPECT_FALSE(outbox->append(event_of("door")).ok());
    EXPECT_EQ(outbox->status("a")->delivered, 1000U);
  }
  ASSERT_TRUE(eventually([&] { return outbox->status().problem.empty(); }));
  EXPECT_EQ(*outbox->append(event_of("door")), 4001);
  EXPECT_THAT(next(*outbox, "a"), ElementsAre(4001));
  EXPECT_EQ(outbox->status("a")->delivered, 1000U);
  EXPECT_EQ(outbox->status("a")->discarded, 3000U);
  EXPECT_EQ(outbox->status().lost, 1U);
}

TEST_F(OutboxTest, listeners_hear_of_events_until_they_are_gone) {
  auto outbox = open();
  int heard = 0;
  auto listening = outbox->when_appended([&] { ++heard; });
  append(*outbox, 2);
  EXPECT_EQ(heard, 2);
  listening.reset();
  append(*outbox, 1);
  EXPECT_EQ(heard, 2);
}

TEST_F(OutboxTest, nothing_that_append_took_is_lost_when_the_process_is_killed) {
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      base::RealClock clock;
      OutboxOptions options;
      options.path = path_;
      auto outbox = Outbox::open(options, clock);
      if (!outbox.ok() || !(*outbox)->add_consumer({"a", Begin::kAtBeginning}).ok()) ::_exit(1);
      while (true) {
        const auto number = (*outbox)->append(large_event());
        if (!number.ok() || ::write(ends[1], &*number, sizeof *number) != sizeof *number) {
          ::_exit(1);
        }
      }
    }
    ::close(ends[1]);
    std::int64_t last = 0;
    for (int i = 0; i < 50 + 37 * round; ++i) {
      ASSERT_EQ(::read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto outbox = open();
    const auto kept = next(*outbox, "a", 100'000);
    EXPECT_GE(kept.back(), last);
    EXPECT_LE(kept.back(), last + 1);  // taken, and killed before it could say so
    EXPECT_EQ(kept.size(), static_cast<std::size_t>(kept.back()));
  }
}

}  // namespace
}  // namespace osprey::outbox
