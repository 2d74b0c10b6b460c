#include "write/append_columns.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "action/plan_run.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr const char* kAdvice = "mode=\"overwrite\", or another folder.";

// "NULL" is DuckDB's type of a column that only holds that, also as an element's: "NULL"[].
std::string StoredType(const std::string& type) {
  static const std::string kNull = "\"NULL\"";
  std::string stored = type;
  for (size_t at = stored.find(kNull); at != std::string::npos; at = stored.find(kNull, at + 1)) {
    size_t end = at + kNull.size();
    // Followed by a type, it is a field's name.
    if (end == stored.size() || stored[end] != ' ') stored.replace(at, kNull.size(), "INTEGER");
  }
  return stored;
}

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool HasRepeatedNames(const std::vector<Column>& columns) {
  std::set<std::string> names;
  return !std::all_of(columns.begin(), columns.end(), [&](const Column& column) {
    return names.insert(LowerCase(column.name)).second;
  });
}

int FindColumn(const std::vector<Column>& columns, const std::string& name) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (LowerCase(columns[i].name) == LowerCase(name)) return static_cast<int>(i);
  }
  return -1;
}

std::string Names(const std::vector<Column>& columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

// For each column of the files the position of it in the rows.
std::vector<size_t> MatchColumns(const std::vector<Column>& rows, const std::vector<Column>& there,
                                 const std::string& folder) {
  std::vector<size_t> positions;
  auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kInvalidInput, what + " The files in '" + folder + "' have " +
                                              Names(there) + ". Select these columns, or use " +
                                              kAdvice);
  };
  // Names that are there twice tell nothing; then each stands in its place.
  bool by_place = HasRepeatedNames(rows) || HasRepeatedNames(there);
  for (size_t i = 0; i < there.size(); ++i) {
    int found = FindColumn(rows, there[i].name);
    if (by_place && i < rows.size() && LowerCase(rows[i].name) == LowerCase(there[i].name))
      found = static_cast<int>(i);
    if (found < 0) refuse("The rows to append lack the column '" + there[i].name + "'.");
    positions.push_back(static_cast<size_t>(found));
  }
  for (const auto& column : rows) {
    if (FindColumn(there, column.name) < 0)
      refuse("The rows to append have a further column '" + column.name + "'.");
  }
  if (rows.size() != there.size()) refuse("The rows to append have other columns.");
  return positions;
}

// The value cast to the files' type, where casting it back gives the same.
std::string CastSql(const std::string& value, const std::string& name, const std::string& from,
                    const std::string& to, const std::string& folder) {
  std::string cast = "TRY_CAST(" + value + " AS " + to + ")";
  std::string text = "\"system\".main.\"substring\"(CAST(" + value + " AS VARCHAR), 1, 100)";
  return "CASE WHEN TRY_CAST(" + cast + " AS " + from + ") IS DISTINCT FROM " + value +
         " THEN \"system\".main.\"error\"(" + QuoteText("Column '" + name + "' holds ") + " || " +
         text + " || " +
         QuoteText(", which " + to + " can't hold, its type in the files of '" + folder +
                   "'. Round or cast it in the query, or use " + kAdvice) +
         ") ELSE " + cast + " END";
}

// Says which column it is.
void CheckCast(Connection& connection, const Schema& rows, const std::string& sql,
               const std::string& name, const std::string& from, const std::string& to,
               const std::string& folder) {
  try {
    connection.Bind(SqlOver(sql, Statement::NoRows(rows)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInvalidInput && error.kind() != ErrorKind::kUnsupported) throw;
    throw Error(ErrorKind::kInvalidInput,
                "Column '" + name + "' is " + from + ", and " + to + " in the files of '" + folder +
                    "', to which it can't be cast. Cast it in the query, or use " + kAdvice);
  }
}

}  // namespace

std::vector<Column> StoredColumns(const Schema& schema) {
  std::vector<Column> columns = schema.columns();
  for (auto& column : columns) column.type = StoredType(column.type);
  return columns;
}

std::string SqlToAppend(Connection& connection, const Schema& rows,
                        const std::vector<Column>& there, const std::string& folder) {
  const std::vector<Column> here = StoredColumns(rows);
  auto positions = MatchColumns(here, there, folder);
  std::string aliases, list;
  for (size_t i = 0; i < here.size(); ++i) aliases += (i ? ", c" : "c") + std::to_string(i);
  const std::string source = " FROM \"{0}\" AS t(" + aliases + ")";
  bool changes = false;
  for (size_t i = 0; i < there.size(); ++i) {
    const Column& from = here[positions[i]];
    const Column& to = there[i];
    std::string value = "c" + std::to_string(positions[i]);
    changes = changes || positions[i] != i || from.name != to.name || from.type != to.type;
    if (from.type != to.type) {
      value = CastSql(value, from.name, from.type, to.type, folder);
      CheckCast(connection, rows, "SELECT " + value + source, from.name, from.type, to.type,
                folder);
    }
    list += (i ? ", " : "") + value + " AS " + QuoteName(to.name);
  }
  return changes ? "SELECT " + list + source : "";
}

}  // namespace smallpond
