#pragma once

#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// The first `max_rows` rows of a result as an HTML table for a notebook. All text is escaped; long
/// text is cut, and of many columns the middle ones are folded.
std::string HtmlTable(duckdb::MaterializedQueryResult& result, int max_rows);

}  // namespace smallpond
