// SPDX-License-Identifier: Apache-2.0
// The picture module: OpenCV's imgcodecs behind plain C functions.
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "media/opencv_pictures/pictures_abi.hpp"

#define OSPREY_MODULE_FUNCTION extern "C" __attribute__((visibility("default")))

OSPREY_MODULE_FUNCTION bool osprey_decode_picture(const std::uint8_t* bytes, std::size_t size,
                                                  void* caller, OspreyAllocate allocate,
                                                  OspreyExplain explain) try {
  // OpenCV has no view of constant bytes; imdecode() only reads.
  const cv::Mat file(1, static_cast<int>(size), CV_8UC1, const_cast<std::uint8_t*>(bytes));
  const cv::Mat picture = cv::imdecode(file, cv::IMREAD_COLOR);
  if (picture.empty()) {
    explain(caller, "the picture cannot be decoded");
    return false;
  }
  std::uint8_t* const pixels = allocate(caller, picture.cols, picture.rows);
  if (pixels == nullptr) {
    explain(caller, "no memory for the picture");
    return false;
  }
  picture.copyTo(cv::Mat(picture.rows, picture.cols, CV_8UC3, pixels));
  return true;
} catch (const std::exception& e) {
  explain(caller, e.what());
  return false;
}

OSPREY_MODULE_FUNCTION bool osprey_encode_picture(const std::uint8_t* pixels, int stride, int width,
                                                  int height, const char* suffix, void* caller,
                                                  OspreyTake take, OspreyExplain explain) try {
  const cv::Mat picture(height, width, CV_8UC3, const_cast<std::uint8_t*>(pixels),
                        static_cast<std::size_t>(stride));
  std::vector<std::uint8_t> file;
  if (!cv::imencode(suffix, picture, file)) {
    explain(caller, "the picture cannot be encoded");
    return false;
  }
  take(caller, file.data(), file.size());
  return true;
} catch (const std::exception& e) {
  explain(caller, e.what());
  return false;
}
