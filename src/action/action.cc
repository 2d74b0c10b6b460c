#include "action/action.h"

#include "action/run_ticking.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "smallpond/error.h"

namespace smallpond {

void Action::Compute(const Work& work) {
  auto begin = [&](const auto& connection, const auto& run) { work(*connection, *run); };
  while (TryOnce(begin, true) == End::kAgain) {
  }
}

void Action::Prepare(const Begin& begin) {
  while (TryOnce(begin, false) == End::kAgain) {
  }
}

Action::End Action::TryOnce(const Begin& begin, bool checks_files) {
  std::shared_ptr<Connection> connection = parts_.connect();
  auto run = std::make_shared<PlanRun>(*connection, parts_.kept, parts_.stages);
  try {
    RunTicking(*connection, parts_.ticker, [&] { begin(connection, run); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    auto removed = run->RemovedFiles();
    bool other_broke_it = error.kind() == ErrorKind::kUnavailable && connection->IsBroken();
    if (!removed.empty() || LostInput(*connection) || other_broke_it) {
      if (limit_.AllowsAnother(std::move(removed))) return End::kAgain;
      throw limit_.Refusal(error);
    }
    if (checks_files) run->CheckFilesUnchanged();  // A file that changes gives all kinds of errors.
    throw;
  }
  if (checks_files) run->CheckFilesUnchanged();
  return End::kDone;
}

}  // namespace smallpond
