// Fields: what an entity is made of, listed once beside it, in the order in which it is shown. Who reads a request,
// reads or writes a row, renders an answer or applies a change goes along the list, and knows each type of field
// (WordsOf: an enum's words).
//
//   template <>
//   struct Fields<Journal> {
//     template <typename Visit>
//     static void each(Visit &&visit) {
//       visit("name", &Journal::name, kNamed);
//
// What a list does not say, such as a part that a row and an answer have in different shapes,
// is written by hand beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/values.h"

namespace cala::core {

// What of a field its type does not say.
struct FieldKind {
  bool given = true;       // a request gives it when the entity is made
  bool changes = false;    // and so may an update
  bool drawn = false;      // an id: where none is given, the library draws it
  bool required = false;   // though it has a default
  bool not_empty = false;  // a text
  bool json = false;       // a text, of JSON
  bool shown = true;       // false: it is in rows only
  std::size_t most = 0;    // items of a list
};

inline constexpr FieldKind kId{.drawn = true};
inline constexpr FieldKind kKept{.given = false};  // by the library
inline constexpr FieldKind kHidden{.given = false, .shown = false};
inline constexpr FieldKind kGiven{};
inline constexpr FieldKind kChanges{.changes = true};
inline constexpr FieldKind kNamed{.changes = true, .not_empty = true};
inline constexpr FieldKind kJsonText{.changes = true, .json = true};

template <typename T>
struct Fields;

template <typename T>
concept Listed = requires {
  Fields<T>::each([](auto &&...) {});
};

// The words of an enum in documents.
template <typename T>
struct WordsOf;

template <>
struct WordsOf<Direction> {
  static constexpr const char *all = "debit, credit";
  static std::optional<Direction> parse(std::string_view text) { return parse_direction(text); }
  static std::string_view text(Direction value) { return text_of(value); }
};

template <>
struct WordsOf<Layer> {
  static constexpr const char *all = "settled, pending, encumbrance";
  static std::optional<Layer> parse(std::string_view text) { return parse_layer(text); }
  static std::string_view text(Layer value) { return text_of(value); }
};

template <>
struct WordsOf<LockStatus> {
  static constexpr const char *all = "active, locked";
  static std::optional<LockStatus> parse(std::string_view text) { return parse_lock_status(text); }
  static std::string_view text(LockStatus value) { return text_of(value); }
};

template <>
struct WordsOf<BalanceRollup> {
  static constexpr const char *all = "synchronous, eventually_consistent";
  static std::optional<BalanceRollup> parse(std::string_view text) { return parse_balance_rollup(text); }
  static std::string_view text(BalanceRollup value) { return text_of(value); }
};

template <typename T>
concept Worded = requires {
  WordsOf<T>::all;
};

}  // namespace cala::core
