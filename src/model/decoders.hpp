// SPDX-License-Identifier: Apache-2.0
// One decoder a kind of head; Decoder::create() checks the specification and picks.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "model/decoder.hpp"
#include "model/score_scan.hpp"

namespace osprey::model {

std::unique_ptr<Decoder> make_channels_first_decoder(const ModelSpec& spec, ScoreRule rule);
std::unique_ptr<Decoder> make_rows_decoder(const ModelSpec& spec, ScoreRule rule);
std::unique_ptr<Decoder> make_anchor_grid_decoder(const ModelSpec& spec, ScoreRule rule);
std::unique_ptr<Decoder> make_yolox_grid_decoder(const ModelSpec& spec, ScoreRule rule);
std::unique_ptr<Decoder> make_end_to_end_decoder(const ModelSpec& spec, ScoreRule rule);
std::unique_ptr<Decoder> make_split_decoder(const ModelSpec& spec, ScoreRule rule);

/// The output at `index`, if it is there and its dimensions are whole.
Result<TensorView> output_at(std::span<const TensorView> outputs, int index);

/// The error for an output whose shape is not `expected`, a text such as "[1, 84, N]".
Error wrong_shape(int index, const Shape& shape, const std::string& expected);

}  // namespace osprey::model
