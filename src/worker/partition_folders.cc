#include "worker/partition_folders.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "storage/files/file_system.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNullFolder = "__HIVE_DEFAULT_PARTITION__";

std::string Escape(unsigned char c) {
  char code[4];
  std::snprintf(code, sizeof code, "%%%02X", c);
  return code;
}

std::string ValueText(const PartitionColumn& column) {
  std::string name = QuoteName(column.name);
  // As DuckDB names folders, whatever the session's time zone is.
  if (column.type == "TIMESTAMP WITH TIME ZONE")
    return "(CAST(" + name + " AT TIME ZONE 'UTC' AS VARCHAR) || '+00')";
  return "CAST(" + name + " AS VARCHAR)";
}

// A comparison of texts that no default collation changes.
std::string IsExactly(const std::string& text, const char* constant) {
  return "encode(" + text + ") = encode('" + constant + "')";
}

// The value's part of a folder's name where it looks like that of NULL; "" where it does not.
std::string UnlikeNull(const std::string& value, const std::string& tag) {
  std::string text = value;
  if (text == kNullFolder + tag) {
    text.resize(text.size() - tag.size());
  } else if (::strcasecmp(text.c_str(), "NULL") != 0) {
    return "";
  }
  return Escape(static_cast<unsigned char>(text[0])) + text.substr(1);
}

// The folder that DuckDB named so as FolderSql names it.
std::string FolderName(const std::string& name, const std::string& tag) {
  size_t value = name.find('=') + 1;
  std::string better = UnlikeNull(name.substr(value), tag);
  return better.empty() ? name : name.substr(0, value) + better;
}

}  // namespace

std::string FolderKey(const std::string& name) {
  std::string key;
  for (unsigned char c : name) {
    bool is_plain = c < 128 && (std::isalnum(c) || c == '_' || c == '-' || c == '~' || c == '.');
    key += is_plain ? std::string(1, static_cast<char>(c)) : Escape(c);
  }
  return key;
}

std::vector<PartitionColumn> PartitionColumns(const Schema& schema,
                                              const std::vector<std::string>& names,
                                              bool is_exported) {
  const Schema exported = is_exported ? SchemaIn(ExportTarget::kParquet, schema) : schema;
  std::vector<PartitionColumn> columns;
  for (const auto& name : names) {
    int position = exported.Find(name);
    const Column& column = exported.columns()[position];
    bool keeps_type = ReadsBackFromText(exported, position);
    columns.push_back({column.name, FolderKey(column.name), keeps_type ? column.type : "VARCHAR"});
  }
  return columns;
}

std::string FolderSql(const std::vector<PartitionColumn>& columns) {
  std::string sql;
  for (const auto& column : columns) {
    std::string text = ValueText(column);
    sql += (sql.empty() ? "" : " || '/' || ") + QuoteText(column.key + "=") + " || CASE WHEN " +
           QuoteName(column.name) + " IS NULL THEN '" + kNullFolder + "' WHEN upper(" + text +
           ") = 'NULL' OR " + IsExactly(text, kNullFolder) + " THEN '%' || hex(substr(" + text +
           ", 1, 1)) || substr(" + text + ", 2) ELSE url_encode(" + text + ") END";
  }
  return sql;
}

std::string DistinctFoldersSql(const std::vector<PartitionColumn>& columns,
                               const std::string& tag) {
  std::string replaced;
  for (const auto& column : columns) {
    if (column.type != "VARCHAR") continue;
    std::string name = QuoteName(column.name);
    std::string text = "CAST(" + name + " AS VARCHAR)";
    replaced += (replaced.empty() ? "" : ", ") + std::string("CASE WHEN ") +
                IsExactly(text, kNullFolder) + " THEN " + text + " || " + QuoteText(tag) +
                " ELSE " + text + " END AS " + name;
  }
  return "SELECT *" + (replaced.empty() ? "" : " REPLACE (" + replaced + ")") + " FROM \"{0}\"";
}

void RenameFolders(const std::string& folder, const std::string& tag) {
  FolderListing listing = ListFolder(folder);
  std::error_code error = listing.error;
  for (const auto& entry : listing.entries) {
    if (!entry.LeadsToFolder()) continue;
    RenameFolders(entry.path.string(), tag);
    std::string better = FolderName(entry.name(), tag);
    if (better != entry.name() && !error)
      error = Rename(entry.path, entry.path.parent_path() / better);
  }
  if (error) {
    throw Error(ErrorKind::kIo,
                "Naming the folders below '" + folder + "' failed: " + error.message() + ".");
  }
}

std::string FolderNamesOf(const std::string& path, const std::string& tag) {
  fs::path renamed;
  for (const auto& folder : fs::path(path).parent_path())
    renamed /= FolderName(folder.string(), tag);
  return (renamed / fs::path(path).filename()).string();
}

}  // namespace smallpond
