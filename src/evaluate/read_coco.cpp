// SPDX-License-Identifier: Apache-2.0
#include "evaluate/read_coco.hpp"

#include <simdjson.h>

#include <cmath>
#include <filesystem>
#include <unordered_map>

#include "base/read_file.hpp"
#include "base/try.hpp"
#include "evaluate/json_list.hpp"
#include "evaluate/parallel.hpp"
#include "evaluate/places.hpp"

namespace osprey::evaluation {

namespace {

namespace ondemand = simdjson::ondemand;

// Fields of objects, read with words for what is wrong.

/// Thrown where an object is not what it should be; its reader adds which object it was.
struct Refusal {
  std::string what;  ///< "bbox: expected [x, y, width, height]"
};

double number(ondemand::value value, const char* field) {
  double number = 0;
  if (value.get_double().get(number) != simdjson::SUCCESS) {
    throw Refusal{std::string(field) + ": expected a number"};
  }
  return number;
}

std::int64_t whole_number(ondemand::value value, const char* field) {
  std::int64_t whole = 0;
  if (value.get_int64().get(whole) == simdjson::SUCCESS) return whole;
  double number = 0;
  constexpr double kMost = 9e15;  // beyond, doubles are not exact
  if (value.get_double().get(number) == simdjson::SUCCESS && std::trunc(number) == number &&
      std::abs(number) < kMost) {
    return static_cast<std::int64_t>(number);
  }
  throw Refusal{std::string(field) + ": expected a whole number"};
}

/// A number other than 0, or true.
bool truth(ondemand::value value, const char* field) {
  bool yes = false;
  if (value.get_bool().get(yes) == simdjson::SUCCESS) return yes;
  return number(value, field) != 0;
}

std::string text(ondemand::value value, const char* field) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  throw Refusal{std::string(field) + ": expected a text"};
}

Box box(ondemand::value value, const char* field) {
  ondemand::array array;
  double numbers[4];
  std::size_t count = 0;
  if (value.get_array().get(array) == simdjson::SUCCESS) {
    for (auto each : array) {
      double number = 0;
      if (count < 4 && each.get_double().get(number) != simdjson::SUCCESS) break;
      if (count < 4) numbers[count] = number;
      ++count;
    }
  }
  if (count == 4) return {numbers[0], numbers[1], numbers[2], numbers[3]};
  throw Refusal{std::string(field) + ": expected four numbers, [x, y, width, height]"};
}

ondemand::object object(ondemand::value value) {
  ondemand::object object;
  if (value.get_object().get(object) == simdjson::SUCCESS) return object;
  throw Refusal{"expected an object in braces"};
}

/// Which fields of an object have been seen.
class Seen {
 public:
  void mark(unsigned field) { fields_ |= 1u << field; }
  /// Throws the first of `names` that has not been.
  template <std::size_t kCount>
  void require(const char* const (&names)[kCount]) const {
    for (unsigned i = 0; i < kCount; ++i) {
      if ((fields_ >> i & 1) == 0) throw Refusal{std::string(names[i]) + ": missing"};
    }
  }

 private:
  unsigned fields_ = 0;
};

Error corrupt(const std::string& where, const std::string& what) {
  return {ErrorCode::kCorrupt, where + ": " + what};
}

std::string entry(const std::string& path, const char* kind, std::size_t number) {
  return path + ": " + kind + " " + std::to_string(number);
}

std::string not_json(const simdjson::simdjson_error& error) {
  return std::string("not JSON: ") + error.what();
}

bool is_read(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

/// A label whose picture and category are still ids.
struct RawLabel {
  Label label;
  std::int64_t picture = 0, category = 0;
};

Picture read_picture(ondemand::object object) {
  Picture picture;
  Seen seen;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    if (key == "id") {
      seen.mark(0);
      picture.id = whole_number(field.value(), "id");
    } else if (key == "file_name") {
      picture.file_name = text(field.value(), "file_name");
    } else if (key == "width") {
      picture.width = static_cast<int>(whole_number(field.value(), "width"));
    } else if (key == "height") {
      picture.height = static_cast<int>(whole_number(field.value(), "height"));
    }
  }
  seen.require({"id"});
  return picture;
}

Category read_category(ondemand::object object) {
  Category category;
  Seen seen;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    if (key == "id") {
      seen.mark(0);
      category.id = whole_number(field.value(), "id");
    } else if (key == "name") {
      category.name = text(field.value(), "name");
    }
  }
  seen.require({"id"});
  return category;
}

