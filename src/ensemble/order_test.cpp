// SPDX-License-Identifier: Apache-2.0
#include "ensemble/order.hpp"

#include <gtest/gtest.h>

namespace osprey::ensemble {
namespace {

using Places = std::vector<std::size_t>;

TEST(Order, has_models_on_the_frame_and_chains_in_any_order_of_the_list) {
  const auto order = *order_of({{"plate", "car"}, {"car", ""}, {"letters", "plate"}, {"face", ""}});
  EXPECT_EQ(order.after, (Places{1, Order::kFrame, 0, Order::kFrame}));
  EXPECT_EQ(order.followers, (std::vector<Places>{{2}, {0}, {}, {}}));
}

TEST(Order, refuses_what_has_no_beginning) {
  const auto error = [](const std::vector<Place>& models) {
    const auto order = order_of(models);
    return order ? std::string() : order.error().message;
  };
  EXPECT_EQ(error({{"a", ""}, {"a", ""}}),
            "model 'a': two models have this name; expected a `name:` of its own");
  EXPECT_EQ(error({{"a", "b"}}), "model 'a': after: there is no model 'b'");
  EXPECT_NE(error({{"a", "a"}}), "");
  EXPECT_NE(error({{"x", ""}, {"a", "c"}, {"b", "a"}, {"c", "b"}}), "");
}

}  // namespace
}  // namespace osprey::ensemble
