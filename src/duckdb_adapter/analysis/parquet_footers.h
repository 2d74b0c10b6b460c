#pragma once

#include <string>
#include <vector>

#include "storage/input/splits.h"

namespace smallpond {

class Connection;

/// Reads the footers of Parquet files: the row groups of each. Returns none for a file whose rows
/// can't be found by number, since it has a column named file_row_number, of any letter case.
/// Throws Io or InvalidInput that names the file where a footer can't be read.
std::vector<std::vector<RowGroup>> ReadRowGroups(Connection& connection,
                                                 const std::vector<std::string>& paths);

}  // namespace smallpond
