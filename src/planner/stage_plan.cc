#include "planner/stage_plan.h"

#include <algorithm>
#include <cmath>

#include "base/content_hash.h"

namespace smallpond {
namespace {

/// Most partitions of one exchange. More would make files of many small pieces.
constexpr int kMaxExchangePartitions = 2000;
/// An exchange is expected to hold at most this many times the bytes of the files: rows take about
/// three times their place in Parquet. Estimates of joins upon joins can be a thousand times what
/// they give, and a partition that turns out too large only spills.
constexpr double kMostExchangeBytesPerFileByte = 4;

// Whether the planner decides how many partitions there are.
bool IsPlanned(const ExchangeOutput& output) {
  return output.num_keys > 0 && FitsAnyPartitions(output.function);
}

// How many partitions every exchange by hash or range has: one number, so that rows which two
// stages spread by the same keys meet.
int ExchangePartitions(const CutQuery& cut, std::optional<double> file_bytes,
                       const StageOptions& options) {
  if (options.partitions > 0) return std::min(options.partitions, kMaxExchangePartitions);
  double most_bytes = 0;
  for (const auto& fragment : cut.fragments) {
    if (!IsPlanned(fragment.output)) continue;
    most_bytes = std::max(most_bytes, fragment.estimated_rows * fragment.estimated_row_bytes);
  }
  if (file_bytes) most_bytes = std::min(most_bytes, kMostExchangeBytesPerFileByte * *file_bytes);
  // In whole rounds of tasks, so that no worker waits for the last task of another.
  double rounds = std::max(1.0, std::ceil(most_bytes / options.partition_bytes / options.slots));
  return static_cast<int>(
      std::clamp(rounds * options.slots, 1.0, static_cast<double>(kMaxExchangePartitions)));
}

// Pieces for all that run at a time.
GivenPieces GivenPiecesOf(const StageOptions& options) {
  if (options.partitions == 0) return {options.slots};
  return {std::min(options.partitions, kMaxExchangePartitions), true};
}

// The tasks of a stage: as many as its widest input has parts for.
int NumTasks(const Fragment& fragment, const ScanDivision& scans, const StageGraph& graph) {
  if (fragment.single_task) return 1;
  size_t tasks = 1;
  for (const auto& scan : fragment.scans) tasks = std::max(tasks, scans.SplitsOf(scan).size());
  for (const auto& input : fragment.inputs) {
    const Stage& producer = graph.stages[static_cast<size_t>(input.fragment)];
    if (SharesPartitions(input.kind)) {
      tasks = std::max(tasks, static_cast<size_t>(producer.output.num_partitions));
    } else if (input.kind == ExchangeKind::kForward) {
      tasks = std::max(tasks, static_cast<size_t>(producer.num_tasks));
    }
  }
  return static_cast<int>(tasks);
}

void CheckNumPieces(const Stage& stage, double max_pieces) {
  const int partitions = stage.output.num_partitions;
  double pieces = static_cast<double>(stage.num_tasks) * partitions;
  if (partitions == 1 || pieces <= max_pieces) return;
  auto text = [](double number) { return std::to_string(static_cast<int64_t>(number)); };
  throw Error(ErrorKind::kInvalidInput,
              "A repartition into " + text(partitions) + " of what " + text(stage.num_tasks) +
                  " tasks read makes " + text(pieces) + " pieces, and at most " + text(max_pieces) +
                  " are kept apart. Ask for fewer partitions, or give init() a larger "
                  "partition_size, so that fewer tasks read.");
}

std::vector<TaskScans> DivideScans(const Fragment& fragment, const ScanDivision& scans,
                                   int num_tasks) {
  if (fragment.scans.empty()) return {};
  std::vector<TaskScans> tasks(static_cast<size_t>(num_tasks));
  for (const auto& scan : fragment.scans) {
    if (fragment.single_task) {
      scans.AddAll(scan, tasks[0]);
      continue;
    }
    const auto& splits = scans.SplitsOf(scan);
    for (size_t i = 0; i < splits.size(); ++i) scans.Add(scan, splits[i], tasks[i]);
  }
  return tasks;
}

}  // namespace

StagePlanner::StagePlanner(Connection& connection, const ScanDivision::Connect& connect,
                           StageOptions options)
    : options_(std::move(options)),
      scans_(connect, options_.split),
      cutter_(connection,
              {.is_divided = [this](const FragmentScan& scan) { return scans_.Divide(scan) > 1; },
               .broadcast_bytes = options_.broadcast_bytes,
               .given = GivenPiecesOf(options_)}) {}

int StagePlanner::AddGiven(const Statement& rows, int64_t num_rows, uint64_t bytes) {
  given_bytes_ += bytes;
  return cutter_.AddGiven(rows, num_rows);
}

StagePlan StagePlanner::Finish(const Statement& query, std::optional<FileOutput> files) {
  return Divide(cutter_.Finish(query), std::move(files));
}

StagePlan StagePlanner::FinishPerPartition(const Statement& query,
                                           std::optional<FileOutput> files) {
  return Divide(cutter_.FinishPerPartition(query), std::move(files));
}

StagePlan StagePlanner::Divide(CutQuery cut, std::optional<FileOutput> files) {
  auto file_bytes = scans_.TotalBytes();
  if (file_bytes) *file_bytes += static_cast<double>(given_bytes_) + cut.given_scan_bytes;
  if (options_.whole_bytes > 0 && file_bytes && *file_bytes <= options_.whole_bytes) {
    throw Error(ErrorKind::kUnsupported,
                "what it reads is small (" +
                    std::to_string(static_cast<int64_t>(*file_bytes / 1e6)) + " MB of at most " +
                    std::to_string(static_cast<int64_t>(options_.whole_bytes / 1e6)) + ")");
  }
  StagePlan plan;
  int exchange_partitions = ExchangePartitions(cut, file_bytes, options_);
  for (auto& fragment : cut.fragments) {
    Stage stage;
    stage.id = static_cast<int>(plan.graph.stages.size());
    for (const auto& input : fragment.inputs) {
      stage.inputs.push_back({input.fragment, input.kind, input.exclusive});
    }
    stage.num_tasks = NumTasks(fragment, scans_, plan.graph);
    stage.is_given = fragment.is_given;
    stage.output = fragment.output;
    if (IsPlanned(stage.output)) {
      stage.output.num_partitions = exchange_partitions;
    } else {
      CheckNumPieces(stage, options_.max_pieces);
    }
    stage.deterministic = fragment.deterministic;
    stage.fragment = ContentHash(fragment.bytes);
    if (!fragment.operators.empty()) stage.description = fragment.operators[0].text;
    stage.estimated_rows = fragment.estimated_rows;
    stage.estimated_bytes = fragment.estimated_rows * fragment.estimated_row_bytes;
    StagePlan::Work work;
    work.scans = DivideScans(fragment, scans_, stage.num_tasks);
    work.fragment = std::move(fragment.bytes);
    work.inputs = fragment.inputs;
    plan.graph.stages.push_back(std::move(stage));
    plan.work.push_back(std::move(work));
    plan.notes.push_back({std::move(fragment.operators), std::move(fragment.gathered)});
  }
  for (auto& [stage, rows] : cut.given) plan.given.push_back({stage, std::move(rows)});
  plan.files = std::move(files);
  plan.result = std::move(cut.result);
  plan.result_input = cut.result_input;
  plan.columns = std::move(cut.columns);
  return plan;
}

InputList InputListOf(const StagePlan& plan, int stage, const std::vector<int>& input_versions) {
  InputList list;
  const auto& inputs = plan.work[static_cast<size_t>(stage)].inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const FragmentInput& input = inputs[i];
    int partitions = plan.graph.stages[static_cast<size_t>(input.fragment)].output.num_partitions;
    list.inputs.push_back({input.id, input.fragment, input.kind, input_versions[i],
                           static_cast<uint32_t>(partitions)});
  }
  return list;
}

