// A worker process with a task of our own instead of DuckDB's. A spec is a word and its arguments:
//
//   echo TEXT      report "echo TEXT"
//   pid            report this process's id
//   wait           until it is cancelled
//   wait FILE      until the file exists or it is cancelled
//   deaf           for ever, whatever happens
//   big BYTES      a report of so many bytes
//   exit STATUS    end this process, with a word on standard error
//   crash          end it by a signal
//   close          close the socket and live on
//   meet FOLDER N  leave a file in the folder, and wait until there are N
//   child FILE     start a process that sleeps, write its pid to FILE, then wait
//   throw          break the contract
//
// Set-ups: "" is fine, "refuse TEXT" throws TEXT, "slow" never ends, "die" ends the process.
// `stand_in_worker drive FOLDER SPEC` is a driver of two workers. One runs `child FOLDER/child`,
// the other SPEC; it prints their pids and the child's. `stand_in_worker old` is a worker of
// another version.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include "executor/process_executor.h"
#include "smallpond/error.h"
#include "worker/worker_loop.h"

namespace smallpond {
namespace {

void Doze() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

std::string WaitUntil(const std::function<bool()>& condition, const std::atomic<bool>& cancelled) {
  while (!condition()) {
    if (cancelled) return "was cancelled";
    Doze();
  }
  return "waited";
}

std::string Meet(const std::string& folder_and_count, const std::atomic<bool>& cancelled) {
  static std::atomic<int> counter{0};
  size_t space = folder_and_count.rfind(' ');
  std::string folder = folder_and_count.substr(0, space);
  long count = std::stol(folder_and_count.substr(space + 1));
  std::ofstream(folder + "/" + std::to_string(getpid()) + "-" + std::to_string(++counter)).close();
  return WaitUntil(
      [&] {
        std::filesystem::directory_iterator files(folder);
        return std::distance(begin(files), end(files)) >= count;
      },
      cancelled);
}

void StartChild(const std::string& file) {
  pid_t child = fork();
  if (child == 0) {
    execlp("sleep", "sleep", "1000", static_cast<char*>(nullptr));
    _exit(127);
  }
  std::ofstream(file + ".part") << child;
  std::filesystem::rename(file + ".part", file);
}

std::string RunStandIn(const std::string& spec, const std::atomic<bool>& cancelled) {
  std::string word = spec.substr(0, spec.find(' '));
  std::string rest = spec.size() > word.size() ? spec.substr(word.size() + 1) : "";
  if (word == "echo") return spec;
  if (word == "pid") return std::to_string(getpid());
  if (word == "wait") {
    return WaitUntil([&] { return !rest.empty() && std::filesystem::exists(rest); }, cancelled);
  }
  if (word == "meet") return Meet(rest, cancelled);
  if (word == "big") return std::string(std::stoul(rest), 'x');
  if (word == "throw") throw std::runtime_error("the stand-in threw");
  if (word == "exit") {
    std::fprintf(stderr, "first line\nexit was asked for\n");
    std::fflush(stderr);
    _exit(std::stoi(rest));
  }
  if (word == "crash") std::raise(SIGKILL);
  if (word == "close") shutdown(kWorkerSocket, SHUT_RDWR);
  if (word == "child") {
    StartChild(rest);
    return WaitUntil([] { return false; }, cancelled);
  }
  while (word == "deaf" || word == "close") Doze();
  return "what is '" + spec + "'?";
}

RunTask MakeStandIn(const std::string& setup) {
  if (setup.starts_with("refuse ")) throw Error(ErrorKind::kIo, setup.substr(7));
  if (setup == "die") _exit(4);
  while (setup == "slow") Doze();
  return RunStandIn;
}

int Drive(const std::string& program, const std::string& folder, const std::string& spec) {
  ProcessExecutorOptions options;
  options.command = {program};
  options.num_workers = 2;
  options.log_folder = folder;
  ProcessExecutor executor(options);
  // Once both are there, each gets one of the two.
  std::filesystem::create_directory(folder + "/meet");
  executor.Submit(
      {{{0, 0, 0}, "meet " + folder + "/meet 2"}, {{0, 1, 0}, "meet " + folder + "/meet 2"}});
  for (size_t ended = 0; ended < 2;) ended += executor.Wait(1000).size();
  executor.Submit({{{1, 0, 0}, "child " + folder + "/child"}, {{1, 1, 0}, spec}});
  while (!std::filesystem::exists(folder + "/child")) executor.Wait(10);
  for (pid_t pid : executor.WorkerPids()) std::cout << pid << "\n";
  std::cout << std::ifstream(folder + "/child").rdbuf() << std::endl;
  while (true) executor.Wait(1000);
}

int SayHelloAs(const std::string& version) {
  WorkerMessage hello{WorkerMessage::Kind::kHello, {}, version};
  std::string bytes;
  AppendMessage(hello, bytes);
  if (write(kWorkerSocket, bytes.data(), bytes.size()) < 0) return 1;
  while (read(kWorkerSocket, bytes.data(), bytes.size()) > 0) continue;
  return 0;
}

}  // namespace
}  // namespace smallpond

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "drive") return smallpond::Drive(argv[0], argv[2], argv[3]);
  if (mode == "old") return smallpond::SayHelloAs("0 0.0.1 1");
  return smallpond::RunWorkerLoop(smallpond::kWorkerSocket, smallpond::MakeStandIn);
}
