// SPDX-License-Identifier: Apache-2.0
#include "vision/draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "vision/convert.hpp"

namespace osprey::vision {

namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

// Ultralytics' sizes, so that pictures of both can be laid side by side.
struct Pen {
  int line, text_thickness;
  double text_scale;

  static Pen of(const cv::Mat& picture, int line_width) {
    const int line = line_width > 0
                         ? line_width
                         : std::max(cvRound((picture.cols + picture.rows) / 2.0 * 0.003), 2);
    return {line, std::max(line - 1, 1), line / 3.0};
  }
};

// Steps of the golden ratio around the colour circle keep neighbouring numbers far apart.
cv::Scalar color_of(const Detection& detection) {
  const auto index = detection.track_id >= 0 ? static_cast<std::uint32_t>(detection.track_id)
                                             : static_cast<std::uint32_t>(detection.label_id);
  const double hue = std::fmod(index * 0.618033988749895, 1.0) * 6;
  const double saturation = index / 7 % 2 == 0 ? 0.9 : 0.6;
  const double value = index / 14 % 2 == 0 ? 1.0 : 0.75;
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue, 6.0);
    return 255 * value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(1), channel(3), channel(5)};
}

cv::Scalar text_color_on(const cv::Scalar& bgr) {
  const double luma = 0.114 * bgr[0] + 0.587 * bgr[1] + 0.299 * bgr[2];
  return luma > 130 ? cv::Scalar(0, 0, 0) : cv::Scalar(255, 255, 255);
}

// One '?' for each UTF-8 character (or control character) that the font cannot show.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else if ((byte & 0xc0) != 0x80) {  // the bytes after a character's first
      out += '?';
    }
  }
  return out;
}

std::string label_of(const Detection& detection, const std::vector<std::string>& names,
                     bool confidence) {
  const auto id = static_cast<std::size_t>(detection.label_id);
  const bool known = detection.label_id >= 0 && id < names.size() && !names[id].empty();
  std::string label =
      detection.track_id >= 0 ? "id:" + std::to_string(detection.track_id) + " " : "";
  label += known ? printable(names[id]) : std::to_string(detection.label_id);
  if (confidence) {
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), " %.2f", static_cast<double>(detection.confidence));
    label += number.data();
  }
  return label;
}

// The pixels a box covers, inside of the picture; no area if there are none.
cv::Rect pixels_of(const Box& box, const cv::Size& picture) {
  if (!std::isfinite(box.x1 + box.y1 + box.x2 + box.y2)) return {};
  const auto edge = [](float v, int end) {
    return static_cast<int>(std::lround(std::clamp(v, 0.0f, static_cast<float>(end))));
  };
  const cv::Point top_left(edge(box.x1, picture.width), edge(box.y1, picture.height));
  const cv::Point bottom_right(edge(box.x2, picture.width), edge(box.y2, picture.height));
  if (bottom_right.x <= top_left.x || bottom_right.y <= top_left.y) return {};
  return {top_left, bottom_right};
}

// Above the box where there is room, else inside of it at the top.
void draw_label(cv::Mat& picture, const cv::Rect& box, const std::string& label, const Pen& pen,
                const cv::Scalar& color) {
  int below_baseline = 0;
  const cv::Size text =
      cv::getTextSize(label, kFont, pen.text_scale, pen.text_thickness, &below_baseline);
  const cv::Size size(text.width, text.height + below_baseline + pen.text_thickness);
  const int outer_top = box.y - size.height;
  const cv::Point corner(
      std::clamp(box.x, 0, std::max(picture.cols - size.width, 0)),
      std::clamp(outer_top >= 0 ? outer_top : box.y, 0, std::max(picture.rows - size.height, 0)));
  cv::rectangle(picture, cv::Rect(corner, size), color, cv::FILLED);
  cv::putText(picture, label, {corner.x, corner.y + size.height - below_baseline}, kFont,
              pen.text_scale, text_color_on(color), pen.text_thickness, cv::LINE_AA);
}

}  // namespace

Image annotate(const Image& image, std::span<const Detection> detections,
               const std::vector<std::string>& names, const DrawOptions& options) {
  const NewImage copy = copy_as_bgr(image);
  cv::Mat picture(image.height, image.width, CV_8UC3, copy.planes[0]);
  const Pen pen = Pen::of(picture, options.line_width);
  for (const Region& region : options.regions) {
    cv::rectangle(picture, cv::Rect(region.x, region.y, region.width, region.height),
                  {255, 255, 255}, std::max(pen.line / 2, 1));
  }
  for (const Detection& detection : detections) {
    const cv::Rect box = pixels_of(detection.box, picture.size());
    if (!box.empty()) {
      cv::rectangle(picture, box, color_of(detection), pen.line, cv::LINE_AA);
    }
  }
  if (!options.labels) return copy.image;
  for (const Detection& detection : detections) {  // after all boxes: no line crosses a label
    const cv::Rect box = pixels_of(detection.box, picture.size());
    if (!box.empty()) {
      draw_label(picture, box, label_of(detection, names, options.confidence), pen,
                 color_of(detection));
    }
  }
  return copy.image;
}

}  // namespace osprey::vision
