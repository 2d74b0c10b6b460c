#include "storage/job/checked_text.h"

#include <string_view>

#include "base/content_hash.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr std::string_view kBegin = "{\"checksum\": \"";
constexpr std::string_view kMiddle = "\", \"content\":\n";
constexpr std::string_view kEnd = "}\n";
constexpr size_t kHashDigits = 32;

[[noreturn]] void ThrowChanged(const std::string& path) {
  throw Error(ErrorKind::kIo, "'" + path +
                                  "', a part of the job, is not what was written: it was damaged "
                                  "or changed since. Check the storage of the job's folder "
                                  "(data_root), and run the query again.");
}

// "JOB/stage-3/outputs-0.json": what a file is, wherever the folder of jobs lies.
std::string NameOfList(const std::string& path) {
  size_t begin = path.size();
  for (int part = 0; part < 3; ++part) {
    size_t slash = begin == 0 ? std::string::npos : path.rfind('/', begin - 1);
    if (slash == std::string::npos) return path;
    begin = slash;
  }
  return path.substr(begin + 1);
}

std::string Checksum(const std::string& list, const std::string& path) {
  return ContentHash(NameOfList(path) + "\n" + list);
}

}  // namespace

std::string WithChecksum(const std::string& list, const std::string& path) {
  return std::string(kBegin) + Checksum(list, path) + std::string(kMiddle) + list +
         std::string(kEnd);
}

std::string CheckedList(const std::string& file, const std::string& path) {
  constexpr size_t kListBegin = kBegin.size() + kHashDigits + kMiddle.size();
  if (file.size() < kListBegin + kEnd.size()) ThrowChanged(path);
  std::string list = file.substr(kListBegin, file.size() - kListBegin - kEnd.size());
  if (file != WithChecksum(list, path)) ThrowChanged(path);
  return list;
}

std::string CheckedFragment(std::string bytes, const std::string& path) {
  if (ContentHash(bytes) != path.substr(path.rfind('/') + 1)) ThrowChanged(path);
  return bytes;
}

}  // namespace smallpond
