#pragma once

/// \file
/// Everything a program needs: `#include <smallpond/smallpond.h>` and link `smallpond::smallpond`.

#include "smallpond/arrow.h"       // IWYU pragma: export
#include "smallpond/column.h"      // IWYU pragma: export
#include "smallpond/data_frame.h"  // IWYU pragma: export
#include "smallpond/error.h"       // IWYU pragma: export
#include "smallpond/options.h"     // IWYU pragma: export
#include "smallpond/session.h"     // IWYU pragma: export
#include "smallpond/value.h"       // IWYU pragma: export

namespace smallpond {

/// smallpond's own version, for example "1.0.0".
SMALLPOND_API const char* Version();
/// The version of the DuckDB that was loaded, for example "v1.5.5".
SMALLPOND_API std::string DuckDBVersion();

/// Stops what all sessions of this process compute now; the calls throw Cancelled. Any thread may
/// call it.
SMALLPOND_API void InterruptAll();

}  // namespace smallpond
