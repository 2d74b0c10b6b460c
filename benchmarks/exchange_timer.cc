// Runs the statements that exchange.py writes to its standard input, in one database that knows
// exchange files, and answers each with a line: seconds, seconds of all cores,
// and the value of a query's single cell.
//
//   exchange_timer THREADS MEMORY_BYTES
//
// A line is a query (SELECT …), another statement, or "INPUT path begin end", which adds a file's
// partitions [begin, end) to exchange input 1, or "NO INPUT", which empties it.

#include <chrono>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "smallpond/error.h"

namespace {

using smallpond::ExchangeInput;
using smallpond::Statement;

int64_t RunLine(smallpond::Connection& connection, ExchangeInput& input, const std::string& line) {
  if (line == "NO INPUT") {
    input.parts.clear();
  } else if (line.starts_with("INPUT ")) {
    ExchangeInput::Part part;
    std::istringstream(line.substr(6)) >> part.path >> part.partition_begin >> part.partition_end;
    input.parts.push_back(part);
    smallpond::SetExchangeInputs(connection, {{1, input}});
  } else if (line.starts_with("SELECT ")) {
    return connection.QueryInt64(Statement::ParseQuery(line));
  } else {
    connection.Run(Statement::Parse(line));
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
    ExchangeInput input;
    for (std::string line; std::getline(std::cin, line);) {
      auto start = std::chrono::steady_clock::now();
      auto cpu_start = std::clock();
      int64_t value = RunLine(connection, input, line);
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
