// SPDX-License-Identifier: Apache-2.0
// Which models run on the frame, and which on what others found, one round after another.
#pragma once

#include <osprey/result.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace osprey::ensemble {

struct Place {
  std::string name;   ///< of the model; all different
  std::string after;  ///< the model whose boxes it runs on; empty: it runs on the frame
};

/// Where each model stands.
struct Order {
  static constexpr std::size_t kFrame = static_cast<std::size_t>(-1);
  std::vector<std::size_t> after;  ///< of each model: the one whose boxes it runs on, or kFrame
  std::vector<std::vector<std::size_t>> followers;  ///< of each model: those that run on its boxes
};

/// Errors (kInvalidArgument): a name that is there twice, an `after` that is no model or the model
/// itself, models that wait for each other.
Result<Order> order_of(const std::vector<Place>& models);

}  // namespace osprey::ensemble
