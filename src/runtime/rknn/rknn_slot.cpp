// SPDX-License-Identifier: Apache-2.0
#include "runtime/rknn/rknn_slot.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/try.hpp"
#include "core/usual_duration.hpp"

namespace osprey::runtime {

namespace {

// A run that is waited for at the end takes no longer, unless it hangs.
constexpr auto kLongestEnd = std::chrono::seconds(2);

}  // namespace

struct RknnSlot::Work {
  Work(RknnContext with, std::shared_ptr<const RknnTensors> of)
      : context(std::move(with)), tensors(std::move(of)) {}

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      wakes.wait(lock, [&] { return ends || waits; });
      if (ends) break;
      waits = false;
      lock.unlock();
      auto status = run();
      lock.lock();
      // Of a slot that is gone nobody asks any more.
      if (auto calls = std::exchange(done, nullptr)) {
        busy = false;
        calling = true;
        lock.unlock();
        calls(std::move(status));
        lock.lock();
        calling = false;
      }
      wakes.notify_all();
    }
    left = true;
    wakes.notify_all();
  }

  Status run() {
    OSPREY_TRY(io->hand_in());
    const auto handed_in = std::chrono::steady_clock::now();
    OSPREY_TRY(rknn_status("asked to run", context.library().run(context.handle(), nullptr)));
    const auto ran = std::chrono::steady_clock::now();
    OSPREY_TRY(io->fetch());
    const auto fetched = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex);
    usual_overhead.add((handed_in - started) + (fetched - ran));
    return {};
  }

  RknnContext context;
  std::shared_ptr<const RknnTensors> tensors;
  std::unique_ptr<RknnIo> io;
  std::chrono::steady_clock::time_point started;  // the last run
  std::mutex mutex;                               // guards what follows
  UsualDuration usual_overhead;
  std::condition_variable wakes;
  Completion done;       // of the run that waits for the thread, or runs
  bool waits = false;    // a run does, for the thread
  bool busy = false;     // until the run has ended
  bool calling = false;  // its completion
  bool ends = false;
  bool left = false;  // the thread has no more to do
};

Result<std::unique_ptr<RknnSlot>> RknnSlot::create(const RknnContext& model, std::uint32_t mask,
                                                   std::shared_ptr<const RknnTensors> tensors,
                                                   const std::string& name) {
  const auto create_work = [&](bool zero_copy) -> Result<std::shared_ptr<Work>> {
    auto context = OSPREY_TRY(model.duplicate());
    OSPREY_TRY(context.use_cores(mask));
    auto work = std::make_shared<Work>(std::move(context), tensors);
    work->io = OSPREY_TRY(create_rknn_io(work->context, *tensors, zero_copy));
    return work;
  };
  auto created = create_work(tensors->zero_copy);
  // In a context of its own: the first one may have been told of memory that is gone.
  if (!created.ok() && created.error().code != ErrorCode::kUnavailable && tensors->zero_copy) {
    created = create_work(false);
  }
  auto work = OSPREY_TRY(std::move(created));
  std::unique_ptr<RknnSlot> slot(new RknnSlot(work));
  try {
    slot->thread_ = std::thread([work = std::move(work)] { work->serve(); });
    pthread_setname_np(slot->thread_.native_handle(), name.substr(0, 15).c_str());
  } catch (const std::system_error& e) {
    return Error{ErrorCode::kUnavailable, std::string("no thread for the NPU: ") + e.what()};
  }
  return slot;
}

RknnSlot::~RknnSlot() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(work_->mutex);
  work_->ends = true;
  work_->done = nullptr;
  work_->wakes.notify_all();
  work_->wakes.wait(lock, [&] { return !work_->calling; });
  const bool left = work_->wakes.wait_for(lock, kLongestEnd, [&] { return work_->left; });
  lock.unlock();
  left ? thread_.join() : thread_.detach();
}

std::uint8_t* RknnSlot::picture(std::size_t item) {
  return work_->io->input() + item * work_->tensors->picture_bytes();
}

std::span<const TensorView> RknnSlot::outputs(std::size_t item) {
  return work_->io->outputs(item);
}

Duration RknnSlot::overhead() const {
  const std::lock_guard lock(work_->mutex);
  return work_->usual_overhead.longest();
}

void RknnSlot::start(Completion done) {
  {
    const std::lock_guard lock(work_->mutex);
    if (!std::exchange(work_->busy, true)) {
      work_->done = std::move(done);
      work_->started = std::chrono::steady_clock::now();
      work_->waits = true;
      work_->wakes.notify_all();
      return;
    }
  }
  done(Error{ErrorCode::kInternal, "inference failed: the slot is running"});
}

}  // namespace osprey::runtime
