#pragma once

#include <gtest/gtest.h>

#include <string>

#include "smallpond/error.h"

namespace smallpond {

/// Runs `work`, which has to throw an Error of this kind, and returns the text of it.
template <class Work>
std::string ErrorOf(ErrorKind kind, Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKindName(error.kind()), ErrorKindName(kind)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

template <class Work>
std::string InvalidInputOf(Work&& work) {
  return ErrorOf(ErrorKind::kInvalidInput, work);
}

/// For EXPECT_PRED_FORMAT2(Contains, text, part): a failure prints both.
inline ::testing::AssertionResult Contains(const char*, const char*, const std::string& text,
                                           const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\"\ndoes not contain \"" << part << "\"";
}

}  // namespace smallpond

#define EXPECT_CONTAINS(text, part) EXPECT_PRED_FORMAT2(::smallpond::Contains, text, part)
#define EXPECT_LACKS(text, part) \
  EXPECT_EQ(std::string(text).find(part), std::string::npos) << "in: " << (text)
