// SPDX-License-Identifier: Apache-2.0
// Success or a described failure: what every fallible function of Osprey returns.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace osprey {

/// What kind of failure happened. The command line maps every one of them to exit code 2, except
/// `kCancelled` (130, as the shell does for an interrupt).
enum class ErrorCode {
  kInvalidArgument,  ///< an option or value the caller gave is wrong
  kNotFound,         ///< a file, device or tensor is not there
  kUnsupported,      ///< understood, but nothing here can do it
  kCorrupt,          ///< data that contradicts its own format
  kIo,               ///< the operating system refused a read or write (full disk, no permission)
  kTimeout,          ///< did not answer in time
  kUnavailable,      ///< a device failed or is gone; another may do its work
  kCancelled,        ///< the user or owner asked to stop
  kInternal,         ///< a library failed in a way that has no better name
};

/// A failure in words. `message` names the file, option or tensor at fault and what was expected.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

/// Either a `T` or an `Error`. Asking for the one that is not there is a programming error
/// (throws std::bad_variant_access). Cost: that of std::variant.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an `Error`.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::move(error)) {}  // NOLINT implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  void value() const {}

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace osprey
