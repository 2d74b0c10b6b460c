#include "worker/write_files.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "base/parallel_for.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "storage/files/file_hash.h"
#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"
#include "worker/partition_folders.h"
#include "worker/staged_rows.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSampleRows = 122'880;  // Written first, to learn how many bytes a row takes.
constexpr const char* kStagedEnding = OutputFile::kStagedEnding;

[[noreturn]] void ThrowOthersWritten(const std::string& what) {
  throw Error(ErrorKind::kIo, "The files of this write are not what was written: " + what +
                                  ". Nothing of it was kept; run it again.");
}

std::string FreeName(const Schema& schema, std::string name) {
  while (schema.Find(name) >= 0) name += "_";
  return name;
}

class PartWrite {
 public:
  PartWrite(Connection& connection, const FileOutput& output, const std::string& folder, int part)
      : connection_(connection),
        output_(output),
        copy_(output.copy),
        folder_(folder),
        name_(PartName(part)),
        in_order_(output.in_order || !copy_.sort_list.empty()) {}

  WrittenFiles Write(const Statement& rows, bool keep_empty) {
    CopyRows(rows);
    if (files_.empty() && keep_empty) CopyToFile(rows, name_, true);
    CheckFiles();
    return {std::move(files_), num_rows_};
  }

 private:
  // Names sort as the parts do, and no other write of the folder has them.
  std::string PartName(int part) const {
    char name[32];
    std::snprintf(name, sizeof name, "part-%05d-", part);
    return name + output_.tag;
  }

  // DuckDB's own PARTITION_BY writes in parallel, as rows come; it has no file sizes, no JSON,
  // takes bytes for text and * for all columns, and knows no arrays: INTEGER[2].
  bool SortsByFolder() const {
    auto is_array = [](const std::string& type) {
      return type.ends_with("]") && !type.ends_with("[]");
    };
    return in_order_ || copy_.file_size_bytes || copy_.options.starts_with("FORMAT json") ||
           std::any_of(copy_.partition_by.begin(), copy_.partition_by.end(), [&](const auto& key) {
             return key.type == "BLOB" || key.name == "*" || is_array(key.type);
           });
  }

  void CopyRows(const Statement& rows) {
    if (!copy_.partition_by.empty()) {
      if (SortsByFolder()) return CopyByFolder(rows);
      CopyToFolder(SqlOver(DistinctFoldersSql(copy_.partition_by, output_.tag), rows),
                   "PARTITION_BY (" + copy_.partition_list + ")");
      RenameFolders(folder_, output_.tag);
      return;
    }
    Statement sorted = SortedBy(copy_.sort_list, rows);
    if (!copy_.file_size_bytes) {
      CopyToFile(sorted, name_, false);
    } else if (in_order_) {
      CopyInOrder(sorted);
    } else {
      CopyToFolder(sorted, "FILE_SIZE_BYTES " + std::to_string(*copy_.file_size_bytes));
    }
  }

  CopyResult Copy(const Statement& rows, const std::string& target, const std::string& further) {
    return connection_.RunCopy(
        SqlOver("COPY (FROM \"{0}\") TO " + QuoteText(target) + " (" + copy_.options + further +
                    (copy_.is_parquet ? ", RETURN_STATS" : ", RETURN_FILES") + ")",
                rows));
  }

  std::string PathOf(const std::string& name) const {
    return (fs::path(folder_) / (name + kStagedEnding)).string();
  }

  static uint64_t BytesOf(const std::string& path) {
    FileIdentity file = Identify(path);
    if (file.inode == 0) ThrowOthersWritten("'" + path + "' is gone");
    return file.bytes;
  }

  // Notes the file, unless there is no row and none is to be kept.
  void CopyToFile(const Statement& rows, const std::string& name, bool keep_empty) {
    std::string path = PathOf(name + copy_.ending);
    int64_t count = Copy(rows, path, "").rows;
    if (count > 0 || keep_empty) {
      files_.push_back({name + copy_.ending, count, BytesOf(path)});
      num_rows_ += count;
    } else {
      RemoveFile(path);
    }
  }

