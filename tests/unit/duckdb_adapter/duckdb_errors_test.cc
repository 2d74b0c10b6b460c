#include "duckdb_adapter/errors.h"

#include <gtest/gtest.h>

#include <string>

#include "error_of.h"

namespace smallpond {
namespace {

using duckdb::ExceptionType;

std::string TextOf(ErrorKind kind, ExceptionType type, const std::string& message) {
  return ErrorOf(kind, [&] { ThrowAsOurs(duckdb::ErrorData(duckdb::Exception(type, message))); });
}

TEST(DuckDBErrors, OfBugsShowNoStack) {
  EXPECT_EQ(TextOf(ErrorKind::kInternal, ExceptionType::INTERNAL, "no such column"),
            "DuckDB failed unexpectedly: no such column");
  EXPECT_EQ(TextOf(ErrorKind::kInternal, ExceptionType::FATAL,
                   "invalidated. Original error: \"INTERNAL Error: x\n\nStack Trace:\n/lib/y(z)\""),
            "DuckDB failed unexpectedly: invalidated. Original error: \"INTERNAL Error: x");
}

TEST(DuckDBErrors, LeaveDuckDBsNotesToItselfOut) {
  EXPECT_EQ(TextOf(ErrorKind::kUnsupported, ExceptionType::NOT_IMPLEMENTED,
                   "FIX"
                   "ME: export state serialize"),
            "export state serialize");
  EXPECT_EQ(TextOf(ErrorKind::kUnsupported, ExceptionType::NOT_IMPLEMENTED,
                   "FIX"
                   "ME unimplemented vector type"),
            "unimplemented vector type");
}

TEST(DuckDBErrors, OfMemoryLeaveAdviceToThoseWhoKnowTheSession) {
  std::string text = ErrorOf(ErrorKind::kOutOfMemory, [] {
    ThrowAsOurs(duckdb::ErrorData(duckdb::OutOfMemoryException("failed to allocate 1 GB")));
  });
  EXPECT_EQ(text, "Out of Memory Error: failed to allocate 1 GB");
}

}  // namespace
}  // namespace smallpond
