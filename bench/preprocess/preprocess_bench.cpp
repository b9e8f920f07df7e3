// SPDX-License-Identifier: Apache-2.0
// A decoded picture -> a 640x640 RGB network input: letterbox() against OpenCV's cvtColor, resize
// and copyMakeBorder, both on one thread. Checks the answers before it times: against the plain
// reference sample by sample, against OpenCV's on average.
//
//   preprocess_bench [picture]      exit code: 0, 1 (answers differ), 2 (picture not readable)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "core/letterbox.hpp"
#include "vision/letterbox.hpp"
#include "vision/letterbox_reference.hpp"

namespace {

using osprey::Image;
using osprey::Letterbox;
using osprey::PixelFormat;

constexpr int kInputSize = 640;
constexpr int kRepeats = 200;
constexpr std::uint8_t kPad = 114;
// Levels. OpenCV repeats chroma samples where letterbox() interpolates: the finer the picture's
// colours, the further apart are the two.
constexpr double kMaxErrorToReference = 1.5;
constexpr double kMaxMeanDifference = 2.0;

struct Case {
  const char* name;
  PixelFormat format;
  int width, height;  // even
};

// Soft shading, hard edges and grain, in many colours.
cv::Mat generated_picture() {
  cv::Mat picture(1080, 1920, CV_8UC3);
  cv::RNG random(1);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      const double shade = 128 + 90 * std::sin(x * 0.011) * std::cos(y * 0.017);
      const double tint = 30 * std::sin((x + y) * 0.006);
      picture.at<cv::Vec3b>(y, x) = {cv::saturate_cast<std::uint8_t>(shade + tint),
                                     cv::saturate_cast<std::uint8_t>(shade),
                                     cv::saturate_cast<std::uint8_t>(shade - tint)};
    }
  }
  for (int i = 0; i < 300; ++i) {
    const cv::Rect box(random.uniform(0, 1800), random.uniform(0, 1000), random.uniform(8, 200),
                       random.uniform(8, 200));
    const double gray = random.uniform(30, 226);
    const cv::Scalar color(gray + random.uniform(-30, 31), gray + random.uniform(-30, 31),
                           gray + random.uniform(-30, 31));
    cv::rectangle(picture, box, color, i % 2 == 0 ? cv::FILLED : 3, cv::LINE_AA);
  }
  cv::GaussianBlur(picture, picture, {5, 5}, 1.2);  // a lens
  cv::Mat grain(picture.size(), CV_16SC1), noisy;
  random.fill(grain, cv::RNG::NORMAL, 0, 3);
  cv::merge(std::vector<cv::Mat>(3, grain), grain);
  cv::add(picture, grain, noisy, cv::noArray(), CV_8U);
  return noisy;
}

// I420 or NV12 in one block, as OpenCV's conversions take them.
cv::Mat yuv_of(const cv::Mat& picture, const Case& c) {
  cv::Mat scaled, i420;
  cv::resize(picture, scaled, {c.width, c.height}, 0, 0, cv::INTER_AREA);
  cv::cvtColor(scaled, i420, cv::COLOR_BGR2YUV_I420);
  if (c.format == PixelFormat::kI420) return i420;
  cv::Mat nv12 = i420.clone();
  const int luma = c.width * c.height;
  for (int i = 0; i < luma / 4; ++i) {
    nv12.data[luma + 2 * i] = i420.data[luma + i];
    nv12.data[luma + 2 * i + 1] = i420.data[luma + luma / 4 + i];
  }
  return nv12;
}

Image image_of(const cv::Mat& yuv, const Case& c) {
  const std::uint8_t* chroma = yuv.data + static_cast<std::ptrdiff_t>(c.width) * c.height;
  Image image{.format = c.format, .width = c.width, .height = c.height};
  image.planes[0] = {yuv.data, c.width};
  if (c.format == PixelFormat::kNv12) {
    image.planes[1] = {chroma, c.width};
  } else {
    image.planes[1] = {chroma, c.width / 2};
    image.planes[2] = {chroma + c.width * c.height / 4, c.width / 2};
  }
  return image;
}

template <typename Function>
double milliseconds(const Function& function) {
  const auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double largest_error(const cv::Mat& got, const Image& image, const Letterbox& box) {
  const std::vector<double> expected =
      osprey::vision::letterbox_reference(image, box, osprey::vision::PackedOrder::kRgb, kPad);
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(got.data[i] - expected[i]));
  }
  return largest;
}

// Prints one line; false if the answers differ.
bool compare(const cv::Mat& picture, const Case& c) {
  const cv::Mat yuv = yuv_of(picture, c);
  const Image image = image_of(yuv, c);
  const Letterbox box = Letterbox::fit({0, 0, c.width, c.height}, kInputSize, kInputSize,
                                       osprey::LetterboxAlign::kCenter);
  const int code = c.format == PixelFormat::kNv12 ? cv::COLOR_YUV2RGB_NV12 : cv::COLOR_YUV2RGB_I420;

  cv::Mat rgb, scaled, expected;
  const auto opencv = [&] {
    cv::cvtColor(yuv, rgb, code);
    cv::resize(rgb, scaled, {box.width, box.height}, 0, 0, cv::INTER_LINEAR);
    cv::copyMakeBorder(scaled, expected, box.y, kInputSize - box.y - box.height, box.x,
                       kInputSize - box.x - box.width, cv::BORDER_CONSTANT, cv::Scalar::all(kPad));
  };
  cv::Mat got(kInputSize, kInputSize, CV_8UC3);
  osprey::vision::LetterboxScratch scratch;
  const auto osprey = [&] {
    osprey::vision::letterbox(image, box, osprey::vision::PackedOrder::kRgb, kPad, got.data,
                              scratch);
  };

  opencv();
  osprey();
  const double difference =
      cv::norm(got, expected, cv::NORM_L1) / (static_cast<double>(box.width) * box.height * 3);
  const double error = largest_error(got, image, box);
  if (error > kMaxErrorToReference || difference > kMaxMeanDifference) {
    std::printf(
        "%-15s WRONG: error to the reference %.2f (at most %.2f), mean difference to opencv "
        "%.3f (at most %.3f)\n",
        c.name, error, kMaxErrorToReference, difference, kMaxMeanDifference);
    return false;
  }
  std::vector<double> opencv_times, osprey_times;
  for (int i = 0; i < kRepeats; ++i) {
    opencv_times.push_back(milliseconds(opencv));
    osprey_times.push_back(milliseconds(osprey));
  }
  const double theirs = median(opencv_times), ours = median(osprey_times);
  std::printf(
      "%-15s error %.2f, mean difference %.3f | opencv %.3f ms | osprey %.3f ms | %.2f times as "
      "fast\n",
      c.name, error, difference, theirs, ours, theirs / ours);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);
  const cv::Mat picture = argc > 1 ? cv::imread(argv[1]) : generated_picture();
  if (picture.empty()) {
    std::fprintf(stderr, "%s: not a readable picture\n", argv[1]);
    return 2;
  }
  constexpr Case kCases[] = {{"1920x1080 I420", PixelFormat::kI420, 1920, 1080},
                             {"1920x1080 NV12", PixelFormat::kNv12, 1920, 1080},
                             {"768x576 I420", PixelFormat::kI420, 768, 576},
                             {"3840x2160 I420", PixelFormat::kI420, 3840, 2160}};
  bool all_same = true;
  for (const Case& c : kCases) all_same = compare(picture, c) && all_same;
  return all_same ? 0 : 1;
}
