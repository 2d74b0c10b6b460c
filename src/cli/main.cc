#include <filesystem>
#include <system_error>

#include "cli/run.h"

// Its workers are this very program, wherever the PATH leads.
int main(int argc, char** argv) {
  std::error_code error;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  return smallpond::RunCommandLine(argc, argv, {error ? argv[0] : program, "worker"});
}
