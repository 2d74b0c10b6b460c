#pragma once

#include <exception>
#include <functional>
#include <utility>

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

/// The same for work that binds the statement of this text: the error shows the line, and the place
/// in it, where DuckDB found it.
template <class Work>
auto TranslatingBindErrors(duckdb::ClientContext& context, const std::string& text, Work&& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    duckdb::ErrorData error(exception);
    context.ProcessError(error, text);  // Adds "LINE 1: …" with a caret.
    ThrowAsOurs(error);
  }
}

/// Throws the exception that is being handled as one that ends DuckDB's statement and no more: an
/// InternalException or FatalException would end its database. ThrowAsOurs gives an Error of ours
/// back with its kind and its text.
[[noreturn]] void ThrowIntoDuckDB(const std::exception& handled);

template <auto kFunction>
struct GuardedCallback;

template <class Result, class... Arguments, Result (*kFunction)(Arguments...)>
struct GuardedCallback<kFunction> {
  static Result Call(Arguments... arguments) {
    try {
      return kFunction(std::forward<Arguments>(arguments)...);
    } catch (const std::exception& error) {
      ThrowIntoDuckDB(error);
    }
  }
};

/// A function as DuckDB may call it: what it throws goes through ThrowIntoDuckDB. Every function
/// that is handed to DuckDB is handed over as this.
template <auto kFunction>
inline constexpr auto kGuarded = &GuardedCallback<kFunction>::Call;

}  // namespace smallpond
