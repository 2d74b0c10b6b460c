#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "action/stage_runner.h"
#include "observe/explain_steps.h"

namespace smallpond {

/// Everything that is told of a frame: what it is, and how it is computed or was computed.
///
///     threads: …                              where tasks run
///
///     sql: SELECT …                           the steps that the user wrote
///     └── read_parquet(…)
///
///     2 stages, 5 tasks; …                    how they are computed: stages,
///     stage 0: …                              or one DuckDB's plan
struct FrameExplanation {
  std::string road;           ///< "direct", "threads", "processes", "ray".
  int workers = 1;            ///< Processes that run tasks; 0: as many as the cluster has nodes.
  int threads = 1;            ///< Of each worker; 0: all that its node has.
  uint64_t memory_bytes = 0;  ///< Of this process's DuckDB.
  ExplainedStep steps;

  /// Why no stages are made though the session makes some, or "".
  std::string whole_because;
  /// DuckDB's plan, in the form that was asked for, where it computes all by itself; "" where it is
  /// known only when the partitions have been made.
  std::string duckdb_plan;

  /// Where there are stages. What tasks did is in it only if they ran.
  std::optional<JobReport> job;
};

}  // namespace smallpond
