// SPDX-License-Identifier: Apache-2.0
#include "ensemble/order.hpp"

#include <algorithm>

#include "base/try.hpp"

namespace osprey::ensemble {

namespace {

Error wrong(const std::string& who, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "model '" + who + "': " + what};
}

Status check_names(const std::vector<Place>& models) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (models[i].name == models[j].name) {
        return wrong(models[i].name, "two models have this name; expected a `name:` of its own");
      }
    }
  }
  return {};
}

}  // namespace

Result<Order> order_of(const std::vector<Place>& models) {
  OSPREY_TRY(check_names(models));
  Order order;
  order.followers.resize(models.size());
  for (std::size_t i = 0; i < models.size(); ++i) {
    order.after.push_back(Order::kFrame);
    const auto& name = models[i].name;
    const auto& after = models[i].after;
    if (after.empty()) continue;
    const auto first = std::find_if(models.begin(), models.end(),
                                    [&](const Place& each) { return each.name == after; });
    if (first == models.end()) return wrong(name, "after: there is no model '" + after + "'");
    order.after[i] = static_cast<std::size_t>(first - models.begin());
    order.followers[order.after[i]].push_back(i);
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    auto at = order.after[i];
    for (std::size_t steps = 0; at != Order::kFrame; at = order.after[at]) {
      if (++steps > models.size()) {
        return wrong(models[i].name,
                     "after: it would wait for itself; expected a chain that begins "
                     "with a model on the frame");
      }
    }
  }
  return order;
}

}  // namespace osprey::ensemble
