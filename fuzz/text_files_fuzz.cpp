// SPDX-License-Identifier: Apache-2.0
// Any bytes as each of the text files people write or exports leave beside a model: settings, class
// names, metadata. An answer or an error that names the file, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/scratch_folder.hpp"
#include "engine/metadata_file.hpp"
#include "engine/options.hpp"
#include "model/class_names.hpp"

namespace {

using namespace osprey;
namespace fs = std::filesystem;

/// A folder that goes away with the program.
class Folder {
 public:
  std::string file(const char* name, std::string_view bytes) const {
    const fs::path path = scratch_ / name;
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
    return path.string();
  }

 private:
  base::ScratchFolder scratch_ = base::ScratchFolder::create().value();
};

void must_name(const std::string& path, const Error& error) {
  if (error.message.find(path) == std::string::npos) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  const auto settings = folder.file("settings.yaml", bytes);
  engine::Options options;
  if (const auto read = engine::read_yaml(settings, options); !read) {
    must_name(settings, read.error());
  }

  for (const char* name : {"names.txt", "names.yaml"}) {
    const auto path = folder.file(name, bytes);
    const auto names = model::read_names_file(path);
    if (!names) {
      must_name(path, names.error());
    } else if (names->empty()) {
      abort();
    }
  }

  model::ModelDescription description;
  const auto metadata = folder.file("metadata.yaml", bytes);
  description.path = metadata.substr(0, metadata.rfind('/')) + "/model.xml";
  description.format = "OpenVINO IR";
  if (const auto read = engine::add_metadata_file(description); !read) {
    must_name(metadata, read.error());
  } else if (const auto names = description.metadata.find("names");
             names != description.metadata.end()) {
    (void)model::parse_names(names->second);
  }
  return 0;
}
