// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work, spread over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace osprey::evaluation {

/// Calls body(0) .. body(count - 1), each once, in rising order of their beginnings. What one
/// throws is thrown here, after all threads have ended.
template <typename Body>
void in_parallel(std::size_t count, int threads, const Body& body) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto work = [&] {
    try {
      for (auto i = next++; i < count; i = next++) body(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      thrown = std::current_exception();
      next = count;
    }
  };
  std::vector<std::jthread> others;
  const auto useful = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
  for (std::size_t i = 1; i < useful; ++i) others.emplace_back(work);
  work();
  others.clear();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace osprey::evaluation
