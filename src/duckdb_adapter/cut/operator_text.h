#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/cut/cut_query.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Says in a few words what the operators of a query's fragments do. It remembers what columns are
/// called, since a fragment's plan names those of another by their positions alone. So fragments
/// are described in their order.
class OperatorText {
 public:
  /// Appends the operators of a plan, the root first; pipes of projections say nothing.
  /// `describe_scan` gives the text of a scan.
  using DescribeScan = std::function<std::string(const duckdb::LogicalGet&)>;
  void Append(duckdb::LogicalOperator& plan, const DescribeScan& describe_scan,
              std::vector<FragmentOperator>& out);

  /// Makes a scan's columns be called as `columns`, which it stands for.
  void Rename(const std::vector<duckdb::ColumnBinding>& columns, duckdb::idx_t table_index);

  /// Makes a column be called so, unless it has a name.
  void Set(duckdb::idx_t table_index, duckdb::idx_t column, const std::string& name);
  std::string ExpressionText(const duckdb::Expression& expression) const;

  /// Returns `words` and by what rows are sorted, "ranges of k, s desc", as one line.
  std::string SortText(const std::string& words,
                       const duckdb::vector<duckdb::BoundOrderByNode>& orders) const;
  /// Returns `words` and the expressions as one line.
  std::string ListText(
      const std::string& words,
      const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions) const;

 private:
  std::string OrderText(const duckdb::vector<duckdb::BoundOrderByNode>& orders) const;
  void Learn(duckdb::LogicalOperator& op);
  std::string Text(duckdb::LogicalOperator& op, const DescribeScan& describe_scan) const;
  std::string AggregateText(duckdb::LogicalOperator& op) const;
  std::string JoinText(duckdb::LogicalOperator& op) const;

  std::map<std::pair<duckdb::idx_t, duckdb::idx_t>, std::string> names_;  // By table and column.
};

}  // namespace smallpond
