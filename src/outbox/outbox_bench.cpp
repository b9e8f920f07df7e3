// SPDX-License-Identifier: Apache-2.0
#include "outbox/outbox.hpp"

#include <benchmark/benchmark.h>

#include <string>

#include "base/scratch_folder.hpp"

namespace osprey::outbox {
namespace {

NewEvent usual_event() {
  NewEvent event;
  event.json = R"({"filler":")" + std::string(1100, 'x') + R"("})";
  event.type = "update";
  event.camera = "door";
  event.label = "person";
  event.zones = {"drive"};
  return event;
}

/// Argument: whether the limit has been reached, so that each event takes the room of another.
void append(benchmark::State& state) {
  const auto folder = base::ScratchFolder::create().value();
  base::RealClock clock;
  OutboxOptions options;
  options.path = folder / "outbox.db";
  options.limit_bytes = state.range(0) != 0 ? 4ULL << 20 : 4ULL << 30;
  const auto outbox = Outbox::open(options, clock).value();
  const NewEvent event = usual_event();
  for (int i = 0; i < 4000; ++i) (void)outbox->append(event);
  for (auto _ : state) {
    if (!outbox->append(event).ok()) state.SkipWithError("append failed");
  }
}
BENCHMARK(append)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond)->UseRealTime();

/// One that nothing matches, which looks at all.
void history(benchmark::State& state) {
  const auto folder = base::ScratchFolder::create().value();
  base::RealClock clock;
  OutboxOptions options;
  options.path = folder / "outbox.db";
  const auto outbox = Outbox::open(options, clock).value();
  for (int i = 0; i < 100'000; ++i) (void)outbox->append(usual_event());
  HistoryQuery query;
  query.label = "bicycle";
  for (auto _ : state) benchmark::DoNotOptimize(outbox->history(query));
}
BENCHMARK(history)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace osprey::outbox

BENCHMARK_MAIN();
