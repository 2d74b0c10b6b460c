#include "duckdb_adapter/arrow/export_types.h"

#include <algorithm>

#include "duckdb/parser/expression/cast_expression.hpp"
#include "duckdb/parser/expression/columnref_expression.hpp"
#include "duckdb/parser/parsed_data/create_scalar_function_info.hpp"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement_tree.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

constexpr const char* kCheckFunction = "smallpond_check_export";

// row(1, 2) → f1, f2. Fields that have a name keep it.
LogicalType WithFieldNames(const LogicalType& type) {
  auto fields = duckdb::StructType::GetChildTypes(type);
  auto is_taken = [&](const std::string& name) {
    return std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
      return duckdb::StringUtil::CIEquals(field.first, name);
    });
  };
  bool changes = false;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].first.empty()) continue;
    std::string name = "f" + std::to_string(i + 1);
    while (is_taken(name)) name += "_";
    fields[i].first = name;
    changes = true;
  }
  return changes ? LogicalType::STRUCT(std::move(fields)) : type;
}

LogicalType TypeIn(ExportTarget target, const LogicalType& type) {
  if (type.id() == LogicalTypeId::STRUCT && type.AuxInfo()) return WithFieldNames(type);
  if (target == ExportTarget::kTable) return type;
  switch (type.id()) {
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT:
      return LogicalType::DECIMAL(38, 0);
    case LogicalTypeId::BIT:
    case LogicalTypeId::BIGNUM:
    case LogicalTypeId::TIME_TZ:
      // DuckDB would hand out its own bytes of the first two, and the third without its offset.
      return target == ExportTarget::kArrow ? LogicalType::VARCHAR : type;
    default:
      return type;
  }
}

bool IsUnknownToArrow(const LogicalType& type) {
  return type.id() == LogicalTypeId::VARIANT || type.id() == LogicalTypeId::TYPE;
}

// Whether the holders' types have fewer values.
bool IsWider(const LogicalType& type) {
  return type.id() == LogicalTypeId::INTERVAL || type.id() == LogicalTypeId::HUGEINT ||
         type.id() == LogicalTypeId::UHUGEINT;
}

// Whether the text of a value does not tell it, or its type can't be named where text is read.
bool LosesAsText(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::UUID:
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
    case LogicalTypeId::MAP:
      return type.HasAlias();  // Such as JSON.
    default:
      return true;
  }
}

Statement CastColumns(Statement query, const Schema& from, const Schema& to, const char* check) {
  std::string aliases;
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> list;
  bool changes = false;
  for (size_t i = 0; i < from.columns().size(); ++i) {
    const std::string& name = from.columns()[i].name;
    bool is_repeated = from.Find(name) != static_cast<int>(i);
    std::string alias = is_repeated ? name + "#" + std::to_string(i) : name;
    aliases += (i ? ", " : "") + QuoteName(alias);
    duckdb::unique_ptr<duckdb::ParsedExpression> column =
        duckdb::make_uniq<duckdb::ColumnRefExpression>(alias);
    const LogicalType& type = to.types().list[i];
    if (check && duckdb::TypeVisitor::Contains(from.types().list[i], IsWider)) {
      duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
      arguments.push_back(std::move(column));
      arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(name)));
      arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(check)));
      column = duckdb::make_uniq<duckdb::FunctionExpression>(SYSTEM_CATALOG, DEFAULT_SCHEMA,
                                                             kCheckFunction, std::move(arguments));
      changes = true;
    }
    if (type != from.types().list[i]) {
      column = duckdb::make_uniq<duckdb::CastExpression>(type, std::move(column));
      changes = true;
    }
    column->SetAlias(name);
    list.push_back(std::move(column));
  }
  if (!changes) return query;
  Statement cast = Statement::Parse("SELECT 1 FROM \"{0}\" AS t(" + aliases + ")");
  auto& select = cast.tree().main->Cast<duckdb::SelectStatement>();
  select.node->Cast<duckdb::SelectNode>().select_list = std::move(list);
  cast.ReplaceTables([&](const std::string&) { return std::optional(query.Copy()); });
  return cast;
}

// Throws where a value of the types that IsWider names does not fit into a holder's.
class ExportCheck {
 public:
  ExportCheck(std::string column, std::string holder)
      : column_(std::move(column)), holder_(std::move(holder)), is_parquet_(holder_ == "Parquet") {}

  void Check(const duckdb::interval_t& interval) const {
    if (is_parquet_) {
      bool fits = interval.months >= 0 && interval.days >= 0 && interval.micros >= 0 &&
                  interval.micros % 1000 == 0 && interval.micros / 1000 <= UINT32_MAX;
      if (!fits) {
        Throw("the interval '" + duckdb::Interval::ToString(interval) + "'",
              "its intervals are not negative and have whole milliseconds, up to 49 days of them");
      }
    } else if (interval.micros < INT64_MIN / 1000 || interval.micros > INT64_MAX / 1000) {
      Throw("the interval '" + duckdb::Interval::ToString(interval) + "'",
            "its intervals have up to 292 years of nanoseconds");
    }
  }

  void Check(const duckdb::hugeint_t& value) const {
    const auto& bound = duckdb::Hugeint::POWERS_OF_TEN[38];
    if (value >= bound || value <= -bound) ThrowTooWide(value.ToString());
  }

  void Check(const duckdb::uhugeint_t& value) const {
    if (value >= duckdb::Uhugeint::POWERS_OF_TEN[38]) ThrowTooWide(value.ToString());
  }

