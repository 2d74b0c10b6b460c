#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace smallpond {

/// Names content: 32 hexadecimal digits of its 128-bit XXH3 hash. Not for secrets.
std::string ContentHash(const std::string& bytes);

/// The same of content that comes piece by piece.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();

  void Add(const char* bytes, size_t size);
  std::string Hash() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smallpond
