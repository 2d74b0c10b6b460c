#include "base/nearest_option.h"

#include <string_view>
#include <utility>

#include "base/nearest_name.h"
#include "base/text.h"

namespace smallpond {
namespace {

// What other programs call our options, too far from our names to be found by their letters.
constexpr std::pair<std::string_view, std::string_view> kNamesElsewhere[] = {
    {"memory", "duckdb_memory"},
    {"memory_limit", "duckdb_memory"},
    {"max_memory", "duckdb_memory"},
    {"mem_limit", "duckdb_memory"},
    {"memory_per_worker", "duckdb_memory"},
    {"num_threads", "threads"},
    {"n_threads", "threads"},
    {"worker_threads", "threads"},
    {"max_threads", "threads"},
    {"cores", "threads"},
    {"num_cores", "threads"},
    {"cpus", "threads"},
    {"num_cpus", "threads"},
    {"n_jobs", "threads"},
    {"temp_directory", "temp_dir"},
    {"temporary_directory", "temp_dir"},
    {"spill_dir", "temp_dir"},
    {"tmp", "temp_dir"},
    {"workers", "num_executors"},
    {"num_workers", "num_executors"},
    {"n_workers", "num_executors"},
    {"processes", "num_executors"},
    {"num_processes", "num_executors"},
    {"nodes", "num_nodes"},
    {"address", "ray_address"},
    {"cluster", "ray_address"},
    {"scheduler_address", "ray_address"},
    {"working_dir", "data_dir"},
    {"base_dir", "data_dir"},
    {"root", "data_root"},
    {"shared_dir", "data_root"},
    {"num_partitions", "partitions"},
    {"npartitions", "partitions"},
    {"shuffle_partitions", "partitions"},
    {"split_size", "partition_size"},
    {"chunk_size", "partition_size"},
    {"broadcast_threshold", "broadcast_size"},
    {"backend", "executor"},
    {"engine", "executor"},
    {"app_name", "job_name"},
};

}  // namespace

std::string NearestOption(const std::string& name, const std::vector<std::string>& options) {
  for (const auto& [other, ours] : kNamesElsewhere) {
    if (Lower(name) == other) return std::string(ours);
  }
  return NearestName(Lower(name), options);
}

}  // namespace smallpond
