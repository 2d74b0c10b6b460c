#include "duckdb_adapter/mends/parquet_mends.h"

#include <string>
#include <utility>

#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb/planner/filter/conjunction_filter.hpp"
#include "duckdb/planner/filter/constant_filter.hpp"
#include "duckdb/planner/filter/expression_filter.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::TableFilterType;
using Columns = duckdb::vector<duckdb::MultiFileColumnDefinition>;
using Filter = duckdb::unique_ptr<duckdb::TableFilter>;

// Whether a cast keeps every value, or fails where it can't. Fields that only one of two structs
// has count as columns that only one of two files has: they are left out, or NULL.
bool KeepsValues(const LogicalType& from, const LogicalType& to) {
  if (from == to || (from.IsIntegral() && to.IsIntegral())) return true;
  if (from.IsIntegral() && to.id() == LogicalTypeId::DECIMAL) return true;
  if (from.id() != to.id()) return LogicalType::ForceMaxLogicalType(from, to) == to;
  switch (from.id()) {
    case LogicalTypeId::DECIMAL:
      return duckdb::DecimalType::GetScale(from) <= duckdb::DecimalType::GetScale(to);
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP:
      return KeepsValues(duckdb::ListType::GetChildType(from), duckdb::ListType::GetChildType(to));
    case LogicalTypeId::STRUCT:
      for (const auto& [name, type] : duckdb::StructType::GetChildTypes(from)) {
        for (const auto& [wanted, wanted_type] : duckdb::StructType::GetChildTypes(to)) {
          if (duckdb::StringUtil::CIEquals(name, wanted) && !KeepsValues(type, wanted_type))
            return false;
        }
      }
      return true;
    default:
      return true;
  }
}

bool IsMissedByBloomFilters(const duckdb::Value& constant) {
  switch (constant.type().id()) {
    case LogicalTypeId::BLOB:
      return true;
    case LogicalTypeId::FLOAT:
      return duckdb::Value::IsNan(constant.GetValue<float>());
    case LogicalTypeId::DOUBLE:
      return duckdb::Value::IsNan(constant.GetValue<double>());
    default:
      return false;
  }
}

// Bloom filters are asked for equal values only; a range of one value asks the minimum and maximum.
Filter WithoutBloomFilters(const duckdb::TableFilter& filter) {
  if (filter.filter_type == TableFilterType::CONJUNCTION_AND) {
    auto all = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
    for (const auto& child : filter.Cast<duckdb::ConjunctionAndFilter>().child_filters)
      all->child_filters.push_back(WithoutBloomFilters(*child));
    return all;
  }
  if (filter.filter_type == TableFilterType::CONJUNCTION_OR) {
    auto any = duckdb::make_uniq<duckdb::ConjunctionOrFilter>();
    for (const auto& child : filter.Cast<duckdb::ConjunctionOrFilter>().child_filters)
      any->child_filters.push_back(WithoutBloomFilters(*child));
    return any;
  }
  if (filter.filter_type == TableFilterType::CONSTANT_COMPARISON) {
    const auto& comparison = filter.Cast<duckdb::ConstantFilter>();
    if (comparison.comparison_type == duckdb::ExpressionType::COMPARE_EQUAL &&
        IsMissedByBloomFilters(comparison.constant)) {
      auto range = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
      range->child_filters.push_back(duckdb::make_uniq<duckdb::ConstantFilter>(
          duckdb::ExpressionType::COMPARE_GREATERTHANOREQUALTO, comparison.constant));
      range->child_filters.push_back(duckdb::make_uniq<duckdb::ConstantFilter>(
          duckdb::ExpressionType::COMPARE_LESSTHANOREQUALTO, comparison.constant));
      return range;
    }
  }
  return filter.Copy();
}

// The filter on values of `type`, which DuckDB does not try to turn into one on the file's values;
// nullptr for one that only saves work.
Filter OnConvertedValues(const duckdb::TableFilter& filter, const LogicalType& type) {
  if (filter.filter_type == TableFilterType::OPTIONAL_FILTER ||
      filter.filter_type == TableFilterType::DYNAMIC_FILTER) {
    return nullptr;
  }
  if (filter.filter_type == TableFilterType::CONJUNCTION_AND) {
    auto all = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
    for (const auto& child : filter.Cast<duckdb::ConjunctionAndFilter>().child_filters) {
      if (auto converted = OnConvertedValues(*child, type))
        all->child_filters.push_back(std::move(converted));
    }
    if (all->child_filters.empty()) return nullptr;
    return all;
  }
  duckdb::BoundReferenceExpression column(type, duckdb::idx_t{0});
  return duckdb::make_uniq<duckdb::ExpressionFilter>(filter.ToExpression(column));
}

