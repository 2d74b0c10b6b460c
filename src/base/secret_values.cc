#include "base/secret_values.h"

#include <algorithm>
#include <utility>

#include "base/secrets.h"

namespace smallpond {
namespace {

constexpr size_t kShortestRepeatedValue = 3;  // Of shorter ones every text is full.

// All texts of a value whose name says that it is a credential.
void AddTexts(const Value& value, std::set<std::string>& found) {
  if (!value.text().empty()) found.insert(value.text());
  for (const auto& element : value.elements()) AddTexts(element, found);
}

// The credentials among the fields of a value, whatever its own name is.
void AddSecretsIn(const Value& value, std::set<std::string>& found) {
  for (size_t i = 0; i < value.elements().size(); ++i) {
    const Value& element = value.elements()[i];
    bool is_secret = i < value.names().size() && NamesCredential(value.names()[i]);
    is_secret ? AddTexts(element, found) : AddSecretsIn(element, found);
  }
}

}  // namespace

std::set<std::string> SecretsAmong(const std::map<std::string, Value>& values) {
  std::set<std::string> found;
  for (const auto& [name, value] : values) {
    if (NamesCredential(name)) AddTexts(value, found);
    AddSecretsIn(value, found);
  }
  return found;
}

std::set<std::string> SecretsAmong(const std::vector<Value>& values) {
  std::set<std::string> found;
  for (const auto& value : values) AddSecretsIn(value, found);
  return found;
}

std::string WithoutValues(const std::set<std::string>& values, std::string message) {
  // Longer ones first: one may begin with another, whose rest would be shown.
  std::vector<std::string> longest_first(values.begin(), values.end());
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& value : longest_first) {
    if (value.size() < kShortestRepeatedValue) continue;
    for (size_t at = message.find(value); at != std::string::npos; at = message.find(value, at + 3))
      message.replace(at, value.size(), "***");
  }
  return message;
}

}  // namespace smallpond
