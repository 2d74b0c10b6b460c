#include "cli/sql_command.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "cli/query_signals.h"
#include "cli/stdout_pipe.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

constexpr double kProgressAfterSeconds = 2;

// Tells the terminal, and nobody else, how far a long query is.
Ticker TerminalTicker() {
  return [shown = false](const Progress& progress) mutable {
    if (progress.seconds >= kProgressAfterSeconds && isatty(STDERR_FILENO)) {
      shown = true;
      if (progress.fraction >= 0) {
        std::fprintf(stderr, "\r%3.0f%%  %.0f s ", progress.fraction * 100, progress.seconds);
      } else {
        std::fprintf(stderr, "\r%.0f s ", progress.seconds);
      }
      std::fflush(stderr);
    }
    return StoppingSignal() == 0;
  };
}

std::string FormatOf(const SqlCommand& command) {
  if (!command.format.empty()) return command.format;
  const std::string& output = command.output;
  if (output.ends_with(".csv")) return "csv";
  if (output.ends_with(".json") || output.ends_with(".jsonl") || output.ends_with(".ndjson"))
    return "json";
  if (output.ends_with(".parquet")) return "parquet";
  return "table";
}

DataFrame ReadByEnding(Session& session, const std::string& path) {
  auto has = [&](const char* ending) { return path.find(ending) != std::string::npos; };
  if (has(".csv") || has(".tsv")) return session.ReadCsv({path}, {.ticker = TerminalTicker()});
  if (has(".json") || has(".ndjson")) {
    return session.ReadJson({path}, {.ticker = TerminalTicker()});
  }
  return session.ReadParquet({path}, {.ticker = TerminalTicker()});
}

void WriteRows(const DataFrame& frame, const std::string& output, const std::string& format) {
  if (!output.empty()) return frame.WriteFile(output, format, TerminalTicker());
  StdoutPipe pipe;
  frame.WriteFile(format == "parquet" ? "/dev/stdout" : pipe.path(), format, TerminalTicker());
  pipe.Close();
}

}  // namespace

void ClearProgress() {
  if (isatty(STDERR_FILENO)) std::fputs("\r\033[K", stderr);
}

void RunSql(const SqlCommand& command) {
  Options options = Options::FromEnvironment();
  for (const auto& [name, value] : command.settings) {
    if (!value.empty()) options.Set(name, value);
  }
  options.worker_command = command.worker_command;
  Session session = Session::Init(options);
  if (!command.setup.empty()) session.Execute(command.setup);
  SqlInputs inputs;
  inputs.ticker = TerminalTicker();
  for (const auto& input : command.inputs) {
    auto equals = input.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::kInvalidInput, "--input must be name=path, not '" + input + "'.");
    }
    DataFrame frame = ReadByEnding(session, input.substr(equals + 1));
    ClearProgress();
    if (!frame.notice().empty()) std::cerr << "smallpond: warning: " << frame.notice() << "\n";
    inputs.named.emplace(input.substr(0, equals), std::move(frame));
  }
  inputs.ticker = TerminalTicker();
  DataFrame frame = session.Sql(command.query, inputs);
  std::string format = FormatOf(command);
  if (command.explain) {
    std::cout << frame.Explain();
  } else if (format == "table") {
    if (!command.output.empty())
      throw Error(ErrorKind::kInvalidInput, "--output needs --format csv, json or parquet.");
    std::string text =
        frame.ToText(command.rows, isatty(STDOUT_FILENO) ? 0 : 200, TerminalTicker());
    ClearProgress();
    std::cout << text;
  } else {
    WriteRows(frame, command.output, format);
    ClearProgress();
  }
  if (!std::cout.flush())
    throw Error(ErrorKind::kIo, "Writing to standard output failed. Is the disk full?");
}

void AddSqlCommand(CLI::App& app, SqlCommand& command) {
  auto* sql = app.add_subcommand("sql", "Run one query over files and show or write its rows");
  sql->add_option("query", command.query,
                  "DuckDB SQL, for example \"SELECT count(*) FROM 'events/*.parquet'\"")
      ->required();
  sql->add_option(
      "-i,--input", command.inputs,
      "name=path: a table of the query; a file, a glob or a folder of Parquet, CSV or JSON");
  sql->add_option(
         "-f,--format", command.format,
         "table, csv, json (a line a row) or parquet; by default as --output ends, or table")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}));
  sql->add_option("-o,--output", command.output, "The file to write; by default the screen");
  sql->add_option("--rows", command.rows, "Most rows of a table")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  sql->add_flag("--explain", command.explain, "Show the plan and run nothing");
  sql->add_option("--threads", command.settings["threads"],
                  "DuckDB's threads (SP_THREADS; all cores)");
  sql->add_option("--duckdb-memory", command.settings["duckdb_memory"],
                  "DuckDB's memory limit, such as 8GB (SP_DUCKDB_MEMORY; 80% of what is there)");
  sql->add_option("--data-dir", command.settings["data_dir"],
                  "Where relative --input paths start (SP_DATA_DIR)");
  sql->add_option("--executor", command.settings["executor"],
                  "direct, or in stages on threads or processes (SP_EXECUTOR; direct)");
  sql->add_option("--num-executors", command.settings["num_executors"],
                  "Worker processes of --executor processes (SP_NUM_EXECUTORS; 1)");
  sql->add_option("--temp-dir", command.settings["temp_dir"], "Where to spill (SP_TEMP_DIR)");
}

}  // namespace smallpond
