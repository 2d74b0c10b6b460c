#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes requests of the httpfs extension hear an interrupt: a server that accepts and says nothing
/// would be waited for by httpfs's own time. GET and HEAD are sent by a thread of their own, which
/// goes on by itself, and hands nothing over any more, where the query that waits for it is
/// interrupted. Requests that change something are sent as ever. Called once for a database, before
/// its first query.
void HearInterruptsInRequests(duckdb::DatabaseInstance& database);

}  // namespace smallpond
