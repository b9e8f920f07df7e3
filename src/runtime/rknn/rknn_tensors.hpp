// SPDX-License-Identifier: Apache-2.0
// Where a context's input and outputs lie, and how outputs are read.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor.hpp"
#include "runtime/rknn/rknn_context.hpp"

namespace osprey::runtime {

/// What all contexts of a model share.
struct RknnTensors {
  int width = 0, height = 0;
  std::size_t batch = 1;       ///< pictures a run
  std::vector<Shape> outputs;  ///< of one picture
  bool zero_copy = true;       ///< where the runtime can
  bool keep_steps = false;     ///< INT8 maps stay as they are (TensorView::steps)

  std::size_t picture_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  }
};

/// One context's. Threads: one at a time.
class RknnIo {
 public:
  virtual ~RknnIo() = default;
  /// All pictures of a run.
  virtual std::uint8_t* input() = 0;
  /// Before and after rknn_run.
  virtual Status hand_in() = 0;
  virtual Status fetch() = 0;
  /// Those of a picture of the last run that was fetched.
  virtual std::span<const TensorView> outputs(std::size_t item) = 0;
};

/// With `zero_copy`, and if the runtime has it, memory that the NPU reads and writes itself; else
/// the runtime copies. Both outlive it. Errors: the runtime's; a layout that is not known. The
/// context is then of no more use.
Result<std::unique_ptr<RknnIo>> create_rknn_io(const RknnContext& context,
                                               const RknnTensors& tensors, bool zero_copy);

}  // namespace osprey::runtime
