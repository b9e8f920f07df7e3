// SPDX-License-Identifier: Apache-2.0
#include "sinks/json_lines.hpp"

#include <utility>

#include "base/atomic_file.hpp"
#include "base/try.hpp"
#include "sinks/frame_line.hpp"

namespace osprey::sinks {

namespace {

class JsonLines final : public Sink {
 public:
  JsonLines(std::vector<std::string> outputs, base::AtomicFile file,
            const std::vector<std::string>& names, const std::vector<std::string>& models)
      : outputs_(std::move(outputs)), file_(std::move(file)), lines_(names, models) {}

  bool wants_pixels() const override { return false; }
  Status begin(const StreamInfo& stream) override {
    lines_.begin(stream);
    return {};
  }
  Status write(const FrameResult& result) override { return file_.write(lines_.line(result)); }
  Status finish() override { return file_.commit(); }
  std::vector<std::string> outputs() const override { return outputs_; }

 private:
  std::vector<std::string> outputs_;
  base::AtomicFile file_;
  FrameLine lines_;
};

}  // namespace

Result<std::unique_ptr<Sink>> create_json_lines(const std::string& path,
                                                const std::vector<std::string>& names,
                                                const std::vector<std::string>& models) {
  base::AtomicFile file = OSPREY_TRY(base::AtomicFile::create(path));
  return std::unique_ptr<Sink>(new JsonLines({path}, std::move(file), names, models));
}

std::unique_ptr<Sink> create_json_lines(int descriptor, const std::vector<std::string>& names,
                                        const std::vector<std::string>& models) {
  base::AtomicFile file =
      base::AtomicFile::direct(base::FileWriter(descriptor, "JSON Lines stream"));
  return std::unique_ptr<Sink>(new JsonLines({}, std::move(file), names, models));
}

}  // namespace osprey::sinks
