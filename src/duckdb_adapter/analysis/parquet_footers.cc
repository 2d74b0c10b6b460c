#include "duckdb_adapter/analysis/parquet_footers.h"

#include <map>
#include <set>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/statement.h"
#include "storage/files/paths.h"

namespace smallpond {

std::vector<std::vector<RowGroup>> ReadRowGroups(Connection& connection,
                                                 const std::vector<std::string>& paths) {
  std::vector<Value> patterns;
  for (const auto& path : paths) patterns.emplace_back(EscapePattern(path));
  std::map<std::string, Value> params{{"paths", Value::List(std::move(patterns))}};
  auto query = [&](const std::string& sql) {
    Statement statement = Statement::Parse(sql);
    statement.BindParameters({}, params);
    return connection.handle().Run(std::move(statement));
  };
  // A column of a struct counts as well: the list does not tell it from one of the table.
  auto named = query(
      "SELECT file_name FROM parquet_schema($paths) "
      "WHERE lower(name) = 'file_row_number'");
  // The size of a row group as a whole is optional in the format, those of its columns are not.
  auto groups = query(
      "SELECT file_name, any_value(row_group_num_rows), sum(total_compressed_size)::BIGINT "
      // By the bytes of the name: a default collation may not tell two of them apart.
      "FROM parquet_metadata($paths) GROUP BY file_name, encode(file_name), row_group_id "
      "ORDER BY encode(file_name) ASC, row_group_id ASC");
  return TranslatingErrors([&] {
    std::set<std::string> whole;
    for (const auto& row : *named) whole.insert(row.GetValue<std::string>(0));
    std::map<std::string, std::vector<RowGroup>> found;
    for (const auto& row : *groups) {
      found[row.GetValue<std::string>(0)].push_back(
          {row.GetValue<int64_t>(1), static_cast<uint64_t>(row.GetValue<int64_t>(2))});
    }
    std::vector<std::vector<RowGroup>> row_groups;
    for (const auto& path : paths) {
      row_groups.push_back(whole.count(path) ? std::vector<RowGroup>() : found[path]);
    }
    return row_groups;
  });
}

}  // namespace smallpond
