// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace osprey::sim {

namespace {

bool on_simulated_clock() {
  const char* clock = std::getenv("OSPREY_SIM_CLOCK");
  return clock != nullptr && std::string_view(clock) == "simulated";
}

const Fault* find(const std::vector<Fault>& faults, FaultKind kind) {
  const auto found = std::find_if(faults.begin(), faults.end(),
                                  [kind](const Fault& fault) { return fault.kind == kind; });
  return found == faults.end() ? nullptr : &*found;
}

}  // namespace

void say(char level, const std::string& what) {
  std::fprintf(stderr, "%c RKNN: [virtual RK3588] %s\n", level, what.c_str());
}

std::unique_ptr<SharedMemory> SharedMemory::create(std::size_t bytes) {
  std::unique_ptr<SharedMemory> memory(new SharedMemory);
  auto& handle = memory->handle_;
  handle.size = static_cast<std::uint32_t>(bytes);
  handle.fd = memfd_create("npu", MFD_CLOEXEC);
  if (handle.fd < 0 || bytes == 0 || ftruncate(handle.fd, static_cast<off_t>(bytes)) != 0) {
    return nullptr;
  }
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, handle.fd, 0);
  if (mapped == MAP_FAILED) return nullptr;
  handle.virt_addr = mapped;
  handle.priv_data = memory.get();
  return memory;
}

SharedMemory::~SharedMemory() {
  if (handle_.virt_addr != nullptr) munmap(handle_.virt_addr, handle_.size);
  if (handle_.fd >= 0) close(handle_.fd);
}

Context::Context(std::shared_ptr<const Network> network)
    : network_(std::move(network)), answers_(network_->source->answers()) {
  const auto batch = static_cast<std::size_t>(network_->batch());
  own_input_.resize(batch * network_->picture_bytes());
  input_ = own_input_.data();
  for (const auto& output : network_->model.outputs) {
    outputs_.push_back(own_outputs_.emplace_back(batch * native_bytes(output)).data());
  }
  descriptor_ = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (descriptor_ < 0) throw std::runtime_error("failed to open the NPU's device");
}

Context::~Context() {
  if (descriptor_ >= 0) close(descriptor_);
}

int Context::run() {
  auto& board = Board::get();
  const bool simulated = on_simulated_clock();
  const auto begun = simulated ? time_ : Cores::Clock::now();
  const auto faults = board.faults.at_run(mask);
  if (find(faults, FaultKind::kFail) != nullptr) return RKNN_ERR_FAIL;
  if (const auto* hang = find(faults, FaultKind::kHang)) {
    const auto length = hang->ms.count() > 0 ? hang->ms : std::chrono::hours(24 * 365);
    board.cores.block(static_cast<std::size_t>(hang->core), begun + length);
  }
  Cost cost;
  cost.alone = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>(network_->model.core_ms));
  cost.parallel = network_->model.parallel;
  cost.batch = network_->batch();
  cost.auto_cores = auto_cores;
  const auto* timeout = find(faults, FaultKind::kTimeout);
  if (timeout != nullptr) {
    cost.alone = timeout->ms;
    cost.batch = 1;
  }
  const auto run = board.cores.book(begun, mask, cost);
  if (timeout == nullptr) answer(faults);
  time_ = run.end;
  if (!simulated) std::this_thread::sleep_until(run.end);
  const auto now = simulated ? time_ : Cores::Clock::now();
  run_us_ = std::chrono::duration_cast<std::chrono::microseconds>(now - begun).count();
  if (timeout != nullptr) {
    say('E', "failed to submit, the job timed out");
    return RKNN_ERR_TIMEOUT;
  }
  has_outputs = true;
  return RKNN_SUCC;
}

void Context::answer(const std::vector<Fault>& faults) {
  const auto* wrong = find(faults, FaultKind::kWrong);
  std::vector<std::uint8_t*> outputs(outputs_.size());
  for (int item = 0; item < network_->batch(); ++item) {
    const auto place = static_cast<std::size_t>(item);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = outputs_[i] + place * native_bytes(network_->model.outputs[i]);
    }
    const auto bytes = network_->picture_bytes();
    answers_->run({input_ + place * bytes, bytes}, outputs);
    if (wrong == nullptr || wrong->item != item) continue;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      // Every second byte: still numbers, but others.
      const auto& tensor = network_->model.outputs[i];
      for (std::size_t at = 0; at < native_bytes(tensor); at += 2) outputs[i][at] ^= 0x5a;
    }
  }
}

Board& Board::get() {
  // Never destroyed: a run that hangs may still need it while the process ends.
  static auto& board = *new Board;
  return board;
}

rknn_context Board::add(std::shared_ptr<Context> context) {
  const std::lock_guard lock(mutex_);
  const char* path = std::getenv("OSPREY_SIM_LOAD");
  if (path != nullptr && !load_file_) load_file_.emplace(path, cores);
  contexts_[++last_] = std::move(context);
  return last_;
}

std::shared_ptr<Context> Board::find(rknn_context handle) {
  const std::lock_guard lock(mutex_);
  const auto found = contexts_.find(handle);
  return found == contexts_.end() ? nullptr : found->second;
}

bool Board::remove(rknn_context handle) {
  std::shared_ptr<Context> removed;
  const std::lock_guard lock(mutex_);
  const auto found = contexts_.find(handle);
  if (found == contexts_.end()) return false;
  removed = std::move(found->second);
  contexts_.erase(found);
  if (contexts_.empty()) load_file_.reset();
  return true;
}

}  // namespace osprey::sim
