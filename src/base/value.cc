#include "smallpond/value.h"

namespace smallpond {

Value Value::Blob(std::string bytes) {
  Value value(std::move(bytes));
  value.kind_ = Kind::kBlob;
  return value;
}

Value Value::Typed(std::string text, std::string type) {
  Value value(std::move(text));
  value.kind_ = Kind::kTyped;
  value.type_ = std::move(type);
  return value;
}

Value Value::List(std::vector<Value> elements) {
  Value value;
  value.kind_ = Kind::kList;
  value.elements_ = std::move(elements);
  return value;
}

Value Value::Struct(std::vector<std::pair<std::string, Value>> fields) {
  Value value;
  value.kind_ = Kind::kStruct;
  for (auto& [name, field] : fields) {
    value.names_.push_back(std::move(name));
    value.elements_.push_back(std::move(field));
  }
  return value;
}

}  // namespace smallpond
