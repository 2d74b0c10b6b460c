#include "base/content_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdio>

namespace smallpond {
namespace {

std::string ToText(XXH128_hash_t hash) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

}  // namespace

struct ContentHasher::State {
  XXH3_state_t xxh3;
};

ContentHasher::ContentHasher() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh3);
}
ContentHasher::~ContentHasher() = default;

void ContentHasher::Add(const char* bytes, size_t size) {
  XXH3_128bits_update(&state_->xxh3, bytes, size);
}

std::string ContentHasher::Hash() const { return ToText(XXH3_128bits_digest(&state_->xxh3)); }

std::string ContentHash(const std::string& bytes) {
  return ToText(XXH3_128bits(bytes.data(), bytes.size()));
}

}  // namespace smallpond
