#include "storage/input/table_formats.h"

#include "storage/files/file_system.h"
#include "storage/files/paths.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDeltaLog = "_delta_log";
constexpr const char* kIcebergLog = "metadata";
constexpr const char* kHudiLog = ".hoodie";

bool HoldsIcebergMetadata(const fs::path& folder) {
  for (const auto& entry : ListFolder(folder).entries) {
    if (entry.name().ends_with(".metadata.json")) return true;
  }
  return false;
}

// The way by DuckDB's extension, or by a Python package.
std::string ReadWith(const std::string& extension, const std::string& path,
                     const std::string& package) {
  return "Read it with DuckDB's extension: sp.execute(\"INSTALL " + extension + "; LOAD " +
         extension + "\"), then sp.sql(\"FROM " + extension + "_scan('" + path +
         "')\"); or with the Python package " + package +
         ", whose Arrow data sp.from_arrow() takes.";
}

std::string Refusal(const fs::path& folder) {
  auto text = [&](const std::string& format, const std::string& advice) {
    return "'" + folder.string() + "' is " + format +
           " table. Its files also hold rows that were removed from it; only its log tells "
           "which. " +
           advice;
  };
  if (IsFolder(folder / kDeltaLog)) {
    return text("a Delta Lake", ReadWith("delta", folder.string(), "deltalake"));
  }
  if (HoldsIcebergMetadata(folder / kIcebergLog)) {
    return text("an Iceberg", ReadWith("iceberg", folder.string(), "pyiceberg"));
  }
  if (IsFolder(folder / kHudiLog)) {
    return text("a Hudi",
                "DuckDB has no reader for it: read it with the Python package hudi, whose Arrow "
                "data sp.from_arrow() takes.");
  }
  return "";
}

}  // namespace

std::string TableFormats::WhyUnreadable(fs::path folder) {
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    std::string name = folder.filename().string();
    if (name == kDeltaLog || name == kIcebergLog || name == kHudiLog) return "";
    if (!seen_.insert(folder).second) return "";
    // The folders of partitions are many, and no tables.
    if (IsPartitionFolder(name)) continue;
    std::string refusal = Refusal(folder);
    if (!refusal.empty()) return refusal;
  }
  return "";
}

}  // namespace smallpond
