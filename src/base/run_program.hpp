// SPDX-License-Identifier: Apache-2.0
// Another program, run to its end.
#pragma once

#include <osprey/result.hpp>

#include <functional>
#include <string>
#include <vector>

namespace osprey::base {

/// Runs `arguments[0]`, a file or a name that PATH knows, in `folder`; what it says goes to the
/// file `log`, which is made. Its exit code, or 128 and the signal that ended it. `go_on` is asked
/// ten times a second; false ends the program, and what it started. Errors: it cannot be started
/// (kNotFound); kCancelled.
Result<int> run_program(const std::vector<std::string>& arguments, const std::string& folder,
                        const std::string& log, const std::function<bool()>& go_on);

}  // namespace osprey::base
