// A scan of exchange files inside a plan that was serialized elsewhere.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "error_of.h"
#include "exchange_fixture.h"

namespace smallpond {
namespace {

using duckdb::ClientContext;
using duckdb::LogicalOperator;
using duckdb::LogicalType;

// Beyond the indexes that the binder of a test's query gives.
constexpr duckdb::idx_t kTableIndex = 1000;

// The plan that the table function test_plan() stands for.
std::string plan_bytes;  // NOLINT: a table function's bind takes no state.

duckdb::unique_ptr<LogicalOperator> BindPlan(ClientContext& context,
                                             duckdb::TableFunctionBindInput&,
                                             duckdb::idx_t bind_index,
                                             duckdb::vector<std::string>& names) {
  duckdb::MemoryStream stream(reinterpret_cast<duckdb::data_ptr_t>(plan_bytes.data()),
                              plan_bytes.size());
  duckdb::bound_parameter_map_t parameters;
  auto plan = duckdb::BinaryDeserializer::Deserialize<LogicalOperator>(stream, context, parameters);
  plan->ResolveOperatorTypes();
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns;
  auto bindings = plan->GetColumnBindings();
  for (size_t i = 0; i < bindings.size(); ++i) {
    columns.push_back(
        duckdb::make_uniq<duckdb::BoundColumnRefExpression>(plan->types[i], bindings[i]));
    names.push_back("c" + std::to_string(i));
  }
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(bind_index, std::move(columns));
  projection->children.push_back(std::move(plan));
  return projection;
}

class ExchangePlan : public ExchangeFixture {
 protected:
  ExchangePlan() {
    auto& context = connection_->handle().context();
    context.RunFunctionInTransaction([&] {
      duckdb::TableFunction function("test_plan", {}, nullptr, nullptr);
      function.bind_operator = BindPlan;
      duckdb::CreateTableFunctionInfo info(function);
      duckdb::Catalog::GetSystemCatalog(context).CreateTableFunction(context, info);
    });
  }

  void SetPlan(const duckdb::vector<std::string>& names, const duckdb::vector<LogicalType>& types,
               bool ordered, const std::vector<duckdb::idx_t>& columns) {
    duckdb::LogicalGet get(kTableIndex, ExchangeScanFunction(),
                           MakeExchangeScanBindData(1, names, types, ordered, 1000), types, names);
    for (auto column : columns) get.AddColumnId(column);
    duckdb::SerializationOptions options;
    options.serialization_compatibility = duckdb::SerializationCompatibility::Latest();
    duckdb::MemoryStream stream;
    duckdb::BinarySerializer::Serialize(get, stream, options);
    plan_bytes.assign(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
  }
};

TEST_F(ExchangePlan, ScansFilesThatWereSetWhereItRuns) {
  auto path = folder_.Path("a.exchange");
  Write(path, "SELECT range AS i, [range::VARCHAR] AS l, range % 3 FROM range(10000)",
        {.output = ByNumber(3)});
  SetInput({Part(path, 0, 3)});
  auto text_list = LogicalType::LIST(LogicalType::VARCHAR);
  SetPlan({"i", "l"}, {LogicalType::BIGINT, text_list}, false, {1, 0});
  EXPECT_EQ(Number("SELECT sum(c1 + c0[1]::INT) FROM test_plan()"), 2 * 49995000);
  SetInput({Part(path, 1, 2)});
  EXPECT_EQ(Number("SELECT count(*) FROM test_plan()"), 3333);
  EXPECT_EQ(Number("SELECT sum(c1) FROM test_plan() WHERE c1 > 9990"), 9991 + 9994 + 9997);
}

TEST_F(ExchangePlan, CountsRowsThatHaveNoColumns) {
  auto path = folder_.Path("a.exchange");
  Write(path, "SELECT range % 5 FROM range(10000)", {.output = ByNumber(5)});
  SetInput({Part(path, 1, 3)});
  SetPlan({}, {}, false, {duckdb::COLUMN_IDENTIFIER_EMPTY});
  EXPECT_EQ(Number("SELECT count(*) FROM test_plan()"), 4000);
}

TEST_F(ExchangePlan, KeepsTheOrderOfPartsAndRows) {
  std::vector<ExchangeInput::Part> parts;
  for (int file = 0; file < 40; ++file) {
    auto path = folder_.Path(std::to_string(file));
    auto start = std::to_string(file * 20000);
    Write(path, "SELECT " + start + " + range AS i FROM range(20000)",
          {.output = ByNumber(1, true), .buffer_bytes = 1 << 18});
    parts.push_back(Part(path, 0, 1));
  }
  SetPlan({"i"}, {LogicalType::BIGINT}, true, {0});
  for (size_t count : {40, 20, 1}) {
    parts.resize(count);
    SetInput(parts);
    Run("CREATE OR REPLACE TEMP TABLE found AS FROM test_plan()");
    EXPECT_EQ(Number("SELECT count(*) FROM found"), static_cast<int64_t>(count * 20000));
    EXPECT_EQ(Number("SELECT count(*) FROM found WHERE c0 <> rowid"), 0);
  }
}

TEST_F(ExchangePlan, RefusesFilesOfOtherColumns) {
  auto path = folder_.Path("a.exchange");
  Write(path, "SELECT 1 AS i", {});
  SetInput({Part(path, 0, 1)});
  SetPlan({"i"}, {LogicalType::BIGINT}, false, {0});
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kInternal, [&] { Number("SELECT sum(c0) FROM test_plan()"); }),
                  "other columns than its reader expects");
}

}  // namespace
}  // namespace smallpond
