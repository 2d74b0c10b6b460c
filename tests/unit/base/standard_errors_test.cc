#include "base/standard_errors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "error_of.h"

namespace smallpond {
namespace {

template <class Work>
std::string Translated(ErrorKind kind, Work&& work) {
  return ErrorOf(kind, [&] { TranslatingStandardErrors(work); });
}

struct Foreign : std::exception {};

TEST(StandardErrors, BecomeErrorsOfAKind) {
  EXPECT_CONTAINS(Translated(ErrorKind::kOutOfMemory, [] { throw std::bad_alloc(); }), "memory");
  EXPECT_CONTAINS(Translated(ErrorKind::kIo, [] { (void)std::filesystem::file_size("/no/such"); }),
                  "'/no/such' can't be used: No such file or directory.");
  EXPECT_CONTAINS(Translated(ErrorKind::kUnavailable,
                             [] {
                               throw std::system_error(
                                   std::make_error_code(std::errc::resource_unavailable_try_again));
                             }),
                  "threads");
  Translated(ErrorKind::kInternal, [] { (void)std::vector<int>().at(1); });
  Translated(ErrorKind::kInternal, [] { (void)std::stoi("x"); });
  Translated(ErrorKind::kInternal, [] { nlohmann::json json = nlohmann::json::parse("{"); });
  EXPECT_EQ(Translated(ErrorKind::kUserCode, [] { throw Error(ErrorKind::kUserCode, "ours"); }),
            "ours");
}

TEST(StandardErrors, LeaveOthersAlone) {
  EXPECT_THROW(TranslatingStandardErrors([] { throw Foreign(); }), Foreign);
  EXPECT_EQ(TranslatingStandardErrors([] { return 7; }), 7);
}

}  // namespace
}  // namespace smallpond
