// SPDX-License-Identifier: Apache-2.0
// Any bytes as COCO's labels, detections, or Pascal VOC's XML: numbers or an error that names the
// file, never a crash.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/scratch_folder.hpp"
#include "evaluate/coco_metrics.hpp"
#include "evaluate/counts.hpp"
#include "evaluate/error_kinds.hpp"
#include "evaluate/read_coco.hpp"
#include "evaluate/read_labels.hpp"

namespace {

using namespace osprey;
using namespace osprey::evaluation;

const std::filesystem::path& folder() {
  static const auto scratch = [] {
    auto made = base::ScratchFolder::create().value();
    std::filesystem::create_directory(made / "voc");
    return made;
  }();
  return scratch.path();
}

void check(const Error& error) {
  if (error.message.find(folder().string()) != 0 || error.message.size() < 10) abort();
}

GroundTruth small_set() {
  GroundTruth truth;
  truth.path = "labels";
  truth.pictures = {{1, "1.jpg", 64, 48}, {2, "2.jpg", 64, 48}};
  truth.categories = {{1, "a"}, {2, "b"}};
  for (std::int32_t i = 0; i < 2; ++i)
    truth.labels.push_back({i, i, {4, 4, 20, 20}, 400, false, false, i + 1});
  return truth;
}

void judge(const GroundTruth& truth, const Detections& found) {
  const auto matches = match(truth, found, 1);
  for (const double number : summary(accumulate(matches, 1))) {
    if (!(number >= -1 && number <= 1)) abort();
  }
  const auto counts = count(truth, found, 0.3, {});
  if (counts.all.correct > counts.all.labels) abort();
  error_kinds(truth, found, matches, 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = data[0] % 3;
  const auto path = kind == 2 ? folder() / "voc" / "1.xml" : folder() / "file.json";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data) + 1, static_cast<std::streamsize>(size - 1));
  Warnings warnings;
  if (kind == 0) {
    const auto truth = read_coco_labels(path, warnings);
    if (!truth.ok()) return check(truth.error()), 0;
    judge(*truth, {});
  } else if (kind == 1) {
    const auto truth = small_set();
    const auto found = read_coco_detections(path, truth, 1, warnings);
    if (!found.ok()) return check(found.error()), 0;
    judge(truth, *found);
  } else {
    const auto truth = read_voc_labels(path.parent_path());
    if (!truth.ok()) return check(truth.error()), 0;
    judge(*truth, {});
  }
  return 0;
}
