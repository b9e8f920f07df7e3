// SPDX-License-Identifier: Apache-2.0
// Which batch is fastest on this machine, found by trying.
#pragma once

#include <osprey/result.hpp>

#include <memory>
#include <string>

#include "core/time.hpp"
#include "model/input_spec.hpp"
#include "runtime/backend.hpp"

namespace osprey::engine {

struct BatchChoice {
  std::unique_ptr<runtime::Session> session;
  std::string reason;  ///< what each batch gave, in a sentence
};

/// Compiles for batches of 1, 2, 4 and 8, measures each with all lanes busy, and keeps the one that
/// gives the most pictures a second while an inference takes `max_latency` at most (0: any). A
/// larger batch has to gain more than 3 %, and over a batch of 1 twice: what two measurements of
/// one may differ by must not slow a run. Batch 1 is kept if nothing holds the latency.
/// `options.batch` is not looked at. Cost: four compilations, and about a second for each. Errors:
/// those of compile() for a batch of 1, which is also what a model gets that cannot be batched.
Result<BatchChoice> compile_fastest_batch(runtime::LoadedModel& model,
                                          const model::InputSpec& input,
                                          runtime::SessionOptions options, Duration max_latency);

}  // namespace osprey::engine
