#include "base/standard_errors.h"

#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

namespace smallpond {

void ThrowStandardError() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory,
                "This process can't get more memory from the system. Give it more, or less work at "
                "a time.");
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(ErrorKind::kIo,
                "'" + error.path1().string() + "' can't be used: " + error.code().message() + ".");
  } catch (const std::system_error& error) {
    throw Error(ErrorKind::kUnavailable,
                std::string("The system refuses what is needed: ") + error.what() +
                    ". It may allow too few threads or open files (ulimit -u, ulimit -n).");
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInternal, error.what());
  } catch (const std::logic_error& error) {
    throw Error(ErrorKind::kInternal, error.what());
  } catch (const std::runtime_error& error) {
    throw Error(ErrorKind::kInternal, error.what());
  }
}

}  // namespace smallpond
