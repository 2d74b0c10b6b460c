#pragma once

#include <string>

#include "duckdb_adapter/sql/schema.h"
#include "smallpond/options.h"
#include "task/file_output.h"

namespace smallpond {

/// The options of one format, from a user's WriteOptions, as parts of a COPY statement.
struct FormatOptions {
  std::string compression;  ///< DuckDB's name in lower case. Empty: the format's default.
  std::string sql;          ///< ", DELIM ';', HEADER false": all but format and compression.
  /// The ones by which files are read in another way, as text that tells equal ones.
  std::string dialect;
  std::string encryption;  ///< Of Parquet: the configuration as SQL.
  SecretOptions secrets;
};

/// Reads `options.further`, whose names are taken in any letter case, with `compression` and
/// `row_group_size`, which stand for those of the same name. Throws InvalidInput for an unknown
/// format, an option that the format lacks or that would write other files than a folder's version
/// consists of, says what to do instead; for values of other types or out of range, and for options
/// that are given twice or exclude each other.
FormatOptions ReadFormatOptions(const std::string& format, const Schema& schema,
                                const WriteOptions& options);

/// Returns the column's name quoted, as the schema spells it. Throws InvalidInput that names the
/// argument where there is none.
std::string QuotedColumn(const Schema& schema, const std::string& name,
                         const std::string& argument);

}  // namespace smallpond