  // DuckDB names the files and makes folders for partition_by.
  void CopyToFolder(const Statement& rows, const std::string& how) {
    std::string ending = copy_.ending.substr(1) + kStagedEnding;
    CopyResult copied =
        Copy(rows, folder_,
             ", OVERWRITE_OR_IGNORE, FILENAME_PATTERN " + QuoteText(name_ + "-{i}") +
                 ", FILE_EXTENSION " + QuoteText(ending) + ", " + how);
    num_rows_ += copied.rows;
    for (const auto& file : copied.files) {
      std::string name = file.path.substr(folder_.size() + 1);
      name.resize(name.size() - std::strlen(kStagedEnding));
      if (copied.rows > 0) {
        files_.push_back({FolderNamesOf(name, output_.tag), file.rows, BytesOf(file.path)});
      } else {  // It may make an empty one.
        RemoveFile(file.path);
      }
    }
  }

  // Rows of a table that stand one after the other.
  struct Range {
    std::string select;  // "FROM table", with the columns of `schema` as they are in the table.
    const Schema& schema;
    int64_t begin = 0;
    int64_t end = 0;
  };

  // How a column is called in a table instead of `rowid`, which would hide the rows' numbers; as
  // SQL, "" where there is none.
  static std::string RenameRowId(const Schema& schema, bool back) {
    int position = schema.Find("rowid");
    if (position < 0) return "";
    std::string name = QuoteName(schema.columns()[static_cast<size_t>(position)].name);
    std::string other = QuoteName(FreeName(schema, "__smallpond_rowid"));
    return " RENAME (" + (back ? other + " AS " + name : name + " AS " + other) + ")";
  }

  Statement RowsOf(const Range& range) const {
    Statement rows =
        Statement::Parse(range.select + " WHERE rowid >= " + std::to_string(range.begin) +
                         " AND rowid < " + std::to_string(range.end));
    std::string rename = RenameRowId(range.schema, true);
    if (!rename.empty()) rows = SqlOver("SELECT *" + rename + " FROM \"{0}\"", rows);
    rows = CastBack(ExportTarget::kTable, std::move(rows), range.schema);
    if (copy_.partition_list.empty()) return rows;
    return SqlOver("SELECT * EXCLUDE (" + copy_.partition_list + ") FROM \"{0}\"", rows);
  }

  // DuckDB's own FILE_SIZE_BYTES spreads rows over files as threads come by. Here every file holds
  // the next run of the sorted rows.
  void CopyInOrder(const Statement& rows) {
    const std::string table = "__smallpond_sorted";
    Schema schema = connection_.Bind(rows);
    connection_.Run(SqlOver("CREATE TEMP TABLE " + table + " AS SELECT *" +
                                RenameRowId(schema, false) + " FROM \"{0}\"",
                            CastFor(ExportTarget::kTable, rows.Copy(), schema)));
    Range all{"FROM " + table, schema, 0,
              connection_.QueryInt64(Statement::Parse("SELECT count(*) FROM " + table))};
    CopyRange(all, name_, RowsPerFile(all));
    connection_.Run(Statement::Parse("DROP TABLE " + table));
  }

  // Folder by folder: their rows are made neighbours first.
  void CopyByFolder(const Statement& rows) {
    const std::string table = "__smallpond_by_folder";
    Schema schema = connection_.Bind(rows);
    std::string folder = QuoteName(FreeName(schema, "__smallpond_folder"));
    std::string number = QuoteName(FreeName(schema, "__smallpond_row"));
    std::string further = in_order_ ? (copy_.sort_list.empty() ? number : copy_.sort_list) : "";
    connection_.Run(SqlOver(
        // As bytes, so that no default collation puts 'A' and 'a' into one folder.
        "CREATE TEMP TABLE " + table + " AS SELECT *" + RenameRowId(schema, false) + ", encode(" +
            FolderSql(copy_.partition_by) + ") AS " + folder +
            (further == number ? ", row_number() OVER () AS " + number : "") +
            " FROM \"{0}\" ORDER BY " + folder + " ASC" +
            (further == number ? ", " + number + " ASC"
             : further.empty() ? ""
                               : ", " + further),
        CastFor(ExportTarget::kTable, rows.Copy(), schema)));
    auto folders = connection_.QueryCounts(
        Statement::Parse("SELECT " + folder + ", count(*) FROM " + table + " GROUP BY " + folder +
                         " ORDER BY " + folder + " ASC"));
    Range range{"SELECT * EXCLUDE (" + folder + (further == number ? ", " + number : "") +
                    ") FROM " + table,
                schema};
    for (const auto& [name, count] : folders) range.end += count;
    int64_t rows_per_file = RowsPerFile(range);
    range.end = 0;
    for (const auto& [name, count] : folders) {
      range.begin = range.end;
      range.end += count;
      MakePartitionFolder(name);
      CopyRange(range, name + "/" + name_, rows_per_file);
    }
    connection_.Run(Statement::Parse("DROP TABLE " + table));
  }

