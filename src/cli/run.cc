#include "cli/run.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "cli/query_signals.h"
#include "cli/sql_command.h"
#include "smallpond/smallpond.h"
#include "worker/make_worker.h"
#include "worker/worker_loop.h"

namespace smallpond {
namespace {

constexpr int kExitSignalled = 128;  // And the signal's number, as a shell reports it.

}  // namespace

int RunCommandLine(int argc, const char* const* argv,
                   const std::vector<std::string>& worker_command, const std::string& setup) {
  CLI::App app("DuckDB SQL over files, on this machine.", "smallpond");
  app.set_version_flag("--version",
                       std::string("smallpond ") + Version() + " (DuckDB " + DuckDBVersion() + ")");
  app.require_subcommand(0, 1);  // With 1, a mistyped command is not named.
  SqlCommand command;
  command.worker_command = worker_command;
  command.setup = setup;
  AddSqlCommand(app, command);
  // What the binary starts itself; an empty group keeps it out of the help.
  auto* worker = app.add_subcommand("worker", "")->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (worker->parsed()) return RunWorkerLoop(kWorkerSocket, MakeWorker);
  if (app.get_subcommands().empty()) {
    std::cerr << "A subcommand is required.\n\n" << app.help();
    return 2;
  }
  SignalsEndQuery signals;
  int status = 0;
  try {
    RunSql(command);
  } catch (const Error& error) {
    ClearProgress();
    std::cerr << "smallpond: " << error.what() << "\n";
    status = error.kind() == ErrorKind::kCancelled ? kExitSignalled + StoppingSignal() : 1;
  }
  return status;
}

}  // namespace smallpond
