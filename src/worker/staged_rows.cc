#include "worker/staged_rows.h"

#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

int64_t CountParquetRows(Connection& connection, const std::vector<std::string>& patterns,
                         const std::string& encryption) {
  if (patterns.empty()) return 0;
  std::string list;
  for (const auto& path : patterns) list += (list.empty() ? "" : ", ") + QuoteText(path);
  std::string further = encryption.empty() ? "" : ", encryption_config = " + encryption;
  return connection.QueryInt64(Statement::Parse("SELECT count(*) FROM read_parquet([" + list +
                                                "], hive_partitioning = false" + further + ")"));
}

}  // namespace smallpond