/// `where()`: the label in words.
template <typename Where>
RawLabel read_label(ondemand::object object, const Where& where, Warnings& warnings) {
  RawLabel raw;
  auto& label = raw.label;
  Seen seen;
  bool has_area = false;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    if (key == "id") {
      seen.mark(0);
      label.id = whole_number(field.value(), "id");
    } else if (key == "image_id") {
      seen.mark(1);
      raw.picture = whole_number(field.value(), "image_id");
    } else if (key == "category_id") {
      seen.mark(2);
      raw.category = whole_number(field.value(), "category_id");
    } else if (key == "bbox") {
      seen.mark(3);
      label.box = box(field.value(), "bbox");
    } else if (key == "area") {
      has_area = true;
      label.area = number(field.value(), "area");
    } else if (key == "iscrowd") {
      label.crowd = truth(field.value(), "iscrowd");
    }
  }
  seen.require({"id", "image_id", "category_id", "bbox"});
  if (!has_area) {
    label.area = label.box.area();
    warnings.add("labels without area: their box's is taken", where());
  }
  if (label.box.width < 0 || label.box.height < 0) {
    warnings.add("labels of negative size", where());
  }
  return raw;
}

/// Calls read(object, number) for each entry of the list.
template <typename Read>
Status read_list(ondemand::value value, const std::string& path, const char* kind,
                 const Read& read) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return corrupt(path, std::string(kind) + "s: expected a list in brackets");
  }
  std::size_t number = 0;
  try {
    for (auto each : array) {
      read(object(each.value()), number);
      ++number;
    }
  } catch (const Refusal& refusal) {
    return corrupt(entry(path, kind, number), refusal.what);
  } catch (const simdjson::simdjson_error& error) {
    return corrupt(entry(path, kind, number), not_json(error));
  }
  return {};
}

/// `id_of(i)`: of the i-th of `count` entries.
template <typename IdOf>
Status check_ids(std::size_t count, const IdOf& id_of, const std::string& path, const char* kind) {
  std::unordered_map<std::int64_t, std::size_t> first;
  first.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto [at, is_new] = first.emplace(id_of(i), i);
    if (is_new) continue;
    return corrupt(entry(path, kind, i), "id: " + std::to_string(at->first) + " is that of " +
                                             kind + " " + std::to_string(at->second) +
                                             " too; expected each once");
  }
  return {};
}

/// By id, each once.
template <typename Listed>
Status sort_by_id(std::vector<Listed>& listed, const std::string& path, const char* kind) {
  OSPREY_TRY(check_ids(
      listed.size(), [&](std::size_t i) { return listed[i].id; }, path, kind));
  std::sort(listed.begin(), listed.end(),
            [](const Listed& a, const Listed& b) { return a.id < b.id; });
  return {};
}

Status place_labels(const std::vector<RawLabel>& raw, GroundTruth& truth, Warnings& warnings) {
  OSPREY_TRY(check_ids(
      raw.size(), [&](std::size_t i) { return raw[i].label.id; }, truth.path, "annotation"));
  const auto pictures = places_of(truth.pictures), categories = places_of(truth.categories);
  truth.labels.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    auto label = raw[i].label;
    label.picture = pictures.find(raw[i].picture);
    label.category = categories.find(raw[i].category);
    const auto where = [&] { return entry(truth.path, "annotation", i); };
    if (label.picture < 0) {
      warnings.add("labels of a picture that is not listed: left out", where());
    } else if (label.category < 0) {
      warnings.add("labels of a category that is not listed: left out", where());
    } else {
      if (label.id == 0) {
        warnings.add("labels of id 0: what finds them counts as wrong, as in pycocotools", where());
      }
      truth.labels.push_back(label);
    }
  }
  return {};
}

