// SPDX-License-Identifier: Apache-2.0
// What a neural-network runtime is to Osprey: sessions that hold a model, lanes that run it.
#pragma once

#include <osprey/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"
#include "core/time.hpp"
#include "model/description.hpp"
#include "model/input_spec.hpp"

namespace osprey::runtime {

/// Numbers the network computes with.
enum class Precision : std::uint8_t {
  kAuto,  ///< the fastest the device computes without an INT8 conversion
  kFp32,
  kBf16,
};

struct SessionOptions {
  int lanes = 0;    ///< 1..64; 0: as many as the runtime reports optimal
  int threads = 0;  ///< CPU threads for all lanes together; 0: all cores
  int batch = 1;    ///< 1..64 pictures a run: it takes as long as for all, also if fewer are there
  Precision precision = Precision::kFp32;
  /// Sessions of other models run at the same time. Its threads then go to whichever core is free:
  /// bound to one each, those of two sessions could meet on one core and leave another idle.
  bool beside_others = false;
  /// NPUs: the cores of each lane, bit 0 for core 0, 0 for whichever is free; in place of `lanes`.
  std::vector<std::uint32_t> core_masks;
  bool zero_copy = true;    ///< NPUs: share memory with the NPU, where its runtime can
  bool keep_steps = false;  ///< outputs may be TensorView::steps
  /// NPUs: a run that takes longer has hung.
  std::chrono::milliseconds run_timeout{5000};
  std::string cache_dir;  ///< compiled models are kept here; empty: not kept
};

/// Memory of one slot's network input: height x width x 3 bytes, rows without gaps, channels in
/// InputSpec::order.
struct InputBuffer {
  std::uint8_t* data = nullptr;
  int width = 0, height = 0;
};

using Completion = std::function<void(Status)>;

/// One execution unit with two slots. Threads: one owner calls; completions come on any thread.
class Lane {
 public:
  static constexpr std::size_t kSlots = 2;
  virtual ~Lane() = default;

  /// Where to write a picture of the slot's batch. Valid while the slot is not running.
  virtual InputBuffer input(std::size_t slot, std::size_t item) = 0;

  /// Queues the slot behind the other one; returns at once. `done` is called exactly once, on
  /// failure maybe from within, and may start the slot again. A slot that runs goes on undisturbed
  /// and `done` gets an error.
  virtual void start(std::size_t slot, Completion done) = 0;

  /// The last finished run's outputs for a picture of the batch, in the model's order,
  /// as if it had been alone. Valid until the next call for the slot, or until it starts again.
  virtual std::span<const TensorView> outputs(std::size_t slot, std::size_t item) = 0;

  /// Of a run, from start() to its completion, the part that the device has no share in: what comes
  /// before and after, of late. Threads: the owner.
  virtual Duration overhead() const { return Duration::zero(); }

  /// After a run that failed with kUnavailable, or was given up: makes the slots free. Blocks until
  /// no earlier run uses them. An error: not yet.
  virtual Status mend() = 0;
};

/// A model compiled for `lanes()` lanes.
class Session {
 public:
  virtual ~Session() = default;
  virtual int lanes() const = 0;
  virtual int batch() const = 0;              ///< pictures a run
  virtual std::string device() const = 0;     ///< for people: the processor's name
  virtual std::string precision() const = 0;  ///< numbers it computes with: "f32", "bf16"
  /// Whether the device computes bf16 faster than f32.
  virtual bool has_fast_bf16() const = 0;
  /// Whether runs of several sessions on one core wait for each other by themselves, as in an NPU's
  /// driver. If not, whoever has several sessions lets one run at a time.
  virtual bool shares_cores() const = 0;
  /// After how long a run has hung; 0: its runs always end.
  virtual std::chrono::milliseconds run_timeout() const { return std::chrono::milliseconds(0); }
  virtual Result<std::unique_ptr<Lane>> create_lane() = 0;
};

/// A model file read, not yet compiled.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  virtual const model::ModelDescription& description() const = 0;
  /// Builds the pre-processing of `input` into the network and compiles it. A network that takes
  /// whole numbers is quantised: it sees the bytes themselves, less 128 if they are int8.
  virtual Result<std::unique_ptr<Session>> compile(const model::InputSpec& input,
                                                   const SessionOptions& options) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  virtual Result<std::unique_ptr<LoadedModel>> load(const std::string& path) = 0;
};

}  // namespace osprey::runtime
