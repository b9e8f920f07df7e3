// SPDX-License-Identifier: Apache-2.0
// The report's page, in which results are to be put.
#pragma once

#include <string_view>

namespace osprey::evaluation {

/// evaluate/page.html; /*RESULTS*/ stands for to_json()'s text, /*PICTURES*/ for a list, for each
/// evaluation, of its worst pictures with their marks.
extern const std::string_view kPage;

}  // namespace osprey::evaluation