/// Pictures by id and by file name.
class PictureFinder {
 public:
  explicit PictureFinder(const GroundTruth& truth)
      : truth_(truth), by_id_(places_of(truth.pictures)) {}

  std::int32_t find(ondemand::value value) const {
    std::string_view name;
    if (value.get_string().get(name) == simdjson::SUCCESS) return find_name(std::string(name));
    const auto id = whole_number(value, "image_id");
    const auto place = by_id_.find(id);
    if (place >= 0) return place;
    throw Refusal{"image_id: " + std::to_string(id) + " is no picture of " + truth_.path};
  }

 private:
  std::int32_t find_name(const std::string& name) const {
    std::call_once(named_, [&] {
      for (std::size_t i = 0; i < truth_.pictures.size(); ++i) {
        const std::filesystem::path file = truth_.pictures[i].file_name;
        by_name_.emplace(file.string(), static_cast<std::int32_t>(i));
        by_name_.emplace(file.stem().string(), static_cast<std::int32_t>(i));
      }
    });
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    throw Refusal{"image_id: \"" + name + "\" is no picture of " + truth_.path};
  }

  const GroundTruth& truth_;
  Places by_id_;
  mutable std::once_flag named_;
  mutable std::unordered_map<std::string, std::int32_t> by_name_;
};

/// What one piece of a list of detections holds.
struct Piece {
  Detections found;
  std::size_t entries = 0;  // that were read, also those left out
  std::string refusal;      // what is wrong with the next one
  bool is_json = true;
  std::vector<std::pair<const char*, std::size_t>> odd;  // what, and which entry
};

class DetectionReader {
 public:
  explicit DetectionReader(const GroundTruth& truth)
      : pictures_(truth), categories_(places_of(truth.categories)) {}

  /// Of one thread.
  void read(ondemand::parser& parser, const std::string& text, Piece& piece) const {
    try {
      ondemand::document document =
          parser.iterate(simdjson::padded_string_view(text.data(), text.size(), text.capacity()));
      for (auto each : document.get_array()) {
        add(object(each.value()), piece);
        ++piece.entries;
      }
      if (is_read(document)) return;
      piece.refusal = "not JSON: more follows the end of the list";
      piece.is_json = false;
    } catch (const Refusal& refusal) {
      piece.refusal = refusal.what;
    } catch (const simdjson::simdjson_error& error) {
      piece.refusal = not_json(error);
      piece.is_json = false;
    }
  }

 private:
  void add(ondemand::object object, Piece& piece) const {
    Found found;
    Seen seen;
    for (auto field : object) {
      const std::string_view key = field.unescaped_key();
      if (key == "image_id") {
        seen.mark(0);
        found.picture = pictures_.find(field.value());
      } else if (key == "category_id") {
        seen.mark(1);
        found.category = categories_.find(whole_number(field.value(), "category_id"));
      } else if (key == "bbox") {
        seen.mark(2);
        found.box = box(field.value(), "bbox");
      } else if (key == "score") {
        seen.mark(3);
        found.score = number(field.value(), "score");
      }
    }
    seen.require({"image_id", "category_id", "bbox", "score"});
    if (found.box.width < 0 || found.box.height < 0) {
      piece.odd.emplace_back("detections of negative size", piece.entries);
    }
    if (found.category < 0) {
      piece.odd.emplace_back("detections of a category that is not listed: left out",
                             piece.entries);
    } else {
      piece.found.push_back(found);
    }
  }

  PictureFinder pictures_;
  Places categories_;
};

