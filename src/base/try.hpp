// SPDX-License-Identifier: Apache-2.0
// OSPREY_TRY: hand a failure up, or go on with the value.
#pragma once

#include <osprey/result.hpp>

#include <utility>

/// `auto file = OSPREY_TRY(open(path));` returns from the enclosing function with the Error if
/// there is one. Works for Result<void> as a statement too.
#define OSPREY_TRY(expression)                                        \
  __extension__({                                                     \
    auto osprey_result = (expression);                                \
    if (!osprey_result.ok()) return std::move(osprey_result).error(); \
    std::move(osprey_result).value();                                 \
  })
