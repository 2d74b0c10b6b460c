#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// The `smallpond` command, for the native binary and the Python console script alike. Returns the
/// exit status: 0, 1 for an error (its text is on standard error), 2 for a wrong command line, 130
/// after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP. `worker_command` starts a worker of
/// `--executor processes`; empty: `smallpond worker`, found on the PATH. `setup` is SQL that a
/// session runs first.
int RunCommandLine(int argc, const char* const* argv,
                   const std::vector<std::string>& worker_command = {},
                   const std::string& setup = {});

}  // namespace smallpond
