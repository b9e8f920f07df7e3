// SPDX-License-Identifier: Apache-2.0
#include "sim/rk3588/faults.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace osprey::sim {

namespace {

const std::map<std::string, FaultKind> kKinds = {
    {"timeout", FaultKind::kTimeout},    {"fail", FaultKind::kFail},
    {"hang", FaultKind::kHang},          {"wrong", FaultKind::kWrong},
    {"memory", FaultKind::kMemory},      {"init", FaultKind::kInit},
    {"slow-init", FaultKind::kSlowInit}, {"sharing", FaultKind::kSharing},
};

std::uint64_t number(const std::string& setting, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value <= INT64_MAX) return value;
  throw std::runtime_error("faults: '" + setting + "' needs a whole number");
}

void set(Fault& fault, const std::string& setting) {
  const auto equals = setting.find('=');
  const auto key = setting.substr(0, equals);
  const auto value = number(setting, equals == std::string::npos ? "" : setting.substr(equals + 1));
  if (key == "every" && value > 0) {
    fault.every = value;
  } else if (key == "from") {
    fault.from = value;
  } else if (key == "to") {
    fault.to = value;
  } else if (key == "core" && value < 3) {
    fault.core = static_cast<int>(value);
  } else if (key == "item" && value < 1024) {
    fault.item = static_cast<int>(value);
  } else if (key == "ms" && value < 1'000'000'000) {
    fault.ms = std::chrono::milliseconds(value);
  } else {
    throw std::runtime_error("faults: '" + setting +
                             "' is not valid; expected every=1.., from=, to=, core=0..2, item= or "
                             "ms=");
  }
}

bool strikes(const Fault& fault, std::uint64_t event, std::uint32_t mask) {
  if (event < fault.from || event > fault.to || event % fault.every != 0) return false;
  return fault.kind == FaultKind::kHang || fault.core < 0 || mask == 1u << fault.core;
}

}  // namespace

std::vector<Fault> parse_faults(const std::string& text) {
  std::vector<Fault> faults;
  std::string lines = text;
  std::replace(lines.begin(), lines.end(), ';', '\n');
  std::istringstream all(lines);
  for (std::string line; std::getline(all, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    if (!(words >> name)) continue;
    const auto kind = kKinds.find(name);
    if (kind == kKinds.end()) {
      std::string known;
      for (const auto& [each, ignored] : kKinds) known += (known.empty() ? "" : ", ") + each;
      throw std::runtime_error("faults: '" + name + "' is not known; expected " + known);
    }
    Fault fault{kind->second};
    for (std::string setting; words >> setting;) set(fault, setting);
    if (fault.kind == FaultKind::kHang && fault.core < 0) {
      throw std::runtime_error("faults: hang needs core=0..2");
    }
    faults.push_back(fault);
  }
  return faults;
}

std::vector<Fault> Faults::at_run(std::uint32_t mask) {
  return strike({FaultKind::kTimeout, FaultKind::kFail, FaultKind::kHang, FaultKind::kWrong}, runs_,
                mask);
}

std::vector<Fault> Faults::at_allocation() {
  return strike({FaultKind::kMemory}, allocations_, 0);
}

std::vector<Fault> Faults::at_context() {
  return strike({FaultKind::kInit, FaultKind::kSlowInit}, contexts_, 0);
}

std::vector<Fault> Faults::at_sharing() {
  return strike({FaultKind::kSharing}, sharings_, 0);
}

std::vector<Fault> Faults::strike(std::initializer_list<FaultKind> kinds, std::uint64_t& events,
                                  std::uint32_t mask) {
  const std::lock_guard lock(mutex_);
  look();
  ++events;
  std::vector<Fault> found;
  for (const auto& fault : faults_) {
    if (std::find(kinds.begin(), kinds.end(), fault.kind) == kinds.end()) continue;
    if (strikes(fault, events, mask)) found.push_back(fault);
  }
  return found;
}

void Faults::look() {
  const char* told = std::getenv("OSPREY_SIM_FAULTS");
  std::string text = told == nullptr ? "" : told;
  if (!text.empty() && text.front() == '@') {
    std::error_code none;
    const auto path = text.substr(1);
    const auto changed = std::filesystem::last_write_time(path, none);
    if (!none && changed == changed_) return;
    changed_ = changed;
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    text = all.str();
  }
  if (text == text_) return;
  text_ = text;
  faults_ = parse_faults(text);
}

}  // namespace osprey::sim
