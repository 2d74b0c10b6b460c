#include "duckdb_adapter/errors.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace smallpond {
namespace {

using duckdb::ExceptionType;

// What DuckDB's exceptions carry along of an Error of ours: the number of its kind.
constexpr const char* kKindKey = "smallpond_kind";

// What another statement gets to hear when one has made DuckDB give up its database.
constexpr const char* kInvalidated =
    "database has been invalidated because of a previous fatal error";

// DuckDB's type for an error of ours, as far as it goes on otherwise for some of them.
ExceptionType TypeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kIo:
      return ExceptionType::IO;
    case ErrorKind::kOutOfMemory:
      return ExceptionType::OUT_OF_MEMORY;
    case ErrorKind::kCancelled:
      return ExceptionType::INTERRUPT;
    case ErrorKind::kUnsupported:
      return ExceptionType::NOT_IMPLEMENTED;
    default:
      return ExceptionType::INVALID_INPUT;
  }
}

// Whether the message is about a file that ends where no Parquet file does.
bool TellsOfNoParquet(const std::string& message) {
  for (const char* words : {"too small to be a Parquet file", "No magic bytes found",
                            "Footer length error", "Invalid footer length"}) {
    if (message.find(words) != std::string::npos) return true;
  }
  return false;
}

ErrorKind KindOf(ExceptionType type, const std::string& message) {
  // DuckDB calls a file whose end is lost an invalid input, and one whose middle is damaged an I/O
  // error. For a caller they are the same.
  if (TellsOfNoParquet(message)) return ErrorKind::kIo;
  if (message.find(kInvalidated) != std::string::npos) return ErrorKind::kUnavailable;
  switch (type) {
    case ExceptionType::OUT_OF_MEMORY:
      return ErrorKind::kOutOfMemory;
    case ExceptionType::IO:
    case ExceptionType::PERMISSION:
      return ErrorKind::kIo;
    case ExceptionType::NETWORK:
    case ExceptionType::HTTP:
    case ExceptionType::CONNECTION:
      return ErrorKind::kUnavailable;
    case ExceptionType::INTERRUPT:
      return ErrorKind::kCancelled;
    case ExceptionType::NOT_IMPLEMENTED:
      // COPY's word for an option that no version knows.
      if (message.find("Unrecognized option") != std::string::npos) return ErrorKind::kInvalidInput;
      if (message.find("Unknown TimeZone") != std::string::npos) return ErrorKind::kInvalidInput;
      return ErrorKind::kUnsupported;
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD:
      return ErrorKind::kUnsupported;
    case ExceptionType::INTERNAL:
    case ExceptionType::FATAL:
    case ExceptionType::NULL_POINTER:
    case ExceptionType::SERIALIZATION:
      return ErrorKind::kInternal;
    case ExceptionType::INVALID:
      // A bare std::exception. The allocator throws std::bad_alloc without a type.
      return message.find("bad_alloc") != std::string::npos ? ErrorKind::kOutOfMemory
                                                            : ErrorKind::kInternal;
    default:
      return ErrorKind::kInvalidInput;
  }
}

// The name of the extension that a message says is missing, or nothing.
std::string MissingExtension(const std::string& message) {
  constexpr std::string_view kAutoload = "the required extension '";
  if (size_t at = message.find(kAutoload); at != std::string::npos) {
    size_t begin = at + kAutoload.size();
    return message.substr(begin, message.find('\'', begin) - begin);
  }
  constexpr std::string_view kDownload = "Failed to download extension \"";
  if (size_t at = message.find(kDownload); at != std::string::npos) {
    size_t begin = at + kDownload.size();
    return message.substr(begin, message.find('"', begin) - begin);
  }
  constexpr std::string_view kElsewhere = "but it exists in the ";  // And is loaded by name alone.
  if (size_t at = message.find(kElsewhere); at != std::string::npos) {
    size_t begin = at + kElsewhere.size();
    return message.substr(begin, message.find(' ', begin) - begin);
  }
  size_t end = message.find(".duckdb_extension\" not found");
  if (end == std::string::npos) return "";
  size_t begin = message.rfind('/', end) + 1;
  return message.substr(begin, end - begin);
}

