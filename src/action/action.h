#pragma once

#include <functional>
#include <memory>

#include "action/plan_run.h"
#include "action/run_limit.h"
#include "duckdb_adapter/connection/connection.h"
#include "smallpond/ticker.h"

namespace smallpond {

/// A call that needs a connection and the files of its input, such as one that computes a frame's
/// rows. It begins anew, on another connection and with the files as they are then, where
///
///     a file that it had found is gone: a writer replaced the folder's version,
///     a file that tasks wrote for it can't be read,
///     another query has made DuckDB fail,
///
/// as long as RunLimit allows that. So nothing that others see is a part of its work, which may run
/// several times and may fail after it has ended: a write commits afterwards.
class Action {
 public:
  struct Parts {
    /// Opens the connection of one run.
    std::function<std::shared_ptr<Connection>()> connect;
    ResultCache* kept = nullptr;    ///< May be null: everything is computed.
    StageRunner* stages = nullptr;  ///< May be null: DuckDB runs every query whole.
    Ticker ticker = {};             ///< Called meanwhile, on the caller's thread.
  };
  using Work = std::function<void(Connection& connection, PlanRun& run)>;
  /// May keep both, for a result that is read later.
  using Begin = std::function<void(const std::shared_ptr<Connection>& connection,
                                   const std::shared_ptr<PlanRun>& run)>;

  explicit Action(Parts parts, bool can_run_again = true)
      : parts_(std::move(parts)), limit_(can_run_again) {}

  /// Computes rows from one version of the input. Throws Io where a file that a run read has
  /// another content than when the run found it.
  void Compute(const Work& work);
  /// The same for work that reads no rows, or whose rows are read later.
  void Prepare(const Begin& begin);

 private:
  enum class End { kDone, kAgain };
  End TryOnce(const Begin& begin, bool checks_files);

  const Parts parts_;
  RunLimit limit_;
};

}  // namespace smallpond
