#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

namespace smallpond {

/// The command "sql" with its options.
struct SqlCommand {
  std::string query;
  std::string format;
  std::string output;
  std::vector<std::string> inputs;  // "name=path"
  std::map<std::string, std::string> settings;
  std::vector<std::string> worker_command;
  std::string setup;
  int rows = 40;
  bool explain = false;
};

/// Adds the command, which fills `command` when it is parsed.
void AddSqlCommand(CLI::App& app, SqlCommand& command);

/// Runs the query, and shows or writes its rows. Throws Error.
void RunSql(const SqlCommand& command);

/// Takes the line that tells how far a query is off the terminal.
void ClearProgress();

}  // namespace smallpond
