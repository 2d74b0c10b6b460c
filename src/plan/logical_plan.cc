#include "plan/logical_plan.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "smallpond/options.h"

namespace smallpond {
namespace {

[[noreturn]] void RefuseRepartition(const std::string& why) {
  throw Error(ErrorKind::kInvalidInput, "repartition: " + why);
}

int FindColumn(const Schema& schema, const std::string& name, const std::string& argument) {
  int position = schema.Find(name);
  if (position >= 0) return position;
  std::vector<std::string> names;
  std::string list;
  for (const auto& column : schema.columns()) {
    names.push_back(column.name);
    list += (list.empty() ? "" : ", ") + column.name;
  }
  std::string nearest = NearestName(name, names);
  RefuseRepartition("" + argument + " names the column '" + name + "', which does not exist. " +
                    (nearest.empty() ? "" : "Did you mean '" + nearest + "'? ") +
                    "The columns are: " + list + ".");
}

bool IsInteger(const std::string& type) {
  static const std::vector<std::string> integers = {"TINYINT", "SMALLINT", "INTEGER",   "BIGINT",
                                                    "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                                                    "UBIGINT", "UHUGEINT"};
  return std::find(integers.begin(), integers.end(), type) != integers.end();
}

std::string DescribeRepartition(const Repartition& repartition, int num_partitions) {
  std::string text = "repartition(" + std::to_string(num_partitions);
  const auto& columns = repartition.input->schema().columns();
  switch (repartition.way) {
    case Repartition::Way::kEven:
      break;
    case Repartition::Way::kRows:
      text += ", by_rows";
      break;
    case Repartition::Way::kHash:
      text += ", hash_by=";
      for (size_t i = 0; i < repartition.columns.size(); ++i) {
        text += (i ? "," : "") + columns[repartition.columns[i]].name;
      }
      break;
    case Repartition::Way::kColumn:
      text += ", by=" + columns[repartition.columns[0]].name;
      break;
  }
  return text + ")";
}

}  // namespace

bool LogicalPlan::ordered() const {
  const auto* query = std::get_if<SqlQuery>(&op_);
  return query && query->ordered;
}

bool LogicalPlan::deterministic() const {
  if (const auto* query = std::get_if<SqlQuery>(&op_)) return query->deterministic;
  const auto* repartition = std::get_if<Repartition>(&op_);
  return !repartition || repartition->input->deterministic();
}

std::vector<PlanRef> LogicalPlan::Inputs() const {
  std::vector<PlanRef> inputs;
  if (const auto* repartition = std::get_if<Repartition>(&op_)) {
    inputs.push_back(repartition->input);
  } else if (const auto* query = std::get_if<SqlQuery>(&op_)) {
    for (const auto& [name, input] : query->inputs) {
      if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
    }
  }
  return inputs;
}

std::string LogicalPlan::Describe() const {
  if (const auto* files = std::get_if<ReadFiles>(&op_)) return files->description;
  if (const auto* arrow = std::get_if<ReadArrow>(&op_)) return arrow->description;
  if (const auto* repartition = std::get_if<Repartition>(&op_)) {
    return DescribeRepartition(*repartition, partitioning_.num_partitions);
  }
  const auto& query = std::get<SqlQuery>(op_);
  return (query.mode == SqlQuery::Mode::kGlobal ? "sql: " : "partial_sql: ") + OneLine(query.text);
}

PlanRef PlanRepartition(const PlanRef& input, int num_partitions,
                        const RepartitionOptions& options) {
  if (num_partitions < 1 || num_partitions > Options::kMaxPartitions) {
    RefuseRepartition("the number of partitions must be 1 to " +
                      std::to_string(Options::kMaxPartitions) + ", not " +
                      std::to_string(num_partitions) + ".");
  }
  int ways = !options.hash_by.empty() + !options.by.empty() + options.by_rows;
  if (ways > 1) RefuseRepartition("give one of hash_by, by and by_rows, not several.");
  Repartition repartition;
  repartition.input = input;
  Partitioning partitioning{num_partitions, "", {}};
  if (!options.hash_by.empty()) {
    repartition.way = Repartition::Way::kHash;
    for (const auto& name : options.hash_by) {
      repartition.columns.push_back(FindColumn(input->schema(), name, "hash_by"));
    }
    partitioning.layout = "hash/" + std::to_string(num_partitions);
  } else if (!options.by.empty()) {
    repartition.way = Repartition::Way::kColumn;
    int position = FindColumn(input->schema(), options.by, "by");
    const Column& column = input->schema().columns()[position];
    if (!IsInteger(column.type)) {
      RefuseRepartition(
          "by names the column '" + column.name + "' of type " + column.type +
          ". It must be an integer, the number of the partition. To spread by its values "
          "use hash_by.");
    }
    repartition.columns.push_back(position);
    partitioning.layout = "by/" + std::to_string(num_partitions);
  } else if (options.by_rows) {
    repartition.way = Repartition::Way::kRows;
  }
  if (num_partitions > 1) partitioning.key_columns = repartition.columns;
  return std::make_shared<LogicalPlan>(std::move(repartition), input->schema(),
                                       std::move(partitioning));
}

}  // namespace smallpond