TaskSpec SpecOf(const StagePlan& plan, TaskId id, int inputs_version, const std::string& job_folder,
                const FolderAccess& access) {
  const Stage& stage = plan.graph.stages[static_cast<size_t>(id.stage)];
  const StagePlan::Work& work = plan.work[static_cast<size_t>(id.stage)];
  TaskSpec spec;
  spec.id = id;
  spec.job_folder = job_folder;
  spec.job_folder_access = access;
  spec.fragment = stage.fragment;
  spec.inputs_version = inputs_version;
  spec.has_scans = !work.scans.empty();
  spec.writes_files = plan.files && id.stage == static_cast<int>(plan.work.size()) - 1;
  spec.output = stage.output;
  for (const FragmentInput& input : work.inputs) {
    if (!SharesPartitions(input.kind)) continue;
    int partitions = plan.graph.stages[static_cast<size_t>(input.fragment)].output.num_partitions;
    spec.partition_end = std::max(spec.partition_end, static_cast<uint32_t>(partitions));
  }
  if (stage.num_tasks > 1) {
    // A stage can have more tasks than there are partitions: those get none.
    spec.partition_begin = std::min(static_cast<uint32_t>(id.task), spec.partition_end);
    spec.partition_end = std::min(spec.partition_begin + 1, spec.partition_end);
  }
  return spec;
}

}  // namespace smallpond
