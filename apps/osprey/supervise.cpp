// SPDX-License-Identifier: Apache-2.0
#include "supervise.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace osprey::cli {

namespace {

sigset_t interrupt_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

void hold_interrupts() {
  const auto set = interrupt_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that closes our output ends the run with an error about it, not with a silent death.
  signal(SIGPIPE, SIG_IGN);
}

bool interrupt_is_pending() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

Status supervise(engine::DetectRun& run, base::Clock& clock, std::chrono::milliseconds interval,
                 const std::function<void()>& progress) {
  const auto set = interrupt_signals();
  const Descriptor signals(signalfd(-1, &set, SFD_CLOEXEC));
  const Descriptor ended(eventfd(0, EFD_CLOEXEC));
  Status status;
  auto waiter = clock.start_thread("wait", [&] {
    status = run.wait();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(ended.number(), &one, sizeof one);
  });
  int interrupts = 0;
  for (;;) {
    std::array<pollfd, 2> ready{{{ended.number(), POLLIN, 0}, {signals.number(), POLLIN, 0}}};
    poll(ready.data(), ready.size(), static_cast<int>(interval.count()));
    if (ready[0].revents != 0) {
      waiter.reset();
      return status;
    }
    if (ready[1].revents != 0) {
      signalfd_siginfo which;
      [[maybe_unused]] const auto got = read(signals.number(), &which, sizeof which);
      if (++interrupts == 1) {
        run.interrupt();
      } else {
        run.stop_now();
      }
    }
    progress();
  }
}

}  // namespace osprey::cli
