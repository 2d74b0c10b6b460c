#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "error_of.h"
#include "smallpond/options.h"

namespace smallpond {
namespace {

TEST(ParseBytes, ReadsNumbersWithAndWithoutUnits) {
  const std::vector<std::pair<std::string, uint64_t>> cases = {
      {"1", 1},
      {"0001", 1},
      {"4096", 4096},
      {"1.5e9", 1'500'000'000},
      {"1B", 1},
      {"8GB", 8'000'000'000},
      {"8gb", 8'000'000'000},
      {"8 GB", 8'000'000'000},
      {"  8  GB  ", 8'000'000'000},
      {"8G", 8'000'000'000},
      {"3k", 3'000},
      {"3KB", 3'000},
      {"3m", 3'000'000},
      {"3T", 3'000'000'000'000},
      {"2TB", 2'000'000'000'000},
      {"1KiB", 1'024},
      {"512 MiB", 536'870'912},
      {"1GiB", 1'073'741'824},
      {"1TiB", 1'099'511'627'776},
      {"0.5KiB", 512},
      {"1.5", 1},  // A part of a byte is dropped.
      {"9e18", 9'000'000'000'000'000'000},
  };
  for (const auto& [text, bytes] : cases) {
    SCOPED_TRACE("'" + text + "'");
    EXPECT_EQ(ParseBytes(text, "limit"), bytes);
  }
}

TEST(ParseBytes, RefusesWhatIsNoSizeAboveZero) {
  for (const std::string text :
       {"",    " ",     "GB",       "0",    "0GB",   "0.4",    "-1",        "-8GB",
        "8XB", "8 G B", "8GBs",     "8iB",  "eight", "1,5GB",  "8GB 8GB",   "nan",
        "inf", "-inf",  "infinity", "1e30", "1e400", "9.3e18", "10000000TB"}) {
    SCOPED_TRACE("'" + text + "'");
    EXPECT_EQ(
        InvalidInputOf([&] { ParseBytes(text, "duckdb_memory"); }),
        "duckdb_memory must be a size such as '8GB', '512MiB' or a number of bytes above 0, not '" +
            text + "'.");
  }
}

}  // namespace
}  // namespace smallpond
