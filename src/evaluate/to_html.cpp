// SPDX-License-Identifier: Apache-2.0
// Evaluations as a page that needs nothing else.
#include <osprey/evaluate.hpp>

#include <nlohmann/json.hpp>

#include "base/for_script.hpp"
#include "evaluate/page.hpp"

namespace osprey {

namespace {

using Json = nlohmann::ordered_json;

const char* kind_name(Evaluation::Picture::Mark::Kind kind) {
  using Kind = Evaluation::Picture::Mark::Kind;
  return kind == Kind::kCorrect ? "correct" : kind == Kind::kWrong ? "wrong" : "missed";
}

/// What is drawn of the worst pictures, for each evaluation.
Json pictures(const Comparison& comparison,
              const std::function<std::string(const std::string&)>& picture) {
  Json all = Json::array();
  for (const auto& evaluation : comparison.evaluations) {
    Json own = Json::array();
    for (const auto& worst : evaluation.worst) {
      if (worst.marks.empty()) break;
      Json marks = Json::array();
      for (const auto& mark : worst.marks) {
        marks.push_back({kind_name(mark.kind), mark.category, mark.x, mark.y, mark.width,
                         mark.height, mark.score});
      }
      own.push_back({{"file_name", worst.file_name},
                     {"width", worst.width},
                     {"height", worst.height},
                     {"wrong", worst.wrong},
                     {"missed", worst.missed},
                     {"correct", worst.correct},
                     {"image", picture ? picture(worst.file_name) : ""},
                     {"marks", std::move(marks)}});
    }
    all.push_back(std::move(own));
  }
  return all;
}

void replace(std::string& text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

}  // namespace

std::string to_html(const Comparison& comparison,
                    const std::function<std::string(const std::string&)>& picture) {
  std::string page(evaluation::kPage);
  replace(page, "/*RESULTS*/", base::for_script(to_json(comparison)));
  replace(page, "/*PICTURES*/",
          base::for_script(
              pictures(comparison, picture).dump(-1, ' ', false, Json::error_handler_t::replace)));
  return page;
}

}  // namespace osprey
