#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Functions that put rows into ranges of their sort keys, so that all rows of one range come
/// before all of the next. What is before what is decided once, by a sample of the keys:
///
///     smallpond_short_key(key)                the first bytes of a key, which are enough to place
///     it smallpond_sample(keys)                  a list of such keys → sorted, thinned
///     smallpond_range(key, sample, columns…)  the number of a row's range, of kRangeNumbers
///
/// Keys are what DuckDB's create_sort_key makes, which compare as bytes. Rows with a key that the
/// sample has many times are spread over all ranges that it fills, by their columns' hash: they may
/// come in any order. Registered on every database that plans or runs fragments.
void RegisterRangeNumbers(duckdb::DatabaseInstance& database);

/// Returns the bytes by which DuckDB sorts rows by `orders`.
duckdb::unique_ptr<duckdb::Expression> SortKey(
    duckdb::ClientContext& context, const duckdb::vector<duckdb::BoundOrderByNode>& orders);

duckdb::unique_ptr<duckdb::Expression> ShortKey(duckdb::ClientContext& context,
                                                duckdb::unique_ptr<duckdb::Expression> key);

/// Returns the sample of a column that holds a list of short keys.
duckdb::unique_ptr<duckdb::Expression> SampleOf(duckdb::ClientContext& context,
                                                duckdb::unique_ptr<duckdb::Expression> keys);

/// Returns the number of a row's range. A `sample` that is NULL has no keys: all is one range.
/// Without `columns` rows with equal keys stay together.
duckdb::unique_ptr<duckdb::Expression> RangeNumber(
    duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::Expression> key,
    duckdb::unique_ptr<duckdb::Expression> sample,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> columns);

}  // namespace smallpond
