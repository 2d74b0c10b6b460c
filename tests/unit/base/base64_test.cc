#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace smallpond {
namespace {

TEST(Base64Url, GivesTheTextsOfItsStandard) {
  EXPECT_EQ(Base64Url(""), "");
  EXPECT_EQ(Base64Url("f"), "Zg");
  EXPECT_EQ(Base64Url("fo"), "Zm8");
  EXPECT_EQ(Base64Url("foo"), "Zm9v");
  EXPECT_EQ(Base64Url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64Url, GivesBytesBack) {
  std::string bytes;
  for (int length = 0; length < 600; ++length) {
    EXPECT_EQ(FromBase64Url(Base64Url(bytes)), bytes);
    bytes += static_cast<char>(length * 7);
  }
}

TEST(Base64Url, TakesNoOtherCharacters) {
  for (const char* text : {"Zm9v\n", "Zm9+", "Zm9/", "Zg==", "Zm 9v", "\xff"})
    EXPECT_EQ(FromBase64Url(text), std::nullopt) << text;
}

}  // namespace
}  // namespace smallpond
