// Runs the statements that exchange.py writes to its standard input, in one database that knows
// exchange files, and answers each with a line: seconds, seconds of all cores,
// and the value of a query's single cell.
//
//   exchange_timer THREADS MEMORY_BYTES
//
// A line is a query (SELECT …), another statement, or "INPUT path begin end", which adds partitions
// [begin, end) of the exchange file that was written last, at this path, to exchange input 1, or
// "NO INPUT", which empties it.

#include <chrono>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "smallpond/error.h"

namespace {

using smallpond::ExchangeInput;
using smallpond::Statement;

struct ExchangeFiles {
  uint64_t last_id = 0;  // Of the file that was written last.
  ExchangeInput input;
};

int64_t RunLine(smallpond::Connection& connection, ExchangeFiles& files, const std::string& line) {
  if (line == "NO INPUT") {
    files.input.parts.clear();
  } else if (line.starts_with("INPUT ")) {
    ExchangeInput::Part part;
    std::istringstream(line.substr(6)) >> part.path >> part.partition_begin >> part.partition_end;
    part.file_id = files.last_id;
    files.input.parts.push_back(part);
    smallpond::SetExchangeInputs(connection, {{1, files.input}});
  } else if (line.starts_with("SELECT ")) {
    return connection.QueryInt64(Statement::ParseQuery(line));
  } else {
    connection.Run(Statement::Parse(line));
    auto written = smallpond::TakeExchangeWriteSummary(connection);
    if (written) files.last_id = written->file_id;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "exchange_timer THREADS MEMORY_BYTES < statements\n";
    return 2;
  }
  try {
    smallpond::Database database({.memory_bytes = std::stoull(argv[2]),
                                  .threads = std::stoi(argv[1]),
                                  .temp_dir = "exchange_timer_spill"});
    smallpond::RegisterExchange(database);
    smallpond::Connection connection(database);
    ExchangeFiles files;
    for (std::string line; std::getline(std::cin, line);) {
      auto start = std::chrono::steady_clock::now();
      auto cpu_start = std::clock();
      int64_t value = RunLine(connection, files, line);
      std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      double cpu_seconds = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
      std::cout << seconds.count() << " " << cpu_seconds << " " << value << std::endl;
    }
  } catch (const smallpond::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
