// SPDX-License-Identifier: Apache-2.0
// Evaluations for people.
#include <osprey/evaluate.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <filesystem>

namespace osprey {

namespace {

constexpr std::size_t kMostClasses = 20;

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

/// "0.403", or a dash where nothing counts.
std::string number(double value) {
  return value < 0 ? "    -" : format("%.3f", value);
}

double share(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : 100. * static_cast<double>(part) / static_cast<double>(all);
}

std::string counted(std::int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string coco_lines(const Evaluation& e) {
  const auto& c = e.coco;
  std::string text =
      "average precision (AP), 0 to 1: how many of what is found is right, over all scores\n";
  text += "  AP        " + number(c.ap) + "   mean of IoU 0.50 to 0.95: COCO's first number\n";
  text += "  at IoU    .50 " + number(e.ap_at_iou[0]) + "   .75 " + number(e.ap_at_iou[5]) +
          "   .85 " + number(e.ap_at_iou[7]) + "   .95 " + number(e.ap_at_iou[9]) + "\n";
  text += "  by size   small " + number(c.ap_small) + "   medium " + number(c.ap_medium) +
          "   large " + number(c.ap_large) + "   (under 32 and 96 pixels squared)\n";
  text += "average recall (AR): how many of the labels are found at all\n";
  text += "  AR        " + number(c.ar_100) + "   of 100 detections a picture; of 1 " +
          number(c.ar_1) + ", of 10 " + number(c.ar_10) + "\n";
  text += "  by size   small " + number(c.ar_small) + "   medium " + number(c.ar_medium) +
          "   large " + number(c.ar_large) + "\n";
  return text;
}

std::string count_lines(const Evaluation& e) {
  std::string text = format("best score  %.3f: precision %.3f, recall %.3f, F1 %.3f (IoU 0.50)\n",
                            e.best.score, e.best.precision, e.best.recall, e.best.f1);
  text += format(
      "counted     from a score of %.3f on: %lld labels, %lld correct (%.0f %%), %lld wrong "
      "(%.0f %%), %lld missed (%.0f %%)\n",
      e.counts.score, static_cast<long long>(e.counts.total),
      static_cast<long long>(e.counts.correct), share(e.counts.correct, e.counts.total),
      static_cast<long long>(e.counts.wrong), share(e.counts.wrong, e.counts.total),
      static_cast<long long>(e.counts.missed), share(e.counts.missed, e.counts.total));
  return text;
}

std::string error_lines(const Evaluation& e) {
  std::string text = "errors, and what AP at IoU 0.50 would gain without them\n";
  for (const auto& kind : e.errors) {
    text += format("  %-15s +%.3f  %lld\n", kind.name.c_str(), kind.cost,
                   static_cast<long long>(kind.count));
  }
  text += format("  %-15s +%.3f\n  %-15s +%.3f\n", "any wrong", e.wrong_cost, "any missed",
                 e.missed_cost);
  return text;
}

std::string class_lines(const Evaluation& e) {
  std::vector<const Evaluation::Class*> shown;
  for (const auto& each : e.classes) {
    if (each.labels > 0 || each.detections > 0) shown.push_back(&each);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const auto* a, const auto* b) { return a->labels > b->labels; });
  const auto left_out = shown.size() > kMostClasses ? shown.size() - kMostClasses : 0;
  shown.resize(shown.size() - left_out);
  std::string text =
      "class                  labels     AP   AP50   small  medium  large   best score   F1\n";
  for (const auto* each : shown) {
    text += format("%-20s %8lld  %5s  %5s   %5s   %5s  %5s        %.3f   %.3f\n",
                   each->name.substr(0, 20).c_str(), static_cast<long long>(each->labels),
                   number(each->ap).c_str(), number(each->ap50).c_str(),
                   number(each->ap_by_size[0]).c_str(), number(each->ap_by_size[1]).c_str(),
                   number(each->ap_by_size[2]).c_str(), each->best.score, each->best.f1);
  }
  if (left_out > 0) text += format("and %zu more with fewer labels\n", left_out);
  return text;
}

std::string speed_line(const Evaluation::Speed& speed) {
  if (speed.fps <= 0) return "";
  return format(
      "speed       %.1f pictures a second, p50 %.1f ms, p95 %.1f ms, %.0f MB at most; %s on %s\n",
      speed.fps, speed.latency_p50_ms, speed.latency_p95_ms, speed.memory_mb, speed.model.c_str(),
      speed.device.c_str());
}

std::string warning_lines(const Evaluation& e) {
  std::string text;
  for (const auto& warning : e.warnings) text += "warning     " + warning + "\n";
  return text;
}

std::string name(const Evaluation& e) {
  return std::filesystem::path(e.detections_file).filename().string();
}

}  // namespace

std::string to_text(const Evaluation& evaluation) {
  const auto& e = evaluation;
  auto text = counted(e.pictures, "picture") + ", " + counted(e.labels, "label") + ", " +
              counted(e.detections, "detection") + "\n\n" + coco_lines(e);
  if (!e.classes.empty()) {
    text +=
        "\n" + count_lines(e) + speed_line(e.speed) + "\n" + error_lines(e) + "\n" + class_lines(e);
  }
  return text + warning_lines(e);
}

std::string to_text(const Comparison& comparison) {
  const auto& all = comparison.evaluations;
  if (all.size() == 1) return to_text(all.front());
  std::string text =
      counted(all[0].pictures, "picture") + ", " + counted(all[0].labels, "label") + "\n\n";
  text +=
      "                                   AP   AP50   AP75  small medium  large     AR  best F1  "
      "at score\n";
  for (const auto& e : all) {
    const auto& c = e.coco;
    text += format("%-30s  %5s  %5s  %5s  %5s  %5s  %5s  %5s    %.3f     %.3f\n",
                   name(e).substr(0, 30).c_str(), number(c.ap).c_str(), number(c.ap50).c_str(),
                   number(c.ap75).c_str(), number(c.ap_small).c_str(), number(c.ap_medium).c_str(),
                   number(c.ap_large).c_str(), number(c.ar_100).c_str(), e.best.f1, e.best.score);
  }
  text += "\n";
  for (std::size_t i = 1; i < all.size(); ++i) {
    text += name(all[0]) + " and " + name(all[i]) + ": " + comparison.differences[i].verdict + "\n";
  }
  for (const auto& e : all) text += warning_lines(e);
  return text;
}

}  // namespace osprey
