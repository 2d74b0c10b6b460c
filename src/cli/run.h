#pragma once

namespace smallpond {

/// The `smallpond` command, for the native binary and the Python console script alike. Returns the
/// exit status: 0, 1 for an error (its text is on standard error), 2 for a wrong command line, 130
/// after Ctrl-C.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace smallpond
