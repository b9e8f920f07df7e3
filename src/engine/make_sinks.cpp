// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/try.hpp"
#include "engine/detect_run.hpp"
#include "model/class_names.hpp"
#include "sinks/annotated.hpp"
#include "sinks/coco_results.hpp"
#include "sinks/json_lines.hpp"
#include "sinks/mot_text.hpp"
#include "sinks/yolo_text.hpp"

namespace osprey::engine {

namespace {

Result<std::unique_ptr<sinks::Sink>> make_coco(const Options& options,
                                               const std::vector<std::string>& names) {
  sinks::CocoResultsOptions coco;
  coco.names = names;
  if (!options.coco_gt.empty()) {
    coco.ground_truth = OSPREY_TRY(sinks::read_coco_ground_truth(options.coco_gt));
  } else if (names == model::coco80_names()) {
    for (int id = 0; id < static_cast<int>(names.size()); ++id) {
      coco.category_ids.push_back(model::coco91_id(id));
    }
  }
  if (options.coco == "-") return sinks::create_coco_results(STDOUT_FILENO, std::move(coco));
  return sinks::create_coco_results(options.coco, std::move(coco));
}

}  // namespace

Result<std::unique_ptr<sinks::SinkSet>> make_sinks(const Options& options,
                                                   const RunModels& models) {
  const auto& names = models.labels.names;
  const auto model_names = models.names_in_results();
  auto set = std::make_unique<sinks::SinkSet>();
  if (options.json == "-") {
    set->add("json", sinks::create_json_lines(STDOUT_FILENO, names, model_names));
  } else if (!options.json.empty()) {
    set->add("json", OSPREY_TRY(sinks::create_json_lines(options.json, names, model_names)));
  }
  if (!options.coco.empty()) set->add("coco", OSPREY_TRY(make_coco(options, names)));
  if (options.save_txt) {
    set->add("save_txt", OSPREY_TRY(sinks::create_yolo_text(options.output, options.save_conf)));
  }
  if (!options.save_mot.empty())
    set->add("save_mot", OSPREY_TRY(sinks::create_mot_text(options.save_mot)));
  if (options.save) {
    const sinks::AnnotatedOptions drawing{options.line_width, !options.hide_labels,
                                          !options.hide_conf};
    set->add("save", OSPREY_TRY(sinks::create_annotated(options.output, names, drawing)));
  }
  return set;
}

}  // namespace osprey::engine
