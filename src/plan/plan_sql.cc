#include "plan/plan_sql.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/checks.h"
#include "base/nearest_name.h"
#include "duckdb_adapter/connection/absolute_paths.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "storage/files/paths.h"

namespace smallpond {
namespace {

bool EqualIgnoringCase(const std::string& left, const std::string& right) {
  return std::equal(
      left.begin(), left.end(), right.begin(), right.end(),
      [](unsigned char l, unsigned char r) { return std::tolower(l) == std::tolower(r); });
}

// Finds what the table names of one query stand for.
class NameResolver {
 public:
  NameResolver(Connection& connection, const PlanSqlInputs& inputs)
      : connection_(connection), inputs_(inputs) {}

  std::map<std::string, PlanRef> Resolve(const std::vector<std::string>& names) {
    std::map<std::string, PlanRef> resolved;
    for (const auto& name : names) {
      if (resolved.count(name)) continue;
      if (auto plan = Find(name)) resolved[name] = *plan;
    }
    return resolved;
  }

  /// Names that stand for tables of the session.
  const std::map<std::string, TableLocation>& session_tables() const { return session_tables_; }
  /// Names that only DuckDB may know, such as 'file.parquet'.
  const std::vector<std::string>& unresolved() const { return unresolved_; }

 private:
  std::optional<PlanRef> Find(const std::string& name) {
    std::string inner = name;
    if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
      inner = name.substr(1, name.size() - 2);
      if (std::all_of(inner.begin(), inner.end(),
                      [](unsigned char c) { return std::isdigit(c) != 0; })) {
        return Positional(inner);
      }
    }
    for (const auto& [given, plan] : inputs_.named) {
      if (EqualIgnoringCase(given, inner)) return plan;
    }
    if (auto location = connection_.FindTable(name)) {
      session_tables_[name] = *location;
      return std::nullopt;
    }
    if (inputs_.resolve) {
      if (auto plan = inputs_.resolve(name)) return plan;
    }
    unresolved_.push_back(name);
    return std::nullopt;
  }

  PlanRef Positional(const std::string& digits) const {
    size_t index = digits.size() > 6 ? inputs_.positional.size() : std::stoul(digits);
    if (index >= inputs_.positional.size()) {
      ThrowInvalid("The query refers to {" + digits + "}, but " +
                   std::to_string(inputs_.positional.size()) +
                   " positional inputs were given. The first one is {0}.");
    }
    return inputs_.positional[index];
  }

  Connection& connection_;
  const PlanSqlInputs& inputs_;
  std::map<std::string, TableLocation> session_tables_;
  std::vector<std::string> unresolved_;
};

std::set<std::string> NamesOf(const std::map<std::string, PlanRef>& plans) {
  std::set<std::string> names;
  for (const auto& [name, plan] : plans) names.insert(name);
  return names;
}

int CommonPartitions(const SqlQuery& query) {
  int common = 1;
  std::string first;
  for (const auto& [name, input] : query.inputs) {
    int n = input->partitioning().num_partitions;
    if (n == 1) continue;
    if (common != 1 && n != common) {
      ThrowInvalid("merge=\"concat\" runs the query on partition i of every input, but " + first +
                   " has " + std::to_string(common) + " partitions and " + name + " has " +
                   std::to_string(n) + ". Repartition one of them, or leave merge out.");
    }
    common = n;
    first = name;
  }
  return common;
}

// The tables that a query could have meant, those of the session and of the caller.
std::vector<std::string> NamesInReach(Connection& connection, const PlanSqlInputs& inputs) {
  std::set<std::string> given = NamesOf(inputs.named);
  std::vector<std::string> names(given.begin(), given.end());
  if (inputs.in_reach) {
    for (auto& name : inputs.in_reach()) names.push_back(std::move(name));
  }
  auto tables = Statement::Parse(
      "SELECT table_name, 1 FROM duckdb_tables() WHERE NOT internal UNION ALL "
      "SELECT view_name, 1 FROM duckdb_views() WHERE NOT internal");
  for (const auto& [name, one] : connection.QueryCounts(std::move(tables))) names.push_back(name);
  return names;
}

// Tells a reader of "Table with name users does not exist" which table is near, and how to give
// one. DuckDB itself names the nearest of its own system tables.
[[noreturn]] void ThrowWithAdvice(Connection& connection, const Error& error,
                                  const PlanSqlInputs& inputs,
                                  const std::vector<std::string>& unresolved) {
  std::string message = error.what();
  for (const auto& name : unresolved) {
    const std::string missing = "Table with name " + name + " does not exist";
    size_t begin = message.find(missing);
    if (begin == std::string::npos) continue;
    size_t end = begin + missing.size();
    size_t line = std::min(message.size(), message.find("\n\nLINE ", end));
    std::string nearest = NearestName(name, NamesInReach(connection, inputs));
    std::string advice = nearest.empty()
                             ? "No frame of that name is in reach. Give it as an input: "
                               "sql(…, " +
                                   name + "=frame)."
                             : "Did you mean '" + nearest + "'?";
    throw Error(error.kind(), message.substr(0, end) + ". " + advice + message.substr(line));
  }
  throw error;
}

Statement ParseWithInputs(Connection& connection, const std::string& text,
                          const PlanSqlInputs& inputs) {
  std::set<std::string> given = NamesOf(inputs.named);
  std::vector<std::string> named(given.begin(), given.end());
  try {
    return connection.ParseQuery(QuotePlaceholders(text, named));
  } catch (const Error& error) {
    std::string advice =
        error.kind() == ErrorKind::kInvalidInput ? PlaceholderAdvice(text, named) : std::string();
    if (advice.empty()) throw;
    throw Error(error.kind(), std::string(error.what()) + "\n" + advice);
  }
}

PartitionFacts Analyze(Connection& connection, const SqlQuery& query, const PlanSqlInputs& inputs) {
  if (query.query.NeedsPreparation()) {
    PartitionFacts facts;
    facts.schema = inputs.bind_on_data(query);
    facts.per_partition = false;
    facts.reason = "PIVOT without an IN list";
    return facts;
  }
  std::map<std::string, QueryInput> shapes;
  for (const auto& [name, input] : query.inputs)
    shapes[name] = {input->schema(), input->partitioning(), input->ordered(),
                    input->deterministic()};
  return AnalyzePartitions(connection, query.query, shapes, inputs.measures_files);
}

}  // namespace

