// SPDX-License-Identifier: Apache-2.0
// count_in_video MODEL SOURCE...: the most objects of each class seen at once, for each source.
#include <osprey/pipeline.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: count_in_video MODEL SOURCE...\n");
    return 2;
  }
  osprey::PipelineOptions options;
  options.detector.model = argv[1];
  options.sources.assign(argv + 2, argv + argc);

  auto pipeline = osprey::Pipeline::create(options);
  if (!pipeline) {
    std::fprintf(stderr, "%s\n", pipeline.error().message.c_str());
    return 2;
  }

  // Frames of all sources are worked on side by side; each source's arrive here in order, one call
  // at a time, so that no lock is needed.
  std::vector<std::map<int, int>> most(options.sources.size());
  const auto status = pipeline->run([&](const osprey::StreamFrame& frame) -> osprey::Status {
    std::map<int, int> now;
    for (const auto& d : frame.detections) ++now[d.label_id];
    for (const auto& [label, count] : now) {
      auto& best = most[frame.stream][label];
      best = std::max(best, count);
    }
    return {};
  });
  if (!status) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    return 2;
  }

  for (std::size_t stream = 0; stream < most.size(); ++stream) {
    for (const auto& [label, count] : most[stream]) {
      std::printf("%s: %d %s\n", options.sources[stream].c_str(), count,
                  pipeline->names()[static_cast<std::size_t>(label)].c_str());
    }
  }
  std::printf("%llu frames\n", static_cast<unsigned long long>(pipeline->counts().delivered));
}
