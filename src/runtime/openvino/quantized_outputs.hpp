// SPDX-License-Identifier: Apache-2.0
// Outputs of networks that are quantised to their very end, as TFLite's can be.
#pragma once

namespace ov {
class Model;
}

namespace osprey::runtime {

/// Makes outputs that a last rounding turns into 8 bits give the real numbers these stand for.
/// Other outputs stay as they are. Throws what OpenVINO throws.
void dequantize_outputs(ov::Model& graph);

}  // namespace osprey::runtime
