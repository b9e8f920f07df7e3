// SPDX-License-Identifier: Apache-2.0
#include "base/simulated_clock.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace osprey::base {
namespace {

using namespace std::chrono_literals;

TEST(SimulatedClock, an_hour_of_sleep_takes_no_wall_time) {
  SimulatedClock clock;
  const auto wall = std::chrono::steady_clock::now();
  clock.sleep_for(1h);
  EXPECT_EQ(clock.now(), Instant(1h));
  EXPECT_LT(std::chrono::steady_clock::now() - wall, 10s);
}

TEST(SimulatedClock, sleepers_wake_in_the_order_of_their_times) {
  SimulatedClock clock;
  std::string order;
  {
    auto late = clock.start_thread("late", [&] { clock.sleep_for(3ms), order += 'c'; });
    auto early = clock.start_thread("early", [&] { clock.sleep_for(1ms), order += 'a'; });
    clock.sleep_for(2ms);
    order += 'b';
  }
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(clock.now(), Instant(3ms));
}

TEST(SimulatedClock, a_notified_waiter_goes_on_and_a_forgotten_one_times_out) {
  SimulatedClock clock;
  std::mutex mutex;
  auto told = clock.make_condition();
  auto forgotten = clock.make_condition();
  std::unique_lock lock(mutex);
  auto notifier = clock.start_thread("notifier", [&] {
    clock.sleep_for(5ms);
    std::lock_guard held(mutex);
    told->notify_one();
  });
  EXPECT_TRUE(told->wait_until(lock, Instant(1s)));
  EXPECT_EQ(clock.now(), Instant(5ms));
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_FALSE(forgotten->wait_until(lock, Instant(1s)));
  EXPECT_EQ(clock.now(), Instant(1s));
}

TEST(SimulatedClock, notify_one_wakes_one_and_notify_all_the_rest) {
  SimulatedClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  int awake = 0;
  std::vector<std::unique_ptr<Thread>> threads;
  for (int i = 0; i < 4; ++i) {
    threads.push_back(clock.start_thread("waiter", [&] {
      std::unique_lock lock(mutex);
      condition->wait(lock);
      ++awake;
    }));
  }
  clock.sleep_for(1ms);
  condition->notify_one();
  clock.sleep_for(1ms);
  EXPECT_EQ(awake, 1);
  condition->notify_all();
  clock.sleep_for(1ms);
  EXPECT_EQ(awake, 4);
}

TEST(SimulatedClock, events_happen_at_their_time_and_wake_waiters) {
  SimulatedClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  bool done = false;
  clock.schedule(Instant(7ms), [&] {
    std::lock_guard lock(mutex);
    done = true;
    condition->notify_one();
  });
  std::unique_lock lock(mutex);
  while (!done) condition->wait(lock);
  EXPECT_EQ(clock.now(), Instant(7ms));
}

std::string interleaving(std::optional<std::uint64_t> seed) {
  SimulatedClock clock(seed);
  std::string order;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (char name = 'a'; name <= 'c'; ++name) {
      threads.push_back(clock.start_thread(std::string(1, name), [&clock, &order, name] {
        for (int i = 0; i < 3; ++i) order += name, clock.sleep_for(0s);
      }));
    }
  }
  return order;
}

TEST(SimulatedClock, without_a_seed_threads_take_turns) {
  EXPECT_EQ(interleaving(std::nullopt), "abcabcabc");
}

TEST(SimulatedClock, a_seed_repeats_its_interleaving_and_seeds_differ) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(interleaving(seed), interleaving(seed)) << "seed " << seed;
    seen.insert(interleaving(seed));
  }
  EXPECT_GT(seen.size(), 10u);
}

TEST(SimulatedClock, a_deadlock_is_an_exception_that_names_who_waits_for_what) {
  SimulatedClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  auto stuck = clock.start_thread("stuck", [&] {
    std::unique_lock lock(mutex);
    for (;;) condition->wait(lock);
  });
  try {
    stuck->join();
    FAIL() << "join returned";
  } catch (const Deadlock& deadlock) {
    EXPECT_STREQ(deadlock.what(),
                 "deadlock at 0.000000 s of simulated time: 'main' waits for the end of 'stuck'; "
                 "'stuck' waits for a condition");
  }
}

TEST(SimulatedClock, a_deadlock_found_by_an_ending_thread_reaches_the_tests_own) {
  SimulatedClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  auto passing = clock.start_thread("passing", [&] { clock.sleep_for(1ms); });
  std::unique_lock lock(mutex);
  EXPECT_THROW(condition->wait(lock), Deadlock);
}

TEST(SimulatedClock, waiting_with_a_second_mutex_held_is_found_out) {
  SimulatedClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  auto thief = clock.start_thread("thief", [&] {
    std::unique_lock held(mutex);
    clock.sleep_for(2ms);
  });
  std::unique_lock lock(mutex);
  EXPECT_THROW(condition->wait_until(lock, Instant(1ms)), std::logic_error);
}

}  // namespace
}  // namespace osprey::base
