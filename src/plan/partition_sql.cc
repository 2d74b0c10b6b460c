#include "plan/partition_sql.h"

#include <algorithm>
#include <vector>

#include "duckdb_adapter/sql/sql_text.h"

namespace smallpond {
namespace {

bool StartsWith(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

bool IsOneOf(const std::string& type, const std::vector<std::string>& types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// DuckDB's hash() differs between INTEGER and DOUBLE, DECIMAL and DOUBLE, DATE and TIMESTAMP, ENUM
// and VARCHAR, and for negative numbers between INTEGER, BIGINT and HUGEINT. Values that compare
// equal must hash alike; that two others collide does no harm.
std::string CanonicalHash(const Column& column) {
  std::string name = QuoteName(column.name);
  const std::string& type = column.type;
  if (type.ends_with(']')) return "hash(" + name + ")";  // Not a DECIMAL, but a list of them.
  if (IsOneOf(type, {"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT",
                     "UINTEGER"})) {
    return "hash(" + name + "::BIGINT)";
  }
  // A whole number that a BIGINT holds hashes as one, exactly up to its bounds.
  bool is_wide = IsOneOf(type, {"HUGEINT", "UHUGEINT", "UBIGINT"});
  bool is_fraction = IsOneOf(type, {"FLOAT", "DOUBLE"}) || StartsWith(type, "DECIMAL");
  if (is_wide || is_fraction) {
    std::string whole = "TRY_CAST(" + name + " AS BIGINT)";
    return "CASE WHEN " + (is_fraction ? name + " = trunc(" + name + ") AND " : "") + whole +
           " IS NOT NULL THEN hash(" + whole + ") ELSE hash(" + name + "::DOUBLE) END";
  }
  // Days that no TIMESTAMP holds meet in one partition.
  if (type == "DATE") return "hash(epoch_us(TRY_CAST(" + name + " AS TIMESTAMP)))";
  if (StartsWith(type, "TIMESTAMP")) return "hash(epoch_us(" + name + "))";
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

// `value` where the key is the number of a partition, else an error.
std::string CheckedKey(const Repartition& repartition, const std::string& n,
                       const std::string& value) {
  const Column& column = repartition.input->schema().columns()[repartition.columns[0]];
  std::string name = QuoteName(column.name);
  std::string last = "(" + n + " - 1)";
  std::string advice =
      QuoteText(". The column '" + column.name +
                "' must hold the partition's number in every row. To spread by other values use "
                "hash_by.");
  return "CASE WHEN " + name + " BETWEEN 0 AND " + last + " THEN " + value +
         " ELSE error('partition key ' || coalesce(" + name +
         "::VARCHAR, 'NULL') || ' is out of range 0-' || " + last + " || " + advice + ") END";
}

std::string ColumnExpression(const Repartition& repartition, const std::string& n) {
  const Column& column = repartition.input->schema().columns()[repartition.columns[0]];
  return CheckedKey(repartition, n, QuoteName(column.name) + "::BIGINT");
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

std::string PartitionCheck(const Repartition& repartition, int num_partitions) {
  if (repartition.way != Repartition::Way::kColumn) return "";
  return CheckedKey(repartition, std::to_string(num_partitions), "true");
}

std::string PartitionColumnName(const Schema& schema) {
  std::string name = "__smallpond_partition";
  while (schema.Find(name) >= 0) name += "_";
  return name;
}

}  // namespace smallpond
