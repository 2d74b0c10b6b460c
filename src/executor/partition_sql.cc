#include "executor/partition_sql.h"

#include "duckdb_adapter/sql_text.h"

namespace smallpond {
namespace {

bool StartsWith(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

// DuckDB's hash() agrees between the integer types, but not between INTEGER and DOUBLE, DECIMAL and
// DOUBLE, DATE and TIMESTAMP, or ENUM and VARCHAR. Values that compare equal must hash alike; that
// two others collide does no harm.
std::string CanonicalHash(const Column& column) {
  std::string name = QuoteName(column.name);
  const std::string& type = column.type;
  if (type == "BOOLEAN") return "hash(" + name + "::BIGINT)";
  if (type == "FLOAT" || type == "DOUBLE" || StartsWith(type, "DECIMAL")) {
    return "CASE WHEN " + name + " = trunc(" + name + ") AND abs(" + name + ") < 9e18 THEN hash(" +
           name + "::BIGINT) ELSE hash(" + name + "::DOUBLE) END";
  }
  if (type == "HUGEINT" || type == "UHUGEINT" || type == "UBIGINT") {
    return "CASE WHEN " + name + " <= 9000000000000000000 AND " + name +
           " >= -9000000000000000000 THEN hash(" + name + "::BIGINT) ELSE hash(" + name +
           "::DOUBLE) END";
  }
  if (type == "DATE" || StartsWith(type, "TIMESTAMP")) return "hash(epoch_us(" + name + "))";
  if (StartsWith(type, "ENUM")) return "hash(" + name + "::VARCHAR)";
  return "hash(" + name + ")";
}

std::string HashExpression(const Repartition& repartition, const std::string& n) {
  const auto& columns = repartition.input->schema().columns();
  std::string hash = CanonicalHash(columns[repartition.columns[0]]);
  if (repartition.columns.size() > 1) {
    std::string list;
    for (int column : repartition.columns)
      list += (list.empty() ? "" : ", ") + CanonicalHash(columns[column]);
    hash = "hash(" + list + ")";
  }
  return "((" + hash + ") % " + n + ")::BIGINT";
}

std::string ColumnExpression(const Repartition& repartition, const std::string& n) {
  const Column& column = repartition.input->schema().columns()[repartition.columns[0]];
  std::string name = QuoteName(column.name);
  std::string last = "(" + n + " - 1)";
  return "CASE WHEN " + name + " IS NULL THEN error('partition key NULL in column ' || " +
         QuoteText(column.name) + " || ' is out of range 0-' || " + last + ") WHEN " + name +
         " < 0 OR " + name + " > " + last + " THEN error('partition key ' || " + name +
         " || ' is out of range 0-' || " + last + ") ELSE " + name + "::BIGINT END";
}

}  // namespace

std::string PartitionExpression(const Repartition& repartition, int num_partitions) {
  std::string n = std::to_string(num_partitions);
  switch (repartition.way) {
    case Repartition::Way::kEven:
      return "(row_number() OVER () - 1) % " + n;
    case Repartition::Way::kRows:
      return "((row_number() OVER () - 1) * " + n + ") // (count(*) OVER ())";
    case Repartition::Way::kHash:
      return HashExpression(repartition, n);
    case Repartition::Way::kColumn:
      return ColumnExpression(repartition, n);
  }
  return "0";
}

std::string PartitionColumnName(const Schema& schema) {
  std::string name = "__smallpond_partition";
  while (schema.Find(name) >= 0) name += "_";
  return name;
}

}  // namespace smallpond
