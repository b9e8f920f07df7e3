// SPDX-License-Identifier: Apache-2.0
#include "sinks/mot_text.hpp"

#include <fcntl.h>

#include <filesystem>
#include <map>
#include <utility>

#include "base/file_writer.hpp"
#include "base/try.hpp"
#include "sinks/json_text.hpp"
#include "sinks/output_names.hpp"
#include "sinks/staging_folder.hpp"

namespace osprey::sinks {

namespace {

std::string sequence_name(const std::string& uri) {
  auto stem = source_stem(uri);
  return stem == "img1" ? source_stem(std::filesystem::path(uri).parent_path().string()) : stem;
}

class MotText final : public Sink {
 public:
  explicit MotText(StagingFolder files) : files_(std::move(files)) {}

  bool wants_pixels() const override { return false; }

  Status begin(const StreamInfo& stream) override {
    const auto name = names_.take(sequence_name(stream.uri), ".txt");
    base::FileWriter file = OSPREY_TRY(base::FileWriter::open(
        files_.staged(name), O_WRONLY | O_CREAT | O_TRUNC, (files_.folder() / name).string()));
    sequences_.emplace(stream.index, std::move(file));
    return {};
  }

  Status write(const FrameResult& result) override {
    lines_.clear();
    for (const Detection& d : result.detections) {
      if (d.track_id < 0) continue;
      append_json_number(lines_, result.frame->id.sequence + 1);
      field(d.track_id);
      field(d.box.x1);
      field(d.box.y1);
      field(d.box.width());
      field(d.box.height());
      field(d.confidence);
      lines_ += ",-1,-1,-1\n";
    }
    return sequences_.at(result.frame->id.stream).write(lines_);
  }

  Status finish() override {
    for (auto& [stream, file] : sequences_) OSPREY_TRY(file.close());
    return files_.commit();
  }

  std::vector<std::string> outputs() const override { return {files_.folder().string()}; }

 private:
  void field(auto value) {
    lines_ += ',';
    append_json_number(lines_, value);
  }

  StagingFolder files_;
  UniqueNames names_;
  std::map<std::uint32_t, base::FileWriter>
      sequences_;      // after files_: they go before their folder does
  std::string lines_;  // of one frame
};

}  // namespace

Result<std::unique_ptr<Sink>> create_mot_text(const std::string& folder) {
  StagingFolder files = OSPREY_TRY(StagingFolder::create(folder));
  return std::unique_ptr<Sink>(new MotText(std::move(files)));
}

}  // namespace osprey::sinks
