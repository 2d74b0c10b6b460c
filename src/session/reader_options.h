#pragma once

#include "plan/file_scan.h"
#include "smallpond/session.h"

namespace smallpond {

/// Turns what a caller asked for into a scan, whose paths are still to be filled in. Throws
/// InvalidInput where an option stands among the further ones as well, or can't be.
FileScan ScanOf(const ParquetOptions& options);
FileScan ScanOf(const CsvOptions& options);
FileScan ScanOf(const JsonOptions& options);

}  // namespace smallpond
