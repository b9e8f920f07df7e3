// SPDX-License-Identifier: Apache-2.0
// What goes wrong on the virtual board, as a person wrote it down.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <mutex>
#include <string>
#include <vector>

namespace osprey::sim {

enum class FaultKind : std::uint8_t {
  kTimeout,   ///< a run ends after `ms` with the runtime's time-out
  kFail,      ///< a run ends at once with its general failure
  kHang,      ///< a core does nothing for `ms`; 0: for ever
  kWrong,     ///< a run's answers for picture `item` of the batch are not what they should be
  kMemory,    ///< memory or a context cannot be had
  kInit,      ///< a context cannot be made
  kSlowInit,  ///< a context takes `ms` to be made
  kSharing,   ///< rknn_set_io_mem refuses
};

/// One line. It strikes at the n-th event of its kind (runs, allocations, contexts, sharings;
/// counted from 1 for the whole board) if from <= n <= to and n is a multiple of `every`.
struct Fault {
  FaultKind kind;
  std::uint64_t every = 1, from = 1, to = UINT64_MAX;
  int core = -1;  ///< only runs that are asked for this core alone; kHang: the core
  int item = 0;
  std::chrono::milliseconds ms{0};
};

/// Lines, or parts between semicolons, such as "timeout every=100 ms=500" or "hang core=1 from=200
/// to=200". Names: timeout, fail, hang, wrong, memory, init, slow-init, sharing; keys: those of
/// Fault. What follows # is a comment. Throws std::runtime_error with what is wrong.
std::vector<Fault> parse_faults(const std::string& text);

/// The board's faults: those of OSPREY_SIM_FAULTS, or if it begins with @, of that file, which is
/// read again when it has changed. Threads: any.
class Faults {
 public:
  /// Counts an event, and gives the faults that strike at it. `mask`: the cores that a run is asked
  /// for. Throws as parse_faults().
  std::vector<Fault> at_run(std::uint32_t mask);
  std::vector<Fault> at_allocation();
  std::vector<Fault> at_context();
  std::vector<Fault> at_sharing();

 private:
  std::vector<Fault> strike(std::initializer_list<FaultKind> kinds, std::uint64_t& events,
                            std::uint32_t mask);
  void look();

  std::mutex mutex_;
  std::string text_;
  std::vector<Fault> faults_;
  std::uint64_t runs_ = 0, allocations_ = 0, contexts_ = 0, sharings_ = 0;
  std::filesystem::file_time_type changed_{};
};

}  // namespace osprey::sim
