#pragma once

#include <string>

namespace smallpond {

/// One column of a frame. `type` is DuckDB's name of it, for example "DECIMAL(18,2)".
struct Column {
  std::string name;
  std::string type;
};

}  // namespace smallpond
