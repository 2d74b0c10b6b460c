#include "base/shown_paths.h"

#include <cctype>
#include <map>
#include <mutex>

namespace smallpond {
namespace {

struct ShownPaths {
  std::mutex mutex;  // Guards the map.
  std::map<std::string, std::string> by_opened;

  // Never destroyed: errors are made while the process ends.
  static ShownPaths& Get() {
    static auto* paths = new ShownPaths;
    return *paths;
  }
};

void Replace(const std::string& opened, const std::string& shown, std::string& text) {
  for (size_t at = text.find(opened); at != std::string::npos; at = text.find(opened, at)) {
    size_t end = at + opened.size();
    bool is_another = end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]));
    if (!is_another) text.replace(at, opened.size(), shown);
    at += is_another ? opened.size() : shown.size();
  }
}

}  // namespace

void ShowPathAs(const std::string& opened, const std::string& shown) {
  auto& paths = ShownPaths::Get();
  std::lock_guard lock(paths.mutex);
  paths.by_opened[opened] = shown;
}

void ForgetShownPath(const std::string& opened) {
  auto& paths = ShownPaths::Get();
  std::lock_guard lock(paths.mutex);
  paths.by_opened.erase(opened);
}

std::string WithShownPaths(std::string text) {
  auto& paths = ShownPaths::Get();
  std::lock_guard lock(paths.mutex);
  for (const auto& [opened, shown] : paths.by_opened) Replace(opened, shown, text);
  return text;
}

}  // namespace smallpond
