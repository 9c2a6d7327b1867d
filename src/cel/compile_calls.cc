#include "cel/compiler.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

bool accepts(std::string_view signature, const Type *const *types, std::uint32_t count) {
  std::uint32_t arg = 0;
  std::size_t at = 0;
  while (signature[at] != '>' && arg < count &&
         (types[arg]->is_dyn() || letter_accepts(signature[at], types[arg]->kind))) {
    ++arg;
    if (signature[at + 1] != '+') {
      ++at;
    } else if (arg == count) {
      at += 2;
    }
  }
  return arg == count && signature[at] == '>';
}

const Type *element_of(const Type *type) {
  return type->element == nullptr ? scalar_type(Kind::kAbsent) : type->element;
}

Kind kind_of_letter(char letter) {
  for (int kind = 0; kind < static_cast<int>(Kind::kError); ++kind) {
    if (kind_letter(static_cast<Kind>(kind)) == letter) return static_cast<Kind>(kind);
  }
  return Kind::kAbsent;
}

std::string_view letter_text(char letter) {
  switch (letter) {
    case '*': return "any";
    case '#': return "number";
    case 'c': return "timestamp or date";
    default: break;
  }
  static constexpr std::string_view kNames[] = {"bool", "int",  "uint",      "double",   "string", "bytes",
                                                "list", "map",  "timestamp", "duration", "type",   "decimal",
                                                "uuid", "date", "null",      "optional"};
  static constexpr std::string_view kLetters = "biudsylmtrTDUANO";
  const std::size_t at = kLetters.find(letter);
  return at == std::string_view::npos ? std::string_view("any") : kNames[at];
}

std::string signature_hint(OverloadRange range) {
  std::string hint = "it takes ";
  for (std::size_t i = 0; i < range.count && i < 4; ++i) {
    if (i > 0) hint += " or ";
    hint += '(';
    const std::string_view signature = range.first[i].signature;
    for (std::size_t at = 0; signature[at] != '>'; ++at) {
      if (signature[at] == '+') {
        hint += ", ...";
        continue;
      }
      if (at > 0) hint += ", ";
      hint += letter_text(signature[at]);
    }
    hint += ')';
  }
  return hint;
}

}  // namespace

const Type *Compiler::result_type(std::string_view signature, const Type *const *types, std::uint32_t count) {
  const char letter = signature[signature.find('>') + 1];
  const Type *dyn = scalar_type(Kind::kAbsent);
  const Type *first = count > 0 ? types[0] : dyn;
  switch (letter) {
    case '*': return dyn;
    case 'e':
    case 'v': return element_of(first);
    case '=': return first;
    case 'P': return optional_type(scratch_, first);
    case 'E': return optional_type(scratch_, element_of(first));
    case 'w': return join_types(scratch_, element_of(first), count > 1 ? types[1] : dyn);
    default: return scalar_type(kind_of_letter(letter));
  }
}

const Type *Compiler::call_type(OverloadRange range, const Type *const *types, std::uint32_t count,
                                std::uint32_t position, std::string_view name) {
  const Type *result = nullptr;
  for (std::size_t i = 0; i < range.count; ++i) {
    const std::string_view signature = range.first[i].signature;
    if (!accepts(signature, types, count)) continue;
    const Type *type = result_type(signature, types, count);
    result = result == nullptr || result == type ? type : join_types(scratch_, result, type);
  }
  if (result != nullptr) return result;
  std::string message = "no such overload: " + std::string(name) + "(";
  for (std::uint32_t i = 0; i < count; ++i) message += (i > 0 ? ", " : "") + type_text(types[i]);
  refuse(position, message + ")", signature_hint(range));
  return scalar_type(Kind::kAbsent);
}

// `text.matches('literal')`: the pattern is compiled with the expression.
bool Compiler::regex_step(Node *node, Current &current, Step &made) {
  const bool known = node->name == "matches" && made.item_count == 1 && made.items[0]->is_constant() &&
                     made.items[0]->constant.is(Kind::kString);
  if (!known || !current.type->may_be(Kind::kString)) return false;
  const std::string_view pattern = made.items[0]->constant.as_text();
  std::string why;
  if (pattern.size() > kMaxPattern) {
    refuse(node->position, "the pattern is longer than 1024 bytes");
    return false;
  }
  auto regex = Regex::compile(pattern, why);
  if (regex == nullptr) {
    refuse(node->position, "invalid regular expression: " + why);
    return false;
  }
  made.kind = StepKind::kMatches;
  made.regex = regex.get();
  made.items = nullptr;
  made.item_count = 0;
  plan_.regexes.push_back(std::move(regex));
  push(current, made, scalar_type(Kind::kBool));
  return true;
}

void Compiler::call_step(Node *node, Current &current) {
  const Form form = node->kind == NodeKind::kMemberCall ? kMember : kGlobal;
  const std::uint32_t skipped = form == kMember ? 0 : 1;
  const std::uint32_t rest = node->item_count - skipped;
  const OverloadRange range = function_named(node->name, {.form = form, .rooted = node->has(kRooted)});
  const Type **types = scratch_.allocate_array<const Type *>(rest + 1);
  if (types == nullptr) {
    out_of_memory_ = true;
    return;
  }
  types[0] = current.type;
  const Expr *const *items = build_items(node->items + skipped, rest, types + 1);
  if (items == nullptr) return;
  Step made;
  made.kind = StepKind::kCall;
  made.position = node->position;
  made.items = items;
  made.item_count = rest;
  made.overloads = range;
  if (range.count == 0) {
    refuse_function(node, form);
    return push(current, made, scalar_type(Kind::kAbsent));
  }
  if (node->name == "dyn") {
    current.type = scalar_type(Kind::kAbsent);
    return;
  }
  if (regex_step(node, current, made)) return;
  push(current, made, call_type(range, types, rest + 1, node->position, node->name));
}

}  // namespace cala::cel