// What DuckDB's message leaves out.
std::string Advice(const std::string& message) {
  if (std::string name = MissingExtension(message); !name.empty()) {
    std::string version = std::string(duckdb::DuckDB::LibraryVersion()).substr(1);  // "v1.5.5"
    return "\nWhere DuckDB's server can't be reached, install it as a package and open the session "
           "again: pip install " +
           (name == "httpfs" ? "'smallpond[s3]'" : "duckdb-extension-" + name + "==" + version);
  }
  if (TellsOfNoParquet(message)) {
    return "\nIt is empty, cut off, or not a Parquet file. Write or copy it again, or leave it out "
           "of the paths.";
  }
  return "";
}

// Removes what begins with `words`, up to the end.
void CutOff(std::string& text, const std::string& words) {
  text.resize(std::min(text.size(), text.find(words)));
}

// Removes the name that DuckDB proposes for a missing table where it is one of its own and the
// query named none such: it proposes the nearest of all, however far.
void RemoveSystemTable(std::string& text) {
  constexpr std::string_view kWords = "\nDid you mean \"";
  size_t begin = text.find(kWords);
  size_t end = begin == std::string::npos ? begin : text.find("\"?", begin + kWords.size());
  if (end == std::string::npos) return;
  for (const char* prefix : {"pg_", "sqlite_", "pragma_", "duckdb_", "information_schema"}) {
    size_t found = text.find(prefix);
    if (found < begin || found >= end) continue;
    text.erase(begin, end + 2 - begin);
    return;
  }
}

// What a caller can use of DuckDB's message. The class of our error says some kinds already; that
// of a bug comes with an address of DuckDB's and a trace of its functions, lack of memory with
// settings that callers here have other names for, and some with DuckDB's notes to itself.
std::string Text(const duckdb::ErrorData& error) {
  const std::string& message = error.RawMessage();
  if (message.find(kInvalidated) != std::string::npos) {
    constexpr const char* kOriginal = "Original error: ";
    size_t original = message.find(kOriginal);
    return "DuckDB failed in another query, and this one with it. Run it again." +
           (original == std::string::npos
                ? ""
                : " The other's error: " +
                      message.substr(original + std::char_traits<char>::length(kOriginal)));
  }
  std::string text = error.Message();
  switch (error.Type()) {
    case ExceptionType::INVALID_INPUT:
    case ExceptionType::NOT_IMPLEMENTED:
      text = error.RawMessage();
      break;
    case ExceptionType::INTERNAL:
    case ExceptionType::FATAL:
      text = "DuckDB failed unexpectedly: " + error.RawMessage();
      break;
    case ExceptionType::OUT_OF_MEMORY:
      CutOff(text, "\n\nPossible solutions:");
      break;
    default:
      break;
  }
  CutOff(text, "\nThis error signals an assertion failure");
  CutOff(text, "\n\nStack Trace:");
  RemoveSystemTable(text);
  const std::string note = std::string("FIX") + "ME";  // No source of ours holds the word.
  if (size_t mark = text.find(note); mark != std::string::npos) {
    bool has_colon = text.compare(mark + note.size(), 2, ": ") == 0;
    text.erase(mark, note.size() + (has_colon ? 2 : 1));
  }
  return text;
}

}  // namespace

void ThrowAsOurs(const duckdb::ErrorData& error) {
  auto own = error.ExtraInfo().find(kKindKey);
  if (own != error.ExtraInfo().end()) {
    throw Error(static_cast<ErrorKind>(std::atoi(own->second.c_str())), error.RawMessage());
  }
  throw Error(KindOf(error.Type(), error.Message()), Text(error) + Advice(error.Message()));
}

void ThrowAsOurs(const std::exception& exception, const std::string& query) {
  duckdb::ErrorData error(exception);
  error.AddErrorLocation(query);
  ThrowAsOurs(error);
}

void ThrowIntoDuckDB(const std::exception& handled) {
  auto throw_ours = [](ErrorKind kind, const std::string& message) {
    throw duckdb::Exception({{kKindKey, std::to_string(static_cast<int>(kind))}}, TypeOf(kind),
                            message);
  };
  if (const auto* ours = dynamic_cast<const Error*>(&handled)) {
    throw_ours(ours->kind(), ours->what());
  }
  duckdb::ErrorData error(handled);
  bool ends_database =
      error.Type() == ExceptionType::INTERNAL || error.Type() == ExceptionType::FATAL;
  if (ends_database) throw_ours(ErrorKind::kInternal, error.RawMessage());
  throw;
}

}  // namespace smallpond
