// SPDX-License-Identifier: Apache-2.0
// The virtual board: its cores, its memory, and the contexts that programs have on it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/rknn/rknn_abi.h"
#include "sim/rk3588/answers.hpp"
#include "sim/rk3588/container.hpp"
#include "sim/rk3588/cores.hpp"
#include "sim/rk3588/faults.hpp"
#include "sim/rk3588/load_file.hpp"
#include "sim/rk3588/native.hpp"

namespace osprey::sim {

/// Memory that programs and the NPU share: on the board a DMA buffer, here an anonymous file, with
/// a descriptor either way.
class SharedMemory {
 public:
  /// Null if there is none left, of memory or of descriptors.
  static std::unique_ptr<SharedMemory> create(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  rknn_tensor_mem* handle() { return &handle_; }
  std::uint8_t* data() { return static_cast<std::uint8_t*>(handle_.virt_addr); }
  std::size_t size() const { return handle_.size; }

 private:
  SharedMemory() = default;
  rknn_tensor_mem handle_{};
};

/// What contexts that were duplicated share.
struct Network {
  Model model;
  std::unique_ptr<AnswerSource> source;

  int batch() const { return static_cast<int>(model.input.dims[0]); }
  std::size_t picture_bytes() const { return value_count(model.input); }  ///< of one
};

/// Used by one thread at a time.
class Context {
 public:
  /// Throws std::bad_alloc, std::runtime_error.
  explicit Context(std::shared_ptr<const Network> network);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Network& network() const { return *network_; }
  std::shared_ptr<const Network> shared_network() const { return network_; }

  std::uint32_t mask = RKNN_NPU_CORE_AUTO;
  int auto_cores = 1;

  /// The input of all pictures, and an output's; the program's own memory in place of the context's
  /// once it has given it.
  std::uint8_t* input() { return input_; }
  std::uint8_t* output(std::size_t i) { return outputs_[i]; }
  void use_input(std::uint8_t* memory) { input_ = memory; }
  void use_output(std::size_t i, std::uint8_t* memory) { outputs_[i] = memory; }
  bool has_input = false, has_outputs = false;

  /// RKNN_SUCC, or what the runtime says.
  int run();
  std::int64_t run_us() const { return run_us_; }

 private:
  void answer(const std::vector<Fault>& faults);

  std::shared_ptr<const Network> network_;
  std::unique_ptr<Answers> answers_;
  int descriptor_ = -1;  // as a context on a board holds one of its device
  std::vector<std::uint8_t> own_input_;
  std::vector<std::vector<std::uint8_t>> own_outputs_;
  std::uint8_t* input_ = nullptr;
  std::vector<std::uint8_t*> outputs_;
  Cores::Clock::time_point time_{};  // where OSPREY_SIM_CLOCK is "simulated": its own, from 0 on
  std::int64_t run_us_ = 0;
};

/// There is one. Threads: any.
class Board {
 public:
  static Board& get();

  rknn_context add(std::shared_ptr<Context> context);
  /// Null if there is no such context.
  std::shared_ptr<Context> find(rknn_context handle);
  bool remove(rknn_context handle);

  Cores cores;
  Faults faults;

 private:
  std::mutex mutex_;
  std::map<rknn_context, std::shared_ptr<Context>> contexts_;
  rknn_context last_ = 0;
  std::optional<LoadFile> load_file_;  // while there are contexts
};

/// On standard error, as the real runtime does it: with its letter for the level, E or W.
void say(char level, const std::string& what);

}  // namespace osprey::sim