class MendedReader : public duckdb::MultiFileReader {
 public:
  explicit MendedReader(const std::string& function) { function_name = function; }

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override {
    auto copy = duckdb::make_uniq<MendedReader>(function_name);
    copy->first_file_ = first_file_;
    return copy;
  }

  void BindOptions(duckdb::MultiFileOptions& options, duckdb::MultiFileList& files,
                   duckdb::vector<LogicalType>& types, duckdb::vector<duckdb::string>& names,
                   duckdb::MultiFileReaderBindData& bind_data) override {
    MultiFileReader::BindOptions(options, files, types, names, bind_data);
    first_file_ = files.GetFirstFile().path;
  }

  duckdb::ReaderInitializeType CreateMapping(duckdb::ClientContext& context,
                                             duckdb::MultiFileReaderData& data,
                                             const Columns& columns,
                                             const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                             duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                             duckdb::MultiFileList& files,
                                             const duckdb::MultiFileReaderBindData& bind_data,
                                             const duckdb::virtual_column_map_t& virtual_columns,
                                             duckdb::MultiFileColumnMappingMode mode) override {
    duckdb::TableFilterSet mended;
    for (duckdb::idx_t i = 0; i < column_ids.size(); ++i) {
      duckdb::optional_ptr<const duckdb::MultiFileColumnDefinition> wanted, own;
      if (!column_ids[i].IsVirtualColumn() && !IsConstant(data, i)) {
        wanted = &columns[column_ids[i].GetPrimaryIndex()];
        own = Find(*wanted, data.reader->GetColumns(), mode);
      }
      // Who gives field ids gives the types as well.
      if (own && mode == duckdb::MultiFileColumnMappingMode::BY_NAME)
        CheckType(*wanted, *own, data);
      if (!filters || !filters->filters.count(i)) continue;
      const auto& filter = *filters->filters.at(i);
      bool rounds = own && own->type != wanted->type &&
                    !(own->type.IsIntegral() && wanted->type.IsIntegral());
      auto mend = rounds ? OnConvertedValues(filter, wanted->type) : WithoutBloomFilters(filter);
      if (mend) mended.filters[i] = std::move(mend);
    }
    // A task has a part of the files; errors name the one whose columns are wanted.
    duckdb::SimpleMultiFileList first_file({duckdb::OpenFileInfo(first_file_)});
    auto& named = first_file_.empty() ? files : first_file;
    return MultiFileReader::CreateMapping(context, data, columns, column_ids,
                                          filters ? &mended : nullptr, named, bind_data,
                                          virtual_columns, mode);
  }

 private:
  // Whether the column has one value in the file, such as a key of its folder.
  static bool IsConstant(const duckdb::MultiFileReaderData& data, duckdb::idx_t column) {
    for (const auto& entry : data.constant_map) {
      if (entry.column_idx.GetIndex() == column) return true;
    }
    return false;
  }

  static duckdb::optional_ptr<const duckdb::MultiFileColumnDefinition> Find(
      const duckdb::MultiFileColumnDefinition& wanted, const Columns& columns,
      duckdb::MultiFileColumnMappingMode mode) {
    for (const auto& column : columns) {
      bool is_same = mode == duckdb::MultiFileColumnMappingMode::BY_NAME
                         ? duckdb::StringUtil::CIEquals(wanted.name, column.name)
                         : !column.identifier.IsNull() && wanted.identifier == column.identifier;
      if (is_same) return &column;
    }
    return nullptr;
  }

  void CheckType(const duckdb::MultiFileColumnDefinition& wanted,
                 const duckdb::MultiFileColumnDefinition& own,
                 const duckdb::MultiFileReaderData& data) const {
    if (KeepsValues(own.type, wanted.type)) return;
    throw duckdb::InvalidInputException(
        "Column %s is %s in '%s', but %s in '%s', whose types are those of all files. To read one "
        "as the other could change values. Add union_by_name=true, which finds a type for both, or "
        "write one of the files anew.",
        duckdb::SQLIdentifier(wanted.name), own.type.ToString(), data.reader->GetFileName(),
        wanted.type.ToString(), first_file_);
  }

  std::string first_file_;  // Whose columns are those of the scan.
};

duckdb::unique_ptr<duckdb::MultiFileReader> MakeReader(const duckdb::TableFunction& function) {
  return duckdb::make_uniq<MendedReader>(function.name);
}

}  // namespace

void MendParquetScans(duckdb::DatabaseInstance& database) {
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
    for (const char* name : {"read_parquet", "parquet_scan"}) {
      auto entry = catalog.GetEntry<duckdb::TableFunctionCatalogEntry>(
          *connection.context, DEFAULT_SCHEMA, name, duckdb::OnEntryNotFound::RETURN_NULL);
      if (!entry) continue;  // A DuckDB without Parquet.
      for (auto& function : entry->functions.functions) function.get_multi_file_reader = MakeReader;
    }
  });
}

}  // namespace smallpond
