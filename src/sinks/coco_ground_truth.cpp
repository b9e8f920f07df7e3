// SPDX-License-Identifier: Apache-2.0
#include "sinks/coco_ground_truth.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace osprey::sinks {

namespace {

using Json = nlohmann::json;

/// Listens to the parser. `depth_` counts open objects and arrays; an entry is an object at depth
/// 3:
/// {"images": [{"id": 1, "file_name": "1.jpg"}]}.
class GroundTruthReader final : public nlohmann::json_sax<Json> {
 public:
  CocoGroundTruth truth;
  std::string problem;  ///< in words, once a function has returned false

  bool key(std::string& name) override {
    if (depth_ == 1) {
      section_ = name == "images" ? &images_ : name == "categories" ? &categories_ : nullptr;
    } else if (in_entry()) {
      field_ = name == "id"                 ? Field::kId
               : name == section_->name_key ? Field::kName
                                            : Field::kOther;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (!expected(Value::kObject)) return false;
    ++depth_;
    if (in_entry()) {
      id_.reset();
      name_.reset();
    }
    return true;
  }

  bool end_object() override {
    if (in_entry() && !keep_entry()) return false;
    --depth_;
    return depth_ > 0 || complete();
  }

  bool start_array(std::size_t) override {
    if (!expected(Value::kArray)) return false;
    if (depth_ == 1 && section_ != nullptr) section_->seen = true;
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    return true;
  }

  bool number_integer(std::int64_t value) override {
    if (!expected(Value::kInteger)) return false;
    if (in_entry() && field_ == Field::kId) id_ = value;
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    const bool fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return fits ? number_integer(static_cast<std::int64_t>(value)) : expected(Value::kOther);
  }

  bool string(std::string& value) override {
    if (!expected(Value::kString)) return false;
    if (in_entry() && field_ == Field::kName) name_ = std::move(value);
    return true;
  }

  bool null() override { return expected(Value::kOther); }
  bool boolean(bool) override { return expected(Value::kOther); }
  bool number_float(double, const std::string&) override { return expected(Value::kOther); }
  bool binary(Json::binary_t&) override { return expected(Value::kOther); }

  bool parse_error(std::size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: <what we want to say>"
    const std::string words = error.what();
    const auto colon = words.find(": ");
    return fail("not valid JSON at byte " + std::to_string(byte) + ": " +
                (colon == std::string::npos ? words : words.substr(colon + 2)));
  }

 private:
  enum class Value { kObject, kArray, kInteger, kString, kOther };
  enum class Field { kId, kName, kOther };

  struct Section {
    const char* name;
    const char* name_key;
    std::unordered_map<std::string, std::int64_t>& entries;
    bool seen = false;
  };

  bool in_entry() const { return depth_ == 3 && section_ != nullptr; }

  /// Whether a value of this kind may begin here. Only the places we read are particular.
  bool expected(Value value) {
    if (depth_ == 0) {
      return value == Value::kObject ||
             fail("expected an object with \"images\" and \"categories\"");
    }
    if (section_ == nullptr) return true;
    if (depth_ == 1) {
      return value == Value::kArray || fail(std::string(section_->name) + ": expected an array");
    }
    if (depth_ == 2) return value == Value::kObject || fail(entry() + ": expected an object");
    if (depth_ == 3 && field_ == Field::kId) {
      return value == Value::kInteger || fail(entry() + ".id: expected a whole number");
    }
    if (depth_ == 3 && field_ == Field::kName) {
      return value == Value::kString ||
             fail(entry() + "." + section_->name_key + ": expected a string");
    }
    return true;
  }

  bool keep_entry() {
    if (!id_) return fail(entry() + ": expected an \"id\"");
    if (!name_) return fail(entry() + ": expected a \"" + section_->name_key + "\"");
    if (!section_->entries.try_emplace(*name_, *id_).second) {
      return fail(entry() + "." + section_->name_key + ": \"" + *name_ + "\" is there twice");
    }
    return true;
  }

  bool complete() {
    if (!images_.seen) return fail("expected an array \"images\"");
    return categories_.seen || fail("expected an array \"categories\"");
  }

  std::string entry() const {
    return std::string(section_->name) + "[" + std::to_string(section_->entries.size()) + "]";
  }

  bool fail(std::string words) {
    problem = std::move(words);
    return false;
  }

  int depth_ = 0;
  Section images_{"images", "file_name", truth.images};
  Section categories_{"categories", "name", truth.categories};
  Section* section_ = nullptr;  ///< the one being read
  Field field_ = Field::kOther;
  std::optional<std::int64_t> id_;
  std::optional<std::string> name_;
};

template <typename... Input>
Result<CocoGroundTruth> parse(const std::string& name, Input&&... input) {
  GroundTruthReader reader;
  if (!Json::sax_parse(std::forward<Input>(input)..., &reader)) {
    return Error{ErrorCode::kCorrupt, name + ": " + reader.problem};
  }
  return std::move(reader.truth);
}

}  // namespace

std::optional<std::int64_t> CocoGroundTruth::image_id(std::string_view path) const {
  for (;;) {
    if (const auto image = images.find(std::string(path)); image != images.end()) {
      return image->second;
    }
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    path.remove_prefix(slash + 1);
  }
}

Result<CocoGroundTruth> read_coco_ground_truth(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{ErrorCode::kInvalidArgument, path + ": is a folder, expected a COCO JSON file"};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int why = errno;
    return Error{why == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 path + ": " + std::generic_category().message(why)};
  }
  return parse(path, file);
}

Result<CocoGroundTruth> parse_coco_ground_truth(std::string_view json, const std::string& name) {
  return parse(name, json.begin(), json.end());
}

}  // namespace osprey::sinks
