#include "worker/driver_watch.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

namespace smallpond {
namespace {

volatile sig_atomic_t driver_pid = 0;  // For the handler.

void OnParentDeath(int) {
  if (getppid() != driver_pid) alarm(DriverWatch::kGraceSeconds);
}

// The group holds this process and what functions of the user started.
void OnAlarm(int) { kill(0, SIGKILL); }

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

DriverWatch::DriverWatch(int fd) {
  // The socket pair knows who made it, so there is no moment in which a parent that has died
  // already is taken for the driver.
  ucred maker = {};
  socklen_t size = sizeof(maker);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &size) != 0) return;
  started_by_driver_ = maker.pid == getppid() && getpgrp() == getpid();
  if (!started_by_driver_) return;
  driver_pid = maker.pid;
  Handle(SIGALRM, OnAlarm);
  Handle(SIGRTMIN, OnParentDeath);
  // The driver decides what Ctrl-C means, wherever it was sent.
  Handle(SIGINT, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGRTMIN);
}

bool DriverWatch::DriverIsGone() const { return started_by_driver_ && getppid() != driver_pid; }

void DriverWatch::LimitRemainingTime() const {
  if (started_by_driver_) alarm(kGraceSeconds);
}

void DriverWatch::KillGroup() const {
  if (started_by_driver_) kill(0, SIGKILL);
}

}  // namespace smallpond
