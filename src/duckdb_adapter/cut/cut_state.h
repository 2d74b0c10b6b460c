#pragma once

#include <map>
#include <utility>
#include <vector>

#include "duckdb_adapter/analysis/determinism.h"
#include "duckdb_adapter/cut/cut_query.h"

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
  int AddGiven(Fragment fragment) {
    OutputFacts facts;
    facts.inexact.resize(static_cast<size_t>(fragment.output.num_columns));
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
};

}  // namespace smallpond
