// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <string>

namespace osprey::base {
namespace {

using namespace std::chrono_literals;

TEST(RealClock, time_does_not_run_backwards_and_a_deadline_is_kept) {
  RealClock clock;
  const Instant start = clock.now();
  const Instant deadline = start + 2ms;
  clock.sleep_until(deadline);
  EXPECT_GE(clock.now(), deadline);
}

TEST(RealClock, a_wait_without_notification_ends_at_its_deadline) {
  RealClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  std::unique_lock lock(mutex);
  const Instant deadline = clock.now() + 1ms;
  while (condition->wait_until(lock, deadline)) {
  }
  EXPECT_GE(clock.now(), deadline);
  EXPECT_TRUE(lock.owns_lock());
}

TEST(RealClock, a_thread_has_its_name_and_can_be_notified) {
  RealClock clock;
  std::mutex mutex;
  auto condition = clock.make_condition();
  std::string name;
  bool go = false;
  auto thread = clock.start_thread("a-name-longer-than-linux-keeps", [&] {
    std::unique_lock lock(mutex);
    while (!go) condition->wait(lock);
    char buffer[16] = {};
    pthread_getname_np(pthread_self(), buffer, sizeof buffer);
    name = buffer;
  });
  {
    std::lock_guard lock(mutex);
    go = true;
    condition->notify_all();
  }
  thread->join();
  thread->join();
  EXPECT_EQ(name, "a-name-longer-t");
}

}  // namespace
}  // namespace osprey::base
