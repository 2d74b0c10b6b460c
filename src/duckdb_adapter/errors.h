#pragma once

#include <exception>
#include <functional>

#include "duckdb_adapter/duckdb_internal.h"
#include "smallpond/error.h"

namespace smallpond {

/// Throws DuckDB's error as ours, with the kind that fits.
[[noreturn]] void ThrowAsOurs(const duckdb::ErrorData& error);

/// The same, with the line of `query` in which DuckDB's parser or binder found the error.
[[noreturn]] void ThrowAsOurs(const std::exception& error, const std::string& query);

/// Runs `work` and lets only smallpond::Error out of it. DuckDB's exceptions are recognised by
/// their text, never by their class: a second DuckDB in the process has classes of the same names.
template <class Work>
auto TranslatingErrors(Work&& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    ThrowAsOurs(duckdb::ErrorData(error));
  }
}

}  // namespace smallpond