namespace {

PlanRef BindSql(Connection& connection, const std::string& text, const PlanSqlInputs& inputs,
                SqlQuery::Mode mode) {
  SqlQuery query{ParseWithInputs(connection, text, inputs)};
  query.text = text;
  query.mode = mode;
  query.query.BindParameters(inputs.params, inputs.named_params);
  NameResolver resolver(connection, inputs);
  query.inputs = resolver.Resolve(query.query.FreeTableNames());
  query.query.LocateTables(resolver.session_tables());
  MakePathsAbsolute(connection, query.query, CurrentFolder(), NamesOf(query.inputs));
  PartitionFacts facts;
  try {
    auto analyze = [&] { facts = Analyze(connection, query, inputs); };
    inputs.run_long ? inputs.run_long(analyze) : analyze();
  } catch (const Error& error) {
    ThrowWithAdvice(connection, error, inputs, resolver.unresolved());
  }
  bool reads_partitions = std::any_of(
      query.inputs.begin(), query.inputs.end(),
      [](const auto& input) { return input.second->partitioning().num_partitions > 1; });
  query.per_partition = facts.per_partition;
  query.deterministic = facts.deterministic;
  query.ordered = facts.ordered;
  query.reads_elsewhere = facts.reads_elsewhere;
  query.file_bytes = facts.file_bytes;
  if (!facts.per_partition && reads_partitions) query.merged_because = facts.reason;
  Partitioning partitioning;
  if (mode == SqlQuery::Mode::kPartial && facts.per_partition) partitioning = facts.result;
  if (mode == SqlQuery::Mode::kConcatenated) {
    if (facts.per_partition) partitioning = facts.result;
    partitioning.num_partitions = CommonPartitions(query);
    if (partitioning.num_partitions > 1 && query.query.NeedsPreparation()) {
      throw Error(
          ErrorKind::kUnsupported,
          "PIVOT without an IN list gives other columns on each partition, which "
          "merge=\"concat\" can't put together. Name them: PIVOT … ON column IN ('a', 'b').");
    }
  }
  return std::make_shared<LogicalPlan>(std::move(query), std::move(facts.schema),
                                       std::move(partitioning));
}

}  // namespace

PlanRef PlanSql(Connection& connection, const std::string& text, const PlanSqlInputs& inputs,
                SqlQuery::Mode mode) {
  try {
    return BindSql(connection, text, inputs, mode);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    throw Error(error.kind(), WithQuery(error.what(), text));
  }
}

std::map<std::string, PlanRef> ResolveTables(
    Connection& connection, Statement& statement, const PlanSqlInputs& inputs,
    const std::function<Statement(const PlanRef&)>& lower) {
  auto plans = NameResolver(connection, inputs).Resolve(statement.FreeTableNames());
  MakePathsAbsolute(connection, statement, CurrentFolder(), NamesOf(plans));
  statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    auto plan = plans.find(name);
    if (plan == plans.end()) return std::nullopt;
    return lower(plan->second);
  });
  return plans;
}

}  // namespace smallpond
