#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "error_of.h"
#include "partition_oracle.h"

namespace smallpond {

/// A query that may run per partition. It is also run.
struct PerPartition {
  std::string query;
  std::string keys;  // "" where nothing is known.
};

/// A query that may not.
struct Merged {
  std::string query;
  std::string reason;  // A part of it.
};

/// Tables that are spread in every way, and `users`, which is whole.
class PartitionAnalysis : public ::testing::Test {
 protected:
  PartitionAnalysis() {
    const std::string rows =
        "SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE i % 7 - 3 END AS k, CASE WHEN i % 5 = 0 THEN "
        "NULL "
        "ELSE i % 4 END AS "
        "v, i AS id, [i, i + 1] AS list, 's' || (i % 3) AS s FROM range(60) t(i)";
    oracle_.Define("rows", rows);
    oracle_.Define(
        "other_rows",
        "SELECT CASE WHEN i = 0 THEN NULL ELSE i % 9 - 3 END AS k, i % 4 AS v, i * 3 AS id "
        "FROM range(25) t(i)");
    oracle_.Define("numbers", "SELECT i % 5 AS p, i % 3 AS v, i AS id FROM range(40) t(i)");
    oracle_.Define("users",  // whole
                   "SELECT CASE WHEN i = 9 THEN NULL ELSE i - 3 END AS k, i % 3 AS g, 10 * i AS id "
                   "FROM range(10) t(i)");
    oracle_.Spread("events", "rows", 5, {.hash_by = {"k"}});
    oracle_.Spread("orders", "other_rows", 5, {.hash_by = {"k"}});
    oracle_.Spread("pairs", "rows", 5, {.hash_by = {"k", "v"}});
    oracle_.Spread("swapped", "other_rows", 5, {.hash_by = {"v", "k"}});
    oracle_.Spread("spread", "rows", 5);
    oracle_.Spread("runs", "rows", 5, {.by_rows = true});
    oracle_.Spread("numbered", "numbers", 5, {.by = "p"});
    oracle_.Spread("three", "other_rows", 3, {.hash_by = {"k"}});
    oracle_.Spread("one", "rows", 1, {.hash_by = {"k"}});
  }

  void Check(const std::vector<PerPartition>& cases) {
    for (const auto& [query, keys] : cases) {
      SCOPED_TRACE(query);
      PlanRef plan = oracle_.Plan(query, SqlQuery::Mode::kPartial);
      EXPECT_EQ(PartitionOracle::ReasonOf(*plan), "");
      EXPECT_EQ(PartitionOracle::KeysOf(*plan), keys);
      EXPECT_GT(plan->partitioning().num_partitions, 1);
      EXPECT_EQ(oracle_.Check(query), "");
    }
  }

  void Check(const std::vector<Merged>& cases) {
    for (const auto& [query, reason] : cases) {
      SCOPED_TRACE(query);
      PlanRef plan = oracle_.Plan(query, SqlQuery::Mode::kPartial);
      std::string found = PartitionOracle::ReasonOf(*plan);
      EXPECT_FALSE(found.empty());
      EXPECT_CONTAINS(found, reason);
      EXPECT_EQ(plan->partitioning().num_partitions, 1);
    }
  }

  PartitionOracle oracle_;
};

}  // namespace smallpond
