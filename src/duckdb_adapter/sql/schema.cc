#include "duckdb_adapter/sql/schema.h"

#include "duckdb_adapter/sql/schema_types.h"

namespace smallpond {

Schema::Schema(std::vector<std::string> names, std::shared_ptr<const Types> types)
    : types_(std::move(types)) {
  for (size_t i = 0; i < names.size(); ++i) {
    columns_.push_back({std::move(names[i]), types_->list[i].ToString()});
  }
}

int Schema::Find(const std::string& name) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (duckdb::StringUtil::CIEquals(columns_[i].name, name)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace smallpond
