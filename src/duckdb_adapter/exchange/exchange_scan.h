#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace duckdb {
class TableFunction;
}

namespace smallpond {

class Connection;
class Database;

/// The table function smallpond_exchange_scan, for a LogicalGet. In SQL it takes an input's id and
/// finds names and types in what is planned of it, or else in its first file.
duckdb::TableFunction ExchangeScanFunction();

/// Makes the COPY format smallpond_exchange and the table function smallpond_exchange_scan known to
/// a database. A second time does nothing.
void RegisterExchange(Database& database);

/// The files that one exchange input of a task consists of.
struct ExchangeInput {
  /// Partitions [begin, end) of one attempt's file.
  struct Part {
    std::string path;
    uint32_t partition_begin = 0;
    uint32_t partition_end = 0;
    /// Who wrote the file.
    int stage = 0;
    int task = 0;
    int attempt = 0;
    uint64_t file_id = 0;  ///< The file's, as ExchangeFileSummary tells it.
    /// What the file holds, where it need not be opened for that.
    std::shared_ptr<const std::string> content = nullptr;
  };
  std::vector<Part> parts;
};

/// Sets what smallpond_exchange_scan reads on this connection, by input id, and forgets an earlier
/// lost input. Not while a statement runs.
void SetExchangeInputs(Connection& connection, std::map<int, ExchangeInput> inputs);

/// The part that could not be read, if that is why the last statement failed: its file is missing,
/// torn, damaged or another one, and its writer has to run again.
std::optional<ExchangeInput::Part> LostInput(Connection& connection);

}  // namespace smallpond
