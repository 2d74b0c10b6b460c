#pragma once

#include <string>

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Lets queries read pipes, devices and sockets ("/dev/stdin", a FIFO, "<(…)") like files. A query
/// opens its files several times, and a pipe gives its bytes once: so the first look at it copies
/// them into a file that only this user can read, in a folder of its own below `temp_dir`, and
/// queries read that, now and later, also in other processes of this machine. The files go with the
/// database. The copying ends when the pipe does, or with an interrupt of the connection. It is
/// done by `opened_temp_dir`, which leads this process to the folder whatever has its name. Called
/// once for a database, before its first query.
void ReadPipesOnce(duckdb::DatabaseInstance& database, const std::string& temp_dir,
                   const std::string& opened_temp_dir);

}  // namespace smallpond
