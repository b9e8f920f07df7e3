// SPDX-License-Identifier: Apache-2.0
// Evaluations for programs.
#include <osprey/evaluate.hpp>

#include <nlohmann/json.hpp>

namespace osprey {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Evaluation::Operation& at) {
  return {{"score", at.score}, {"precision", at.precision}, {"recall", at.recall}, {"f1", at.f1}};
}

Json json_of(const Evaluation::Coco& c) {
  return {{"ap", c.ap},
          {"ap50", c.ap50},
          {"ap75", c.ap75},
          {"ap_small", c.ap_small},
          {"ap_medium", c.ap_medium},
          {"ap_large", c.ap_large},
          {"ar_1", c.ar_1},
          {"ar_10", c.ar_10},
          {"ar_100", c.ar_100},
          {"ar_small", c.ar_small},
          {"ar_medium", c.ar_medium},
          {"ar_large", c.ar_large}};
}

Json json_of(const Evaluation::Class& each) {
  return {{"id", each.id},
          {"name", each.name},
          {"labels", each.labels},
          {"detections", each.detections},
          {"ap", each.ap},
          {"ap50", each.ap50},
          {"ap75", each.ap75},
          {"ap_small", each.ap_by_size[0]},
          {"ap_medium", each.ap_by_size[1]},
          {"ap_large", each.ap_by_size[2]},
          {"best", json_of(each.best)},
          {"precision", each.precision}};
}

Json json_of(const Evaluation& e) {
  Json json = {
      {"data", e.data},     {"detections_file", e.detections_file}, {"pictures", e.pictures},
      {"labels", e.labels}, {"detections", e.detections},           {"coco", json_of(e.coco)}};
  for (std::size_t i = 0; i < e.ap_at_iou.size(); ++i) {
    json["ap_at_iou"]["map" + std::to_string(50 + 5 * i)] = e.ap_at_iou[i];
  }
  json["best"] = json_of(e.best);
  json["counts"] = {{"score", e.counts.score},
                    {"total", e.counts.total},
                    {"correct", e.counts.correct},
                    {"wrong", e.counts.wrong},
                    {"missed", e.counts.missed}};
  for (const auto& kind : e.errors) {
    json["errors"][kind.name] = {{"count", kind.count}, {"cost", kind.cost}};
  }
  json["wrong_cost"] = e.wrong_cost;
  json["missed_cost"] = e.missed_cost;
  json["classes"] = Json::array();
  for (const auto& each : e.classes) json["classes"].push_back(json_of(each));
  json["curve"] = Json::array();
  for (const auto& at : e.curve) json["curve"].push_back(json_of(at));
  json["confusion"] = e.confusion;
  json["worst"] = Json::array();
  for (const auto& picture : e.worst) {
    json["worst"].push_back({{"file_name", picture.file_name},
                             {"id", picture.id},
                             {"labels", picture.labels},
                             {"correct", picture.correct},
                             {"wrong", picture.wrong},
                             {"missed", picture.missed}});
  }
  if (e.speed.fps > 0) {
    json["speed"] = {{"model", e.speed.model},
                     {"device", e.speed.device},
                     {"fps", e.speed.fps},
                     {"latency_p50_ms", e.speed.latency_p50_ms},
                     {"latency_p95_ms", e.speed.latency_p95_ms},
                     {"memory_mb", e.speed.memory_mb}};
  }
  json["warnings"] = e.warnings;
  return json;
}

std::string text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json(const Evaluation& evaluation) {
  return text(json_of(evaluation));
}

std::string to_json(const Comparison& comparison) {
  Json json;
  json["evaluations"] = Json::array();
  for (const auto& each : comparison.evaluations) json["evaluations"].push_back(json_of(each));
  json["differences"] = Json::array();
  for (const auto& each : comparison.differences) {
    json["differences"].push_back({{"ap", each.ap},
                                   {"lowest", each.lowest},
                                   {"highest", each.highest},
                                   {"verdict", each.verdict}});
  }
  return text(json);
}

}  // namespace osprey
