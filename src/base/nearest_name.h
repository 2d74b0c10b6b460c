#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// Returns the candidate with the smallest edit distance to `name`, or "" where none is near enough
/// to be meant: more than a third of the longer name's letters differ.
std::string NearestName(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace smallpond
