// SPDX-License-Identifier: Apache-2.0
#include "engine/output_ranges.hpp"

#include <algorithm>
#include <cmath>

#include "base/try.hpp"
#include "engine/detect_step.hpp"
#include "engine/run_once.hpp"
#include "media/source.hpp"

namespace osprey::engine {

namespace {

void widen(Range& range, const TensorView& view) {
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (!std::isfinite(view.data[i])) continue;
    range.lowest = std::min(range.lowest, view.data[i]);
    range.highest = std::max(range.highest, view.data[i]);
  }
}

}  // namespace

Result<std::vector<Range>> output_ranges(const ModelFile& file, const model::ModelSpec& spec,
                                         const std::string& source, int most) {
  const auto pictures = OSPREY_TRY(media::Source::open(source, 0, {}));
  runtime::SessionOptions options;
  options.lanes = 1;
  const auto session = OSPREY_TRY(file.loaded->compile(spec.input, options));
  const auto lane = OSPREY_TRY(session->create_lane());
  std::vector<Range> ranges(file.description.outputs.size());
  vision::LetterboxScratch scratch;
  int seen = 0;
  for (; seen < most; ++seen) {
    const auto frame = OSPREY_TRY(pictures->read());
    if (!frame) break;
    const Region all{0, 0, frame->image.width, frame->image.height};
    put_in(frame->image, all, spec.input, lane->input(0, 0), scratch);
    OSPREY_TRY(run_once(*lane));
    const auto outputs = lane->outputs(0, 0);
    for (std::size_t i = 0; i < ranges.size(); ++i) widen(ranges[i], outputs[i]);
  }
  if (seen > 0) return ranges;
  return Error{ErrorCode::kInvalidArgument, source + ": holds no picture"};
}

}  // namespace osprey::engine
