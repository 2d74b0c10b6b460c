// The order of rows, found in plans that are made by hand.

#include "duckdb_adapter/row_order.h"

#include <gtest/gtest.h>

#include "duckdb/planner/operator/logical_empty_result.hpp"
#include "duckdb/planner/operator/logical_filter.hpp"
#include "duckdb/planner/operator/logical_limit.hpp"

namespace smallpond {
namespace {

using Operator = duckdb::unique_ptr<duckdb::LogicalOperator>;

Operator Above(duckdb::unique_ptr<duckdb::LogicalOperator> rows, Operator op) {
  op->children.push_back(std::move(rows));
  return op;
}

// A chain of filters below a LIMIT.
Operator LimitOverFilters(int filters) {
  Operator plan = duckdb::make_uniq<duckdb::LogicalEmptyResult>(
      duckdb::vector<duckdb::LogicalType>{}, duckdb::vector<duckdb::ColumnBinding>{});
  for (int i = 0; i < filters; ++i) {
    plan = Above(std::move(plan), duckdb::make_uniq<duckdb::LogicalFilter>());
  }
  return Above(std::move(plan),
               duckdb::make_uniq<duckdb::LogicalLimit>(duckdb::BoundLimitNode::ConstantValue(1),
                                                       duckdb::BoundLimitNode()));
}

TEST(RowOrders, AskEachSourceOnce) {
  int asked = 0;
  RowOrders orders([&](const duckdb::LogicalOperator&) {
    ++asked;
    return RowOrder::kStored;
  });
  Operator plan = LimitOverFilters(50);
  EXPECT_EQ(orders.Of(*plan), RowOrder::kStored);
  EXPECT_EQ(orders.Readers(*plan, false).size(), 51U);  // The LIMIT, and what is below it.
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace smallpond