std::vector<Piece> read_pieces(const JsonList& list, const DetectionReader& reader, int threads,
                               Status& status) {
  std::vector<Piece> pieces(list.pieces());
  std::mutex mutex;
  std::atomic<bool> refused = false;
  std::atomic<std::size_t> next = 0;
  in_parallel(static_cast<std::size_t>(std::max(threads, 1)), threads, [&](std::size_t) {
    ondemand::parser parser;
    std::string text;
    for (auto i = next++; i < pieces.size() && !refused; i = next++) {
      if (auto read = list.read(i, simdjson::SIMDJSON_PADDING, text); !read.ok()) {
        const std::lock_guard lock(mutex);
        status = std::move(read);
        refused = true;
        return;
      }
      reader.read(parser, text, pieces[i]);
      if (!pieces[i].refusal.empty()) refused = true;
    }
  });
  return pieces;
}

}  // namespace

Result<GroundTruth> read_coco_labels(const std::string& path, Warnings& warnings) {
  auto text = OSPREY_TRY(base::read_file(path, "COCO's labels"));
  text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  GroundTruth truth;
  truth.path = path;
  std::vector<RawLabel> labels;
  bool has_pictures = false, has_categories = false, has_labels = false;
  try {
    ondemand::parser parser;
    ondemand::document document =
        parser.iterate(simdjson::padded_string_view(text.data(), text.size(), text.capacity()));
    ondemand::object root;
    const auto error = document.get_object().get(root);
    if (error == simdjson::INCORRECT_TYPE) {
      return corrupt(path, "expected an object with images, annotations and categories");
    }
    if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
    for (auto field : root) {
      const std::string_view key = field.unescaped_key();
      if (key == "images") {
        has_pictures = true;
        OSPREY_TRY(read_list(field.value(), path, "image", [&](auto object, std::size_t) {
          truth.pictures.push_back(read_picture(object));
        }));
      } else if (key == "categories") {
        has_categories = true;
        OSPREY_TRY(read_list(field.value(), path, "category", [&](auto object, std::size_t) {
          truth.categories.push_back(read_category(object));
        }));
      } else if (key == "annotations") {
        has_labels = true;
        OSPREY_TRY(read_list(field.value(), path, "annotation", [&](auto object, std::size_t i) {
          const auto where = [&] { return entry(path, "annotation", i); };
          labels.push_back(read_label(object, where, warnings));
        }));
      }
    }
    if (!is_read(document)) return corrupt(path, "not JSON: more follows its end");
  } catch (const simdjson::simdjson_error& error) {
    return corrupt(path, not_json(error));
  }
  const auto missing = !has_pictures ? "images" : !has_labels ? "annotations" : "categories";
  if (!has_pictures || !has_labels || !has_categories) {
    return corrupt(path, std::string(missing) + ": missing");
  }
  OSPREY_TRY(sort_by_id(truth.pictures, path, "image"));
  OSPREY_TRY(sort_by_id(truth.categories, path, "category"));
  OSPREY_TRY(place_labels(labels, truth, warnings));
  return truth;
}

Result<Detections> read_coco_detections(const std::string& path, const GroundTruth& truth,
                                        int threads, Warnings& warnings) {
  auto list = OSPREY_TRY(JsonList::open(path));
  const DetectionReader reader(truth);
  Status status;
  auto pieces = read_pieces(list, reader, threads, status);
  const auto first = std::find_if(pieces.begin(), pieces.end(),
                                  [](const Piece& piece) { return !piece.refusal.empty(); });
  if (status.ok() && pieces.size() > 1 && first != pieces.end() && !first->is_json) {
    list.join();
    pieces = read_pieces(list, reader, 1, status);
  }
  OSPREY_TRY(std::move(status));
  Detections found;
  std::size_t before = 0, all = 0;
  for (const auto& piece : pieces) all += piece.found.size();
  found.reserve(all);
  for (auto& piece : pieces) {
    if (!piece.refusal.empty()) {
      return corrupt(entry(path, "detection", before + piece.entries), piece.refusal);
    }
    for (const auto& [what, place] : piece.odd) {
      warnings.add(what, entry(path, "detection", before + place));
    }
    found.insert(found.end(), piece.found.begin(), piece.found.end());
    before += piece.entries;
    piece = {};
  }
  return found;
}

}  // namespace osprey::evaluation