  /// Looks at each value of a column of type `T`.
  template <class T>
  void CheckVector(duckdb::Vector& values, duckdb::idx_t count) const {
    duckdb::UnifiedVectorFormat format;
    values.ToUnifiedFormat(count, format);
    auto data = duckdb::UnifiedVectorFormat::GetData<T>(format);
    for (duckdb::idx_t row = 0; row < count; ++row) {
      auto i = format.sel->get_index(row);
      if (format.validity.RowIsValid(i)) Check(data[i]);
    }
  }

  void CheckNested(const duckdb::Value& value) const {
    if (value.IsNull()) return;
    auto check_all = [&](const duckdb::vector<duckdb::Value>& children) {
      for (const auto& child : children) CheckNested(child);
    };
    switch (value.type().id()) {
      case LogicalTypeId::INTERVAL:
        return Check(duckdb::IntervalValue::Get(value));
      case LogicalTypeId::HUGEINT:
        return Check(duckdb::HugeIntValue::Get(value));
      case LogicalTypeId::UHUGEINT:
        return Check(duckdb::UhugeIntValue::Get(value));
      case LogicalTypeId::STRUCT:
        return check_all(duckdb::StructValue::GetChildren(value));
      case LogicalTypeId::LIST:
      case LogicalTypeId::MAP:
        return check_all(duckdb::ListValue::GetChildren(value));
      case LogicalTypeId::ARRAY:
        return check_all(duckdb::ArrayValue::GetChildren(value));
      case LogicalTypeId::UNION:
        return CheckNested(duckdb::UnionValue::GetValue(value));
      default:
        return;
    }
  }

 private:
  [[noreturn]] void ThrowTooWide(const std::string& value) const {
    Throw(value, "its widest exact number has 38 digits");
  }

  [[noreturn]] void Throw(const std::string& value, const std::string& why) const {
    throw duckdb::InvalidInputException("Column '" + column_ + "' holds " + value + ", which " +
                                        holder_ + " can't: " + why +
                                        ". Cast the column to VARCHAR.");
  }

  std::string column_;
  std::string holder_;
  bool is_parquet_;
};

// Hands out its first argument, whose values it has checked. Nested ones are looked at one by one.
void CheckExport(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  auto& values = arguments.data[0];
  auto count = arguments.size();
  result.Reference(values);
  if (count == 0) return;
  ExportCheck check(arguments.data[1].GetValue(0).ToString(),
                    arguments.data[2].GetValue(0).ToString());
  switch (values.GetType().id()) {
    case LogicalTypeId::INTERVAL:
      return check.CheckVector<duckdb::interval_t>(values, count);
    case LogicalTypeId::HUGEINT:
      return check.CheckVector<duckdb::hugeint_t>(values, count);
    case LogicalTypeId::UHUGEINT:
      return check.CheckVector<duckdb::uhugeint_t>(values, count);
    default:
      for (duckdb::idx_t row = 0; row < count; ++row) check.CheckNested(values.GetValue(row));
  }
}

duckdb::unique_ptr<duckdb::FunctionData> BindCheck(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  function.arguments[0] = arguments[0]->return_type;
  function.return_type = arguments[0]->return_type;
  return nullptr;
}

}  // namespace

Schema SchemaIn(ExportTarget target, const Schema& schema) {
  auto types = std::make_shared<Schema::Types>();
  std::vector<std::string> names;
  for (size_t i = 0; i < schema.columns().size(); ++i) {
    const auto& [name, text] = schema.columns()[i];
    const LogicalType& type = schema.types().list[i];
    if (target == ExportTarget::kArrow && duckdb::TypeVisitor::Contains(type, IsUnknownToArrow)) {
      throw Error(ErrorKind::kUnsupported,
                  "Column '" + name + "' has type " + text +
                      ", which Arrow and pandas can't hold. Cast it to JSON or VARCHAR: " +
                      QuoteName(name) + "::VARCHAR.");
    }
    names.push_back(name);
    types->list.push_back(duckdb::TypeVisitor::VisitReplace(
        type, [&](const LogicalType& inner) { return TypeIn(target, inner); }));
  }
  return Schema(std::move(names), std::move(types));
}

Statement CastFor(ExportTarget target, Statement query, const Schema& schema) {
  const char* check = target == ExportTarget::kParquet ? "Parquet" : "Arrow";
  return CastColumns(std::move(query), schema, SchemaIn(target, schema),
                     target == ExportTarget::kTable ? nullptr : check);
}

Statement CastBack(ExportTarget target, Statement query, const Schema& schema) {
  return CastColumns(std::move(query), SchemaIn(target, schema), schema, nullptr);
}

bool ReadsBackFromText(const Schema& schema, int column) {
  return !duckdb::TypeVisitor::Contains(schema.types().list[static_cast<size_t>(column)],
                                        LosesAsText);
}

void RegisterExportCheck(duckdb::DatabaseInstance& database) {
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    duckdb::ScalarFunction function(kCheckFunction,
                                    {LogicalType::ANY, LogicalType::VARCHAR, LogicalType::VARCHAR},
                                    LogicalType::ANY, kGuarded<CheckExport>, kGuarded<BindCheck>);
    function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
    duckdb::CreateScalarFunctionInfo info(function);
    info.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
    auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
    catalog.CreateFunction(*connection.context, info);
  });
}

}  // namespace smallpond
