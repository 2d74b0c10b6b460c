#include "session/database_steps.h"

#include <utility>

#include "duckdb_adapter/session_statement.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

bool Runs(Connection& connection, const Statement& statement) {
  try {
    connection.Run(statement.Copy());
    return true;
  } catch (const Error&) {  // A view over a table that is lost, a file that is attached elsewhere.
    return false;
  }
}

}  // namespace

void DatabaseSteps::Add(Statement statement, size_t num_settings) {
  Step step{std::nullopt, CreatedTable(statement), DroppedTable(statement), num_settings};
  if (MakesNoRows(statement)) step.statement = std::move(statement);
  bool matters = step.statement || !step.created.empty() || !step.dropped.empty();
  if (matters) steps_.push_back(std::move(step));
}

void DatabaseSteps::Repeat(Connection& connection, const std::vector<Statement>& prelude) {
  failed_.clear();
  size_t next_setting = 0;
  auto run = [&](const Statement& statement) {
    if (!Runs(connection, statement)) failed_.push_back(statement.Copy());
  };
  for (const Step& step : steps_) {
    for (; next_setting < step.num_settings; ++next_setting) run(prelude[next_setting]);
    if (step.statement) run(*step.statement);
  }
}

void DatabaseSteps::RepeatFailed(Connection& connection) {
  std::erase_if(failed_, [&](const Statement& statement) { return Runs(connection, statement); });
}

std::vector<std::string> DatabaseSteps::Lost(Connection& connection) const {
  std::vector<std::string> tables;
  for (const Step& step : steps_) {
    if (!step.created.empty()) tables.push_back(step.created);
    std::erase(tables, step.dropped);
  }
  std::erase_if(tables, [&](const std::string& name) { return connection.FindTable(name); });
  return tables;
}

}  // namespace smallpond
