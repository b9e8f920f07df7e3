// SPDX-License-Identifier: Apache-2.0
// Any bytes as an outbox's file, or changes to a good one: it opens, or a new one is begun, or it
// says why not; events go in and come out.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/scratch_folder.hpp"
#include "outbox/outbox.hpp"

namespace {

using namespace osprey;
namespace fs = std::filesystem;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::size_t kLarge = 1'000'000;  ///< four are beyond the outbox's limit

outbox::NewEvent event_of(const std::string& camera, std::size_t bytes = 200) {
  outbox::NewEvent event;
  event.json = R"({"filler":")" + std::string(bytes, 'x') + R"("})";
  event.type = "new";
  event.camera = camera;
  event.zones = {"drive"};
  event.picture = "JPEG";
  return event;
}

/// Where nothing waits for a disk, if there is such a place.
std::string folder() {
  if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
  static const auto scratch = base::ScratchFolder::create().value();
  return scratch.path().string();
}

outbox::OutboxOptions options_of(const std::string& path) {
  outbox::OutboxOptions options;
  options.path = path;
  options.limit_bytes = outbox::kLeastLimit;
  options.boot = "1";
  return options;
}

base::RealClock& the_clock() {
  static base::RealClock clock;
  return clock;
}

std::string good_file(bool nearly_full) {
  const std::string path = folder() + (nearly_full ? "/nearly_full.db" : "/good.db");
  {
    const auto outbox = outbox::Outbox::open(options_of(path), the_clock()).value();
    require(outbox->add_consumer({"a", outbox::Begin::kAtEnd, true}).ok());
    for (int i = 0; i < 40; ++i) require(outbox->append(event_of("door")).ok());
    for (int i = 0; nearly_full && i < 3; ++i) {
      require(outbox->append(event_of("door", kLarge)).ok());
    }
    require(outbox->delivered("a", 10).ok());
    require(outbox->refused("a", 11, "no").ok());
  }
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void use(outbox::Outbox& outbox, bool fill) {
  require(outbox.add_consumer({"a", outbox::Begin::kAtBeginning, true}).ok());
  const auto events = outbox.next("a", 100);
  require(events.ok());
  for (const auto& event : *events) require(event.json.starts_with(R"({"key":")"));
  for (std::size_t i = 1; i < events->size(); ++i) {
    require((*events)[i].number == (*events)[i - 1].number + 1);
  }
  require(outbox.append(event_of("yard")).ok());
  if (fill) require(outbox.append(event_of("yard", kLarge)).ok());
  require(outbox.status().bytes <= outbox::kLeastLimit);
  outbox::HistoryQuery query;
  query.zone = "drive";
  require(outbox.history(query).ok());
  require(outbox.refused(100).ok());
  require(outbox.delivered("a", outbox.status().newest).ok());
  require(outbox.next("a", 100).value().empty());
  require(outbox.status("a").value().waiting == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string good = good_file(false), nearly_full = good_file(true);
  static const std::string path = folder() + "/outbox.db";
  const bool fill = size > 0 && data[0] % 8 == 4;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0 && data[0] % 2 == 0) {
    bytes = fill ? nearly_full : good;
    // A place and what is there now, again and again. 16 bits do not reach the file's end, so they
    // count pairs of bytes, and the first byte says which of the two.
    for (std::size_t at = 1; at + 3 <= size; at += 3) {
      const std::size_t place =
          ((256U * data[at] + data[at + 1]) * 2 + data[0] / 8 % 2) % bytes.size();
      bytes[place] = static_cast<char>(data[at + 2]);
    }
  }
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().filename().string().starts_with("outbox.db")) fs::remove(entry.path());
  }
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  const auto outbox = outbox::Outbox::open(options_of(path), the_clock());
  if (outbox.ok()) {
    use(**outbox, fill);
  } else {
    require(outbox.error().message.find(path) != std::string::npos);
    // Another program's, or another version's.
    require(outbox.error().code == ErrorCode::kInvalidArgument ||
            outbox.error().code == ErrorCode::kUnsupported);
    require(!fs::exists(path + ".damaged-1"));
  }
  return 0;
}
