#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "action/plan_run.h"
#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/logical_plan.h"
#include "plan/partition_sql.h"
#include "plan/plan_sql.h"

namespace smallpond {

/// Plans queries over partitioned tables, and checks what the plan claims by running the query on
/// every partition and over all rows.
class PartitionOracle {
 public:
  PartitionOracle() : database_({512'000'000, 2, ""}), connection_(database_) {}

  /// Defines the table `name` by a query; later queries find it.
  void Define(const std::string& name, const std::string& query) {
    Statement statement = Statement::ParseQuery(query);
    Schema schema = connection_.Bind(statement);
    tables_[name] = std::make_shared<LogicalPlan>(SqlQuery(std::move(statement)), std::move(schema),
                                                  Partitioning{});
  }
  /// Defines the table `name` by the rows of `of`, spread anew.
  void Spread(const std::string& name, const std::string& of, int n,
              const RepartitionOptions& options = {}) {
    tables_[name] = PlanRepartition(tables_.at(of), n, options);
  }
  /// Defines the table `name` as partial_sql would.
  void DefinePartial(const std::string& name, const std::string& query) {
    tables_[name] = Plan(query, SqlQuery::Mode::kPartial);
  }

  PlanRef Plan(const std::string& query, SqlQuery::Mode mode) {
    PlanSqlInputs inputs;
    inputs.resolve = [this](const std::string& name) -> std::optional<PlanRef> {
      auto found = tables_.find(name);
      if (found == tables_.end()) return std::nullopt;
      return found->second;
    };
    return PlanSql(connection_, query, inputs, mode);
  }

  /// The construct that the analysis gives for merging partitions, or "" where it runs per
  /// partition.
  std::string Reason(const std::string& query) {
    return ReasonOf(*Plan(query, SqlQuery::Mode::kPartial));
  }

  static std::string ReasonOf(const LogicalPlan& plan) {
    return std::get<SqlQuery>(plan.op()).merged_because;
  }

  /// The names of the columns that decide a row's partition, then the layout: "k,v hash/5".
  static std::string KeysOf(const LogicalPlan& plan) {
    std::string keys;
    for (int column : plan.partitioning().key_columns)
      keys += (keys.empty() ? "" : ",") + plan.schema().columns()[column].name;
    return plan.partitioning().layout.empty() ? keys : keys + " " + plan.partitioning().layout;
  }

  /// Returns "" where the rows of all partitions are those of the whole query and lie where the
  /// plan says, else what is wrong. The result's columns must have different names.
  std::string Check(const std::string& query) {
    PlanRef partial = Plan(query, SqlQuery::Mode::kPartial);
    if (!ReasonOf(*partial).empty() || partial->partitioning().num_partitions == 1) return "";
    Connection connection(database_);  // Its temporary tables go with it.
    PlanRun run(connection);
    connection.Run(
        run.Over("CREATE TEMP TABLE whole AS FROM \"{0}\"", Plan(query, SqlQuery::Mode::kGlobal)));
    const auto& table = run.Partitions(partial);
    std::string parts = QuoteName(table.name);
    std::string number = QuoteName(table.partition_column);
    auto count = [&](const std::string& rows) {
      return connection.QueryInt64(Statement::Parse("SELECT count(*) FROM (" + rows + ")"));
    };
    std::string part_rows = "SELECT * EXCLUDE (" + number + ") FROM " + parts;
    int64_t missing = count("FROM whole EXCEPT ALL " + part_rows);
    int64_t extra = count("(" + part_rows + ") EXCEPT ALL FROM whole");
    if (missing + extra > 0) {
      return std::to_string(missing) + " of " + std::to_string(count("FROM whole")) +
             " rows are missing and " + std::to_string(extra) + " rows are too many";
    }
    return CheckKeys(partial, parts, number, count);
  }

 private:
  template <class Count>
  static std::string CheckKeys(const PlanRef& plan, const std::string& parts,
                               const std::string& number, Count&& count) {
    const Partitioning& partitioning = plan->partitioning();
    if (partitioning.key_columns.empty()) return "";
    std::string keys;
    for (int column : partitioning.key_columns)
      keys += (keys.empty() ? "" : ", ") + QuoteName(plan->schema().columns()[column].name);
    if (count("SELECT 1 FROM " + parts + " GROUP BY " + keys + " HAVING count(DISTINCT " + number +
              ") > 1") > 0)
      return "equal keys " + keys + " lie in several partitions";
    if (partitioning.layout.empty()) return "";
    Repartition same;
    same.input = plan;
    same.way = partitioning.layout.starts_with("hash/") ? Repartition::Way::kHash
                                                        : Repartition::Way::kColumn;
    same.columns = partitioning.key_columns;
    std::string expected = PartitionExpression(same, partitioning.num_partitions);
    if (count("SELECT 1 FROM " + parts + " WHERE " + number + " <> " + expected) > 0)
      return "rows lie elsewhere than " + partitioning.layout + " of " + keys + " says";
    return "";
  }

  Database database_;
  Connection connection_;
  std::map<std::string, PlanRef> tables_;
};

}  // namespace smallpond
