#pragma once

namespace smallpond {

/// How the rows of one stage reach the tasks of another.
enum class ExchangeKind {
  kForward,    ///< Task i reads what task i wrote, if there was one.
  kHash,       ///< Equal keys meet: a task reads a range of partitions of every producer's file.
  kRange,      ///< The same, but partitions are ordered by the keys.
  kBroadcast,  ///< Every task reads everything.
  kGather,     ///< The one task reads everything.
};

/// Whether a task reads a range of the partitions, and others read the rest.
inline bool SharesPartitions(ExchangeKind kind) {
  return kind == ExchangeKind::kHash || kind == ExchangeKind::kRange;
}

/// The kind in lower case, "hash".
inline const char* ExchangeKindName(ExchangeKind kind) {
  switch (kind) {
    case ExchangeKind::kForward:
      return "forward";
    case ExchangeKind::kHash:
      return "hash";
    case ExchangeKind::kRange:
      return "range";
    case ExchangeKind::kBroadcast:
      return "broadcast";
    case ExchangeKind::kGather:
      return "gather";
  }
  return "";
}

}  // namespace smallpond
