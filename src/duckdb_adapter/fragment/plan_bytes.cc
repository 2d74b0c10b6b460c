#include "duckdb_adapter/fragment/plan_bytes.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/secrets.h"
#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb_adapter/analysis/scan_facts.h"
#include "duckdb_adapter/arrow/arrow_scan.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

// Says what a scan reads, in a user's words.
std::string SourceOf(const duckdb::LogicalGet& get) {
  if (get.function.name == "seq_scan") return "a table of the session";
  if (get.function.name == kArrowScanFunction) return "pandas and Arrow data";
  return "what " + get.function.name + "() gives";
}

// What DuckDB leaves out of a sample's bytes: one with a seed is drawn by one thread.
void KeepSamplesRepeatable(duckdb::LogicalOperator& op) {
  for (auto& child : op.children) KeepSamplesRepeatable(*child);
  if (op.type != duckdb::LogicalOperatorType::LOGICAL_SAMPLE) return;
  auto& options = *op.Cast<duckdb::LogicalSample>().sample_options;
  options.repeatable = options.repeatable || options.seed.IsValid();
}

}  // namespace

std::string SerializePlan(duckdb::ClientContext& context, const duckdb::LogicalOperator& plan) {
  duckdb::MemoryStream stream(duckdb::Allocator::Get(context));
  duckdb::SerializationOptions options;
  options.serialization_compatibility = duckdb::SerializationCompatibility::Latest();
  try {
    duckdb::BinarySerializer::Serialize(plan, stream, options);
  } catch (const std::exception& error) {  // Some functions and operators have no form as bytes.
    throw Error(ErrorKind::kUnsupported, "A part of the query can't leave this process: " +
                                             duckdb::ErrorData(error).RawMessage());
  }
  return std::string(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
}

duckdb::unique_ptr<duckdb::LogicalOperator> LoadPlan(duckdb::ClientContext& context,
                                                     const std::string& bytes) {
  // The stream only reads; its interface has no const.
  auto* data = reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(bytes.data()));
  duckdb::MemoryStream stream(data, bytes.size());
  duckdb::bound_parameter_map_t parameters;
  auto plan =
      duckdb::BinaryDeserializer::Deserialize<duckdb::LogicalOperator>(stream, context, parameters);
  plan->ResolveOperatorTypes();
  KeepSamplesRepeatable(*plan);
  return plan;
}

bool IsOnlyHere(const duckdb::LogicalGet& get) {
  static const std::set<std::string> computed = {
      "range", "generate_series", "repeat", "repeat_row", "unnest", "json_each", "json_tree"};
  return !computed.count(get.function.name) && !LooksForFiles(get);
}

void CheckCanTravel(const duckdb::LogicalGet& get) {
  if (!IsOnlyHere(get)) return;
  throw Error(ErrorKind::kUnsupported, "Only this process can read " + SourceOf(get));
}

void CheckHoldsNoSecrets(const duckdb::LogicalGet& get, const std::vector<std::string>& files) {
  auto holds_secret = [](const std::string& text) { return WithoutSecrets(text) != text; };
  bool found = std::any_of(files.begin(), files.end(), holds_secret);
  for (const auto& [name, value] : get.named_parameters) {
    found = found || holds_secret(name + " = " + value.ToSQLString());
  }
  if (!found) return;
  throw Error(ErrorKind::kUnsupported,
              "A scan's paths or options hold credentials, which are kept in memory only; CREATE "
              "SECRET gives them to all workers");
}

void CheckFunctionsCanTravel(duckdb::LogicalOperator& plan) {
  static const std::set<std::string> here = {"nextval", "currval", "setseed"};
  std::function<void(const duckdb::Expression&)> check = [&](const duckdb::Expression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) {
      const auto& name = expression.Cast<duckdb::BoundFunctionExpression>().function.name;
      if (here.count(name)) {
        throw Error(ErrorKind::kUnsupported, name + "() changes what this process has");
      }
    }
    duckdb::ExpressionIterator::EnumerateChildren(expression, check);
  };
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [&](duckdb::unique_ptr<duckdb::Expression>* expression) { check(**expression); });
  for (auto& child : plan.children) CheckFunctionsCanTravel(*child);
}

}  // namespace smallpond
