#include "python/write.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "observe/amounts.h"
#include "python/core_call.h"
#include "python/python_ticker.h"
#include "smallpond/error.h"
#include "smallpond/options.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace smallpond {
namespace {

WriteOptions MakeOptions(const std::string& mode, std::vector<std::string> partition_by,
                         std::string compression, std::optional<int64_t> row_group_size,
                         const std::optional<std::string>& file_size,
                         std::vector<std::string> sort_by,
                         std::vector<std::pair<std::string, Value>> further) {
  WriteOptions options;
  options.mode = ParseWriteMode(mode);
  options.partition_by = std::move(partition_by);
  options.compression = std::move(compression);
  options.row_group_size = row_group_size;
  if (file_size) options.file_size_bytes = ParseBytes(*file_size, "file_size");
  options.sort_by = std::move(sort_by);
  options.further = std::move(further);
  return options;
}

WriteResult Write(const DataFrame& frame, const std::string& format, const std::string& path,
                  const WriteOptions& options, nb::object on_progress) {
  Unlocked unlocked;
  Ticker ticker = PythonTicker(on_progress);
  if (format == "csv") return frame.WriteCsv(path, options, ticker);
  if (format == "json") return frame.WriteJson(path, options, ticker);
  return frame.WriteParquet(path, options, ticker);
}

// WriteResult(folder '/data/out', 3 files, 1,000 rows, 12 kB)
std::string Describe(const WriteResult& result) {
  std::string text = std::string("WriteResult(") + (result.is_folder ? "folder" : "file") + " '" +
                     result.path + "', ";
  if (result.num_files == 0) return text + "nothing written)";
  if (result.is_folder) text += CountText(static_cast<uint64_t>(result.num_files), "file") + ", ";
  text +=
      CountText(static_cast<uint64_t>(result.num_rows), "row") + ", " + BytesText(result.num_bytes);
  return text + (result.publish_error.empty() ? ")" : ", not published yet)");
}

}  // namespace

void DefineWrite(nb::module_& m, nb::class_<DataFrame>& frame) {
  nb::class_<WriteOptions>(m, "WriteOptions")
      .def_static("make", &MakeOptions, "mode"_a, "partition_by"_a, "compression"_a,
                  "row_group_size"_a.none(), "file_size"_a.none(), "sort_by"_a, "further"_a);
  nb::class_<WriteResult>(m, "WriteResult")
      .def_ro("path", &WriteResult::path)
      .def_ro("is_folder", &WriteResult::is_folder)
      .def_ro("num_rows", &WriteResult::num_rows)
      .def_ro("num_files", &WriteResult::num_files)
      .def_ro("num_bytes", &WriteResult::num_bytes)
      .def_ro("publish_seconds", &WriteResult::publish_seconds)
      .def_ro("publish_error", &WriteResult::publish_error)
      .def("__repr__", &Describe);
  frame.def("write", &Write, "format"_a, "path"_a, "options"_a, "on_progress"_a.none());
}

}  // namespace smallpond
