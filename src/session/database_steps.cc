#include "session/database_steps.h"

#include <utility>

#include "duckdb_adapter/connection/session_statement.h"
#include "smallpond/error.h"

namespace smallpond {
bool DatabaseSteps::Runs(Database& database, const Step& step) {
  try {
    Connection(database, step.settings).Run(step.statement->Copy());
    return true;
  } catch (const Error&) {  // A view over a table that is lost, a file that is attached elsewhere.
    return false;
  }
}

void DatabaseSteps::Add(Statement statement, SettingsRef settings) {
  Step step{std::nullopt, CreatedTable(statement), DroppedTable(statement), std::move(settings)};
  if (MakesNoRows(statement)) step.statement = std::move(statement);
  bool matters = step.statement || !step.created.empty() || !step.dropped.empty();
  if (matters) steps_.push_back(std::move(step));
}

void DatabaseSteps::Repeat(Database& database) {
  failed_.clear();
  for (size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].statement && !Runs(database, steps_[i])) failed_.push_back(i);
  }
}

void DatabaseSteps::RepeatFailed(Database& database) {
  std::erase_if(failed_, [&](size_t i) { return Runs(database, steps_[i]); });
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
