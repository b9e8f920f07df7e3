// SPDX-License-Identifier: Apache-2.0
// Detection in single pictures.
#pragma once

#include <osprey/detection.hpp>
#include <osprey/export.hpp>
#include <osprey/image.hpp>
#include <osprey/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace osprey {

struct DetectorOptions {
  std::string model;                 ///< .onnx, .xml (OpenVINO IR) or .tflite
  std::string names;                 ///< names file; empty: the model's own, else COCO's
  std::string head;                  ///< how to read the outputs; empty: found from the model
  float conf = 0.25f;                ///< least confidence, 0..1
  float iou = 0.45f;                 ///< overlap above which the weaker box is dropped, 0..1
  int max_det = 300;                 ///< most detections a picture, 1..100000
  std::vector<std::string> classes;  ///< names or numbers kept; empty: all
  bool agnostic_nms = false;         ///< boxes suppress those of other classes too
  int threads = 0;                   ///< CPU threads, 0..1024; 0: every core

  /// How pictures too large for the network are cut: "640" or "640x384" (tiles of so many pixels),
  /// "2x3" (rows and columns), "auto"; empty: not at all.
  std::string tiles;
  /// What neighbouring tiles share at least, 0..0.9 of a tile; below 0: the plan's own.
  float overlap = -1;
  int min_object = 16;      ///< with "auto": least side of an object to be found, pixels
  bool with_frame = false;  ///< look at the whole picture too, for large objects
  std::string merge;        ///< how boxes of several tiles become one; empty: "fragments"
};

/// A model that finds objects in one picture at a time, as fast as one can be had.
///
///     auto detector = osprey::Detector::create({.model = "yolov8n.onnx"});
///     if (!detector) { std::cerr << detector.error().message << '\n'; return 2; }
///     auto picture = osprey::read_image("bus.jpg");
///     for (const auto& d : *detector->detect(*picture)) { ... }
///
/// Threads: one at a time. For streams, and for several pictures at once, use Pipeline.
class OSPREY_API Detector {
 public:
  /// Reads and compiles the model. Errors name the file or option and what was expected.
  static Result<Detector> create(const DetectorOptions& options);

  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  /// Detections by falling confidence, in pixels of `image`. Cost: an inference on all threads for
  /// each tile.
  Result<std::vector<Detection>> detect(const Image& image);

  /// Class names by label_id.
  const std::vector<std::string>& names() const;

 private:
  struct State;
  explicit Detector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Decodes a picture file (JPEG, PNG, ...) to kBgr24, turned upright as its EXIF tag says.
OSPREY_API Result<Image> read_image(const std::string& path);

}  // namespace osprey
