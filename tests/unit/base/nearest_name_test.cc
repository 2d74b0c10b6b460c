#include "base/nearest_name.h"

#include <gtest/gtest.h>

namespace smallpond {
namespace {

TEST(NearestName, FindsAMisspelledName) {
  EXPECT_EQ(NearestName("usr_id", {"event_id", "user_id", "country"}), "user_id");
  EXPECT_EQ(NearestName("thread", {"threads", "partitions"}), "threads");
  EXPECT_EQ(NearestName("theards", {"threads", "partitions"}), "threads");
}

TEST(NearestName, PrefersTheSmallestDistanceThenTheFirst) {
  EXPECT_EQ(NearestName("price", {"prices_", "prices", "prize"}), "prices");
  EXPECT_EQ(NearestName("price", {"prices_", "price"}), "price");
}

TEST(NearestName, GivesNothingWhereNoneIsMeant) {
  EXPECT_EQ(NearestName("amount", {"country", "day", "id"}), "");
  EXPECT_EQ(NearestName("amount", {}), "");
  EXPECT_EQ(NearestName("a", {"b"}), "");
}

TEST(NearestName, DrawsTheLineAtAThirdOfTheLongerName) {
  EXPECT_EQ(NearestName("abcdef", {"abcdxy"}), "abcdxy");  // 2 of 6
  EXPECT_EQ(NearestName("abcdef", {"abcxyz"}), "");        // 3 of 6
  EXPECT_EQ(NearestName("abc", {"abx"}), "abx");           // 1 of 3
  EXPECT_EQ(NearestName("ab", {"ax"}), "");                // 1 of 2
}

TEST(NearestName, TakesEmptyNames) {
  EXPECT_EQ(NearestName("", {"a"}), "");
  EXPECT_EQ(NearestName("a", {""}), "");
}

}  // namespace
}  // namespace smallpond
