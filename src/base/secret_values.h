#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "smallpond/value.h"

namespace smallpond {

/// Returns the texts among the values, and in their structs, that are credentials by their names.
std::set<std::string> SecretsAmong(const std::map<std::string, Value>& values);
/// The same of values without names: what stands in their structs.
std::set<std::string> SecretsAmong(const std::vector<Value>& values);

/// Returns a message with "***" for each of the values.
std::string WithoutValues(const std::set<std::string>& values, std::string message);

}  // namespace smallpond