  // Not folder_ and those above: where they are gone, the write has ended without this attempt.
  void MakePartitionFolder(const std::string& name) {
    fs::path folder(folder_);
    for (const auto& part : fs::path(name)) {
      folder /= part;
      std::error_code error = MakeFolder(folder);
      if (!error) continue;
      if (error == std::errc::filename_too_long) {
        throw Error(ErrorKind::kInvalidInput,
                    "A value of partition_by makes a name that is too long for a folder, '" +
                        part.string() + "'. Write by another column, or by a part of the value.");
      }
      throw Error(ErrorKind::kIo, "Making the folder '" + name +
                                      "' of a partition failed: " + error.message() + ".");
    }
  }

  // The files' names sort as the rows.
  void CopyRange(const Range& range, const std::string& name, int64_t rows_per_file) {
    int64_t num_files = (range.end - range.begin + rows_per_file - 1) / rows_per_file;
    size_t digits = std::max<size_t>(5, std::to_string(num_files).size());
    Range part = range;
    for (int64_t file = 0; file < num_files; ++file) {
      part.begin = range.begin + file * rows_per_file;
      part.end = std::min(part.begin + rows_per_file, range.end);
      std::string number = std::to_string(file);
      number.insert(0, digits - number.size(), '0');
      CopyToFile(RowsOf(part), name + "-" + number, false);
    }
  }

  // Writes a sample of the rows and looks how large it gets.
  int64_t RowsPerFile(Range rows) {
    int64_t all = std::max<int64_t>(1, rows.end - rows.begin);
    if (!copy_.file_size_bytes) return all;
    rows.end = rows.begin + std::min(all, kSampleRows);
    std::string path = PathOf("sample" + copy_.ending);
    Copy(RowsOf(rows), path, "");
    auto bytes = static_cast<double>(std::max<uint64_t>(BytesOf(path), 1));
    RemoveFile(path);
    double per_file = static_cast<double>(*copy_.file_size_bytes) / bytes *
                      static_cast<double>(rows.end - rows.begin);
    return std::clamp<int64_t>(static_cast<int64_t>(std::min(per_file, 1e18)), 1, all);
  }

  // Throws Io unless the files of Parquet hold the rows that were written.
  void CheckFiles() {
    if (!copy_.is_parquet) return;
    std::vector<std::string> patterns;
    // The question mark of the ending stands for itself: DuckDB finds no path of "\\" by a pattern
    // with brackets.
    for (const auto& file : files_)
      patterns.push_back(EscapePattern(folder_ + "/" + file.name) + kStagedEnding);
    int64_t held = CountParquetRows(connection_, patterns, copy_.encryption);
    if (held == num_rows_) return;
    ThrowOthersWritten("they hold " + std::to_string(held) + " rows, and " +
                       std::to_string(num_rows_) + " were computed");
  }

  Connection& connection_;
  const FileOutput& output_;
  const CopyOptions& copy_;
  const std::string folder_;
  const std::string name_;  // How the files' names begin.
  const bool in_order_;
  std::vector<WrittenFile> files_;
  int64_t num_rows_ = 0;
};

}  // namespace

WrittenFiles WriteFiles(Connection& connection, const Statement& rows, const FileOutput& output,
                        const std::string& folder, int part, bool keep_empty) {
  return PartWrite(connection, output, folder, part).Write(rows, keep_empty);
}

void SyncWrittenFiles(const std::string& folder, std::vector<WrittenFile>& files) {
  std::vector<std::string> paths;
  std::set<std::string> folders = {folder};
  for (const auto& file : files) {
    paths.push_back(folder + "/" + file.name + kStagedEnding);
    fs::path parent = fs::path(paths.back()).parent_path();
    while (folders.insert(parent.string()).second) parent = parent.parent_path();
  }
  // Most of it is in memory still, and the disk writes the rest meanwhile.
  ParallelFor(files.size(), [&](size_t i) { files[i].hash = HashFile(paths[i]); });
  SyncFiles(paths);
  SyncFolders({folders.begin(), folders.end()});
}

}  // namespace smallpond
