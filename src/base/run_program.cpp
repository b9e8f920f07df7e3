// SPDX-License-Identifier: Apache-2.0
#include "base/run_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>
#include <thread>

extern char** environ;

namespace osprey::base {

namespace {

/// What a child is given besides its arguments.
class Surroundings {
 public:
  Surroundings(const std::string& folder, const std::string& log) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files_, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&files_, 1, 2);
    posix_spawn_file_actions_addchdir_np(&files_, folder.c_str());
    posix_spawnattr_init(&attributes_);
    // A group of its own, which one signal ends, and no signals held back.
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Surroundings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<int> run_program(const std::vector<std::string>& arguments, const std::string& folder,
                        const std::string& log, const std::function<bool()>& go_on) {
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  pointers.reserve(copies.size() + 1);
  for (auto& one : copies) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  const Surroundings surroundings(folder, log);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, pointers[0], surroundings.files(),
                                  surroundings.attributes(), pointers.data(), environ);
  if (failed != 0) {
    return Error{ErrorCode::kNotFound,
                 arguments[0] + ": cannot be started: " + std::strerror(failed)};
  }
  int status = 0;
  bool ended_here = false;
  while (waitpid(child, &status, ended_here ? 0 : WNOHANG) == 0) {
    if (!ended_here && !go_on()) {
      kill(-child, SIGKILL);
      ended_here = true;
      continue;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (ended_here) return Error{ErrorCode::kCancelled, "interrupted"};
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace osprey::base
