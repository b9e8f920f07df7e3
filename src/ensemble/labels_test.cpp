// SPDX-License-Identifier: Apache-2.0
#include "ensemble/labels.hpp"

#include <gtest/gtest.h>

namespace osprey::ensemble {
namespace {

using Names = std::vector<std::string>;
using Ids = std::vector<std::int32_t>;

TEST(Labels, of_one_model_stay_as_they_are) {
  const auto labels = *unite_labels({{{"a", "b", "a"}, {}}}, {"only"});
  EXPECT_EQ(labels.names, (Names{"a", "b", "a"}));
  EXPECT_EQ(labels.by_model[0], (Ids{0, 1, 2}));
}

TEST(Labels, of_the_same_name_are_one) {
  const auto labels = *unite_labels({{{"car", "bus"}, {}}, {{"plate", "bus"}, {}}}, {"a", "b"});
  EXPECT_EQ(labels.names, (Names{"car", "bus", "plate"}));
  EXPECT_EQ(labels.by_model, (std::vector<Ids>{{0, 1}, {2, 1}}));
}

TEST(Labels, may_be_renamed_into_one) {
  const auto labels = *unite_labels(
      {{{"person", "car", "bus", "truck"}, {{"car", "vehicle"}, {"truck", "vehicle"}}},
       {{"lorry"}, {{"lorry", "vehicle"}}}},
      {"a", "b"});
  EXPECT_EQ(labels.names, (Names{"person", "vehicle", "bus"}));
  EXPECT_EQ(labels.by_model, (std::vector<Ids>{{0, 1, 2, 1}, {1}}));
}

TEST(Labels, that_the_model_does_not_have_are_refused_by_name) {
  EXPECT_EQ(unite_labels({{{"car"}, {{"cat", "animal"}}}}, {"street"}).error().message,
            "model 'street': map: the model knows no class 'cat'; expected one of its 1 names");
  EXPECT_EQ(unite_labels({{{"car"}, {{"car", "a"}, {"car", "b"}}}}, {"street"}).error().message,
            "model 'street': map: 'car' is there twice");
}

}  // namespace
}  // namespace osprey::ensemble
