// SPDX-License-Identifier: Apache-2.0
// What a network would take on a core of an RK3588's NPU, from what it multiplies and moves.
#pragma once

#include <vector>

#include "model/description.hpp"

namespace osprey::sim {

/// Milliseconds an inference in INT8. Each layer takes the longer of its multiplications, in blocks
/// of channels at the core's peak, and of its values' way through memory. Calibrated on what
/// rknn_model_zoo publishes for YOLOv8n/s/m, v5n/s, v6n, v10n and YOLO11n at 640x640, all within
/// 9 %; a model that the calibration has not seen was within 17 %. `fused_silu`: compiled into the
/// convolution before, as the toolkit does for one core.
double estimate_core_ms(const std::vector<model::Layer>& layers, bool fused_silu);

}  // namespace osprey::sim
