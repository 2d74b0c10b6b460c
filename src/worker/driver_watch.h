#pragma once

#include <sys/types.h>

namespace smallpond {

/// Keeps a worker process from outliving its driver. Made once, in the worker's process, with the
/// worker's end of the socket pair.
///
/// The end of the socket says that the driver is gone, unless a program that the driver forked
/// holds a copy of the other end, or the worker is too busy to read. So the kernel's parent-death
/// signal is asked for as well. That one comes too when only the *thread* that started the worker
/// ends; the handler therefore looks whether the parent has changed.
///
/// In a process that the driver did not start itself (a test, a wrapper that forks) it does nothing
/// but look at the socket.
class DriverWatch {
 public:
  /// Time to remove spill files after the driver is gone, before everything is killed.
  static constexpr unsigned kGraceSeconds = 5;

  explicit DriverWatch(int fd);
  DriverWatch(const DriverWatch&) = delete;
  DriverWatch& operator=(const DriverWatch&) = delete;

  /// Whether the process that made the socket pair is no longer the parent.
  bool DriverIsGone() const;
  /// Kills this process and what it started, after kGraceSeconds at the latest.
  void LimitRemainingTime() const;
  /// Kills them now. Returns only where the driver did not start this process.
  void KillGroup() const;

 private:
  bool started_by_driver_ = false;
};

}  // namespace smallpond
