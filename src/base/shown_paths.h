#pragma once

#include <string>

namespace smallpond {

// A folder that this process holds open is reached by a path that means nothing to people, such as
// "/proc/self/fd/7". Errors show what it is called instead. Any thread may call these.

/// From now on texts show `shown` where they hold `opened`, which ends with a number.
void ShowPathAs(const std::string& opened, const std::string& shown);
void ForgetShownPath(const std::string& opened);

/// Returns the text with the paths that people know. All errors pass through here (see Error).
std::string WithShownPaths(std::string text);

}  // namespace smallpond
