#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "duckdb_adapter/fragment/run_fragment.h"
#include "planner/stage_plan.h"
#include "storage/job/checked_text.h"
#include "storage/job/job_names.h"
#include "task/outputs_list.h"
#include "worker/worker.h"

namespace smallpond {

/// Runs the stages of a plan one task after the other, without a scheduler, in `folder`, and
/// returns the query for the result on `connection`. Calls `before_task` before each.
inline Statement RunStagesInOrder(
    Connection& connection, const StagePlan& plan, Worker& worker, const std::string& folder,
    const std::function<void(int stage, int task)>& before_task = [](int, int) {}) {
  namespace fs = std::filesystem;
  fs::create_directories(folder + "/fragments");
  ExchangeInput result;
  auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name, std::ios::binary) << text;
  };
  auto checked = [&](const std::string& name, const std::string& list) {
    return WithChecksum(list, folder + "/" + name);
  };
  for (const Stage& stage : plan.graph.stages) {
    fs::create_directories(folder + "/" + StageFolderName(stage.id));
    const auto& work = plan.work[static_cast<size_t>(stage.id)];
    if (stage.is_given) {
      OutputsList outputs{stage.id, 0, {{0, 0, 0}}};
      for (const auto& given : plan.given) {
        if (given.stage != stage.id) continue;
        outputs.files[0].file_id = WriteExchangeFile(
            connection, given.rows, folder + "/" + AttemptFileName(stage.id, 0, 0), stage.output);
      }
      write(OutputsFileName(stage.id, 0),
            checked(OutputsFileName(stage.id, 0), FormatOutputsList(outputs)));
      continue;
    }
    write(FragmentFileName(stage.fragment), work.fragment);
    for (size_t begin = 0; begin < work.scans.size(); begin += kTasksPerScanList) {
      size_t end = std::min(work.scans.size(), begin + kTasksPerScanList);
      write(ScanListFileName(stage.id, static_cast<int>(begin)),
            checked(ScanListFileName(stage.id, static_cast<int>(begin)),
                    FormatScanList({work.scans.begin() + static_cast<int64_t>(begin),
                                    work.scans.begin() + static_cast<int64_t>(end)})));
    }
    int inputs_version = work.inputs.empty() ? -1 : 0;
    std::vector<int> versions(work.inputs.size(), 0);
    std::string inputs_name = InputsFileName(stage.id, 0);
    write(inputs_name,
          checked(inputs_name, FormatInputList(InputListOf(plan, stage.id, versions))));
    OutputsList outputs;
    outputs.stage = stage.id;
    result.parts.clear();
    for (int task = 0; task < stage.num_tasks; ++task) {
      TaskId id{stage.id, task, 0};
      before_task(stage.id, task);
      std::atomic<bool> cancelled{false};
      std::string report =
          worker.Run(FormatTaskSpec(SpecOf(plan, id, inputs_version, folder)), cancelled);
      auto json = nlohmann::json::parse(report);
      if (!json.at("ok").get<bool>()) throw std::runtime_error(report + " in " + stage.description);
      outputs.files.push_back({0, json.at("rows"), json.at("bytes"), json.at("file_id")});
      result.parts.push_back({folder + "/" + AttemptFileName(id.stage, id.task, id.attempt), 0, 1,
                              stage.id, task, 0, json.at("file_id")});
    }
    write(OutputsFileName(stage.id, 0),
          checked(OutputsFileName(stage.id, 0), FormatOutputsList(outputs)));
  }
  TaskInputs inputs;
  inputs.exchanges[plan.result_input] = result;
  return QueryFragment(connection, plan.result, inputs, plan.columns);
}

}  // namespace smallpond
