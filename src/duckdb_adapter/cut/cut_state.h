#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/analysis/determinism.h"
#include "duckdb_adapter/cut/cut_query.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// What has been cut so far of the queries of one job.
struct CutState {
  /// How a query that is cut later reads the rows of a fragment.
  struct Planned {
    int fragment = 0;
    ExchangeKind kind = ExchangeKind::kGather;
    bool exclusive = false;
    double rows = 0;
    bool ordered = false;
  };

  int AddPlanned(Planned read) {
    planned[next_planned] = read;
    return next_planned++;
  }
  /// Adds a fragment whose rows this process writes, in order and in pieces of neighbours.
  int AddGiven(std::string text, size_t num_columns, double rows, double row_bytes) {
    Fragment fragment;
    fragment.is_given = true;
    fragment.single_task = true;
    fragment.output.num_columns = static_cast<int>(num_columns);
    fragment.output.num_keys = 1;
    fragment.output.function = PartitionFunction::kNumber;
    fragment.output.num_partitions = given.PiecesOf(rows);
    fragment.output.ordered = true;
    fragment.operators.push_back({0, std::move(text), rows});
    fragment.estimated_rows = rows;
    fragment.estimated_row_bytes = row_bytes;
    OutputFacts facts;
    facts.inexact.resize(num_columns);
    facts.order.emplace();  // They are written once.
    outputs.push_back(std::move(facts));
    query.fragments.push_back(std::move(fragment));
    return static_cast<int>(query.fragments.size()) - 1;
  }

  CutQuery query;
  std::vector<OutputFacts> outputs;  ///< Of the fragments.
  int next_id = 0;                   ///< Of scans and inputs.
  std::map<int, Planned> planned;    ///< By the id that stands in the later query.
  int next_planned = 0;
  GivenPieces given;
  /// Scans whose rows are those of given fragments, by fragment.
  std::map<int, duckdb::unique_ptr<duckdb::LogicalOperator>> given_scans;
};

}  // namespace smallpond
