// Names: locals, params, variables (also qualified, inside a container), context.vars,
// the ledger's constants and type names.
#include <algorithm>

#include "cel/compiler.h"
#include "cel/failure.h"

namespace cala::cel {

const ContextFieldSpec kContextFieldSpecs[kContextFieldCount] = {
    {ContextMap::kTransaction, "id", Kind::kUuid},
    {ContextMap::kTransaction, "createdAt", Kind::kTimestamp},
    {ContextMap::kTransaction, "journalId", Kind::kUuid},
    {ContextMap::kTransaction, "txTemplateId", Kind::kUuid},
    {ContextMap::kTransaction, "effective", Kind::kDate},
    {ContextMap::kTransaction, "correlationId", Kind::kString},
    {ContextMap::kTransaction, "metadata", Kind::kAbsent},
    {ContextMap::kEntry, "id", Kind::kUuid},
    {ContextMap::kEntry, "entryType", Kind::kString},
    {ContextMap::kEntry, "sequence", Kind::kUint},
    {ContextMap::kEntry, "layer", Kind::kString},
    {ContextMap::kEntry, "direction", Kind::kString},
    {ContextMap::kEntry, "units", Kind::kDecimal},
    {ContextMap::kEntry, "currency", Kind::kString},
    {ContextMap::kEntry, "metadata", Kind::kAbsent},
    {ContextMap::kAccount, "id", Kind::kUuid},
    {ContextMap::kAccount, "name", Kind::kString},
    {ContextMap::kAccount, "externalId", Kind::kString},
    {ContextMap::kAccount, "normalBalanceType", Kind::kString},
    {ContextMap::kAccount, "metadata", Kind::kAbsent},
};

namespace {

constexpr std::string_view kConstants[] = {"SETTLED", "PENDING", "ENCUMBRANCE", "DEBIT", "CREDIT"};

constexpr std::string_view kTypeNames[] = {"bool",
                                           "int",
                                           "uint",
                                           "double",
                                           "string",
                                           "bytes",
                                           "list",
                                           "map",
                                           "null_type",
                                           "type",
                                           "google.protobuf.Timestamp",
                                           "google.protobuf.Duration",
                                           "optional_type",
                                           "cala.Decimal",
                                           "cala.Uuid",
                                           "cala.Date"};

bool is_plain_selection(const Node *node) {
  return node->kind == NodeKind::kSelect && !node->has(kOptional) && !node->has(kQuoted);
}

struct ContextChild {
  ContextMap of;
  std::string_view name;
  ContextMap child;
};
constexpr ContextChild kContextChildren[] = {
    {ContextMap::kContext, "vars", ContextMap::kVars},
    {ContextMap::kVars, "transaction", ContextMap::kTransaction},
    {ContextMap::kVars, "entry", ContextMap::kEntry},
    {ContextMap::kVars, "account", ContextMap::kAccount},
};

std::string did_you_mean(std::string_view name) {
  return name.empty() ? std::string() : "did you mean `" + std::string(name) + "`?";
}

}  // namespace

// The selection that stands directly on what was built so far, nullptr when something else does.
Node *Compiler::next_selection(const Current &current) const {
  if (spine_.size() == current.first_spine) return nullptr;
  Node *next = spine_.back();
  return is_plain_selection(next) ? next : nullptr;
}

void Compiler::identifier(Node *node, Current &current) {
  if (!node->has(kRooted) && local_name(node, current)) return;
  if (variable_name(node, current)) return;
  if (!options_.params.empty() && node->name == "params") {
    if (params_name(node, current)) return;
  }
  if (options_.context && node->name == "context") {
    if (context_name(node, current)) return;
  }
  const auto *constant_name = std::find(std::begin(kConstants), std::end(kConstants), node->name);
  if (constant_name != std::end(kConstants)) return constant(current, Value::string(*constant_name));
  if (type_name(node->name, current)) return;
  unknown_name(node, current);
}

namespace {

bool is_text(ResultAs as) { return as == ResultAs::kString || as == ResultAs::kCurrency || as == ResultAs::kAny; }

}  // namespace

void Compiler::unknown_name(Node *node, Current &current) {
  const Node *next = next_selection(current);
  std::string hint = suggest_name(node->name, next);
  const Node *call = spine_.size() > current.first_spine ? spine_.back() : nullptr;
  if (hint.empty() && call != nullptr && call->kind == NodeKind::kMemberCall) {
    std::size_t count = 0;
    const std::string_view *names = function_names(count);
    hint = did_you_mean(nearest_name(std::string(node->name) + "." + std::string(call->name), names, count));
  }
  // A word by itself where a text is needed: DEPOSIT for 'DEPOSIT'.
  const bool alone = next == nullptr && call == nullptr && plan_.source.find_first_not_of(' ') == node->position &&
                     plan_.source.find_last_not_of(' ') + 1 == node->position + node->name.size();
  const bool param = hint.find("params") != std::string::npos;
  if (alone && !param && is_text(options_.as)) hint = "a text is in quotes: '" + std::string(node->name) + "'";
  refuse(node->position, "unknown variable '" + std::string(node->name) + "'", std::move(hint));
  constant(current, Value::failure(FailureCode::kUnknownVariable, node->position, node->name));
}

bool Compiler::local_name(Node *node, Current &current) {
  for (std::size_t i = locals_.size(); i-- > 0;) {
    if (locals_[i].name != node->name) continue;
    current.expr.leaf = LeafKind::kLocal;
    current.expr.index = locals_[i].slot;
    current.type = locals_[i].type;
    return true;
  }
  return false;
}

// Tries the name in the container and in each part of it: a.b.c makes x mean a.b.c.x, a.b.x, a.x, x.
template <typename Found>
bool Compiler::in_container(std::string_view name, bool rooted, Found found) {
  std::string_view container = rooted ? std::string_view() : options_.container;
  while (!container.empty()) {
    std::string full(container);
    full += '.';
    full += name;
    if (found(std::string_view(full))) return true;
    const std::size_t dot = container.rfind('.');
    container = dot == std::string_view::npos ? std::string_view() : container.substr(0, dot);
  }
  return found(name);
}

bool Compiler::variable_at(std::string_view name, Current &current) {
  for (std::size_t i = 0; i < options_.variables.size(); ++i) {
    if (options_.variables[i].name != name) continue;
    current.expr.leaf = LeafKind::kVariable;
    current.expr.index = static_cast<std::uint32_t>(i);
    current.expr.name = plan_.arena.copy(name);
    current.type = declared_type(scratch_, options_.variables[i]);
    return true;
  }
  return false;
}

// The longest prefix of a.b.c that names a variable or type wins; its selections are taken off the spine.
bool Compiler::variable_name(Node *node, Current &current) {
  const bool rooted = node->has(kRooted);
  const bool may_be_qualified = !options_.variables.empty() || node->name == "google" || node->name == "cala";
  std::size_t most = 0;
  const bool parenthesized = node->has(kParenthesized);
  if (may_be_qualified && !parenthesized) {
    for (std::size_t at = spine_.size(); at > current.first_spine; --at) {
      const Node *next = spine_[at - 1];
      if (!is_plain_selection(next) || next->has(kTestOnly)) break;
      ++most;
      if (next->has(kParenthesized)) break;
    }
  }
  if (most == 0 && options_.variables.empty()) return false;
  for (std::size_t taken = most + 1; taken-- > 0;) {
    std::string name(node->name);
    for (std::size_t i = 0; i < taken; ++i) {
      name += '.';
      name += spine_[spine_.size() - 1 - i]->name;
    }
    const bool found = in_container(name, rooted, [&](std::string_view full) {
      return variable_at(full, current) || (taken > 0 && type_name(full, current));
    });
    if (!found) continue;
    spine_.resize(spine_.size() - taken);
    return true;
  }
  return false;
}

bool Compiler::type_name(std::string_view name, Current &current) {
  const auto *known = std::find(std::begin(kTypeNames), std::end(kTypeNames), name);
  if (known == std::end(kTypeNames)) return false;
  constant(current, Value::type(*known));
  return true;
}

bool Compiler::params_name(Node *node, Current &current) {
  current.expr.name = node->name;
  if (Node *next = next_selection(current); next != nullptr && !node->has(kParenthesized)) {
    spine_.pop_back();
    param_field(next, current);
    return true;
  }
  current.expr.leaf = LeafKind::kAllParams;
  current.type = map_type(scratch_, scalar_type(Kind::kString), scalar_type(Kind::kAbsent));
  plan_.params_read.assign(options_.params.size(), true);
  return true;
}

void Compiler::param_field(Node *select, Current &current) {
  for (std::size_t i = 0; i < options_.params.size(); ++i) {
    if (options_.params[i].name != select->name) continue;
    const bool test = select->has(kTestOnly);
    current.expr.leaf = test ? LeafKind::kHasParam : LeafKind::kParam;
    current.expr.index = static_cast<std::uint32_t>(i);
    current.expr.name = select->name;
    current.type = test ? scalar_type(Kind::kBool) : param_value_type(options_.params[i].type);
    plan_.params_read[i] = true;
    return;
  }
  std::vector<std::string_view> names;
  for (const ParamSpec &param : options_.params) names.push_back(param.name);
  const std::string_view near = nearest_name(select->name, names.data(), names.size());
  refuse(select->position + 1, "no param '" + std::string(select->name) + "' is declared",
         near.empty() ? "" : did_you_mean("params." + std::string(near)));
  absent_field(select, FailureCode::kNoSuchParam, current);
}

// Unchecked, asking for a field that does not exist is no error.
void Compiler::absent_field(const Node *select, FailureCode code, Current &current) {
  const bool answers = select->has(kTestOnly) && !options_.check;
  constant(current, answers ? Value::boolean(false) : Value::failure(code, select->position, select->name));
}

bool Compiler::context_name(Node *node, Current &current) {
  plan_.reads_context = true;
  ContextMap map = ContextMap::kContext;
  current.expr.name = node->name;
  while (Node *next = next_selection(current)) {
    const auto *child =
        std::find_if(std::begin(kContextChildren), std::end(kContextChildren),
                     [&](const ContextChild &each) { return each.of == map && each.name == next->name; });
    spine_.pop_back();
    if (child == std::end(kContextChildren)) {
      context_field(next, map, current);
      return true;
    }
    if (next->has(kTestOnly)) {
      constant(current, Value::boolean(true));
      return true;
    }
    map = child->child;
  }
  current.expr.leaf = LeafKind::kContextMap;
  current.expr.index = static_cast<std::uint32_t>(map);
  current.type = map_type(scratch_, scalar_type(Kind::kString), scalar_type(Kind::kAbsent));
  return true;
}

void Compiler::context_field(Node *select, ContextMap map, Current &current) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kContextFieldCount; ++i) {
    if (kContextFieldSpecs[i].map != map) continue;
    names.push_back(kContextFieldSpecs[i].name);
    if (kContextFieldSpecs[i].name != select->name) continue;
    const bool test = select->has(kTestOnly);
    current.expr.leaf = test ? LeafKind::kHasContextField : LeafKind::kContextField;
    current.expr.index = static_cast<std::uint32_t>(i);
    current.expr.name = kContextFieldSpecs[i].name;
    current.type = scalar_type(test ? Kind::kBool : kContextFieldSpecs[i].kind);
    return;
  }
  for (const ContextChild &child : kContextChildren) {
    if (child.of == map) names.push_back(child.name);
  }
  const std::string_view near = nearest_name(select->name, names.data(), names.size());
  refuse(select->position + 1, "context has no field '" + std::string(select->name) + "' here", did_you_mean(near));
  absent_field(select, FailureCode::kNoSuchKey, current);
}

std::string Compiler::suggest_name(std::string_view name, const Node *next) const {
  std::vector<std::string_view> names;
  if (!options_.params.empty()) names.push_back("params");
  if (options_.context) names.push_back("context");
  for (const Local &local : locals_) names.push_back(local.name);
  for (const VariableSpec &variable : options_.variables) names.push_back(variable.name);
  names.insert(names.end(), std::begin(kConstants), std::end(kConstants));
  const std::string_view near = nearest_name(name, names.data(), names.size());
  const auto is_param = [&](std::string_view wanted) {
    return std::any_of(options_.params.begin(), options_.params.end(),
                       [&](const ParamSpec &param) { return param.name == wanted; });
  };
  if (near == "params" && next != nullptr && is_param(next->name))
    return did_you_mean("params." + std::string(next->name));
  if (near.empty() && is_param(name)) return did_you_mean("params." + std::string(name));
  if (near.empty() && name == "params") return "no params are declared";
  return did_you_mean(near);
}

namespace {

// Edits (insert, delete, replace, swap of neighbours) between two short names.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kLongest = 40;
  if (a.size() > kLongest || b.size() > kLongest) return kLongest;
  std::size_t rows[3][kLongest + 1];
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t *now = rows[i % 3];
    const std::size_t *before = rows[(i + 2) % 3];
    const std::size_t *earlier = rows[(i + 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], earlier[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view nearest_name(std::string_view wrong, const std::string_view *names, std::size_t count) {
  std::string_view best;
  std::size_t least = wrong.size() <= 3 ? 2 : std::min<std::size_t>(4, wrong.size() / 3 + 2);
  for (std::size_t i = 0; i < count; ++i) {
    if (same_letters(wrong, names[i])) return names[i];
    const std::size_t distance = edit_distance(wrong, names[i]);
    if (distance < least) {
      least = distance;
      best = names[i];
    }
  }
  return best;
}

bool Compiler::is_path(const Node *node) const {
  while (node->kind == NodeKind::kSelect && node->flags == 0) node = node->left;
  return node->kind == NodeKind::kIdent && !node->has(kParenthesized);
}

bool Compiler::append_path(const Node *node, std::string &out) const {
  if (node->kind == NodeKind::kIdent) {
    out += node->name;
    return node->has(kRooted);
  }
  std::vector<std::string_view> parts;
  for (; node->kind == NodeKind::kSelect; node = node->left) parts.push_back(node->name);
  out += node->name;
  for (std::size_t i = parts.size(); i-- > 0;) {
    out += '.';
    out += parts[i];
  }
  return node->has(kRooted);
}

// decimal.Add(...) parses as a call on a receiver; where the whole name is a function's, it becomes a plain call.
bool Compiler::names_function(Node *call) {
  if (!is_path(call->left)) return false;
  const Node *root = call->left;
  while (root->kind == NodeKind::kSelect) root = root->left;
  const bool is_local =
      std::any_of(locals_.begin(), locals_.end(), [&](const Local &local) { return local.name == root->name; });
  if (is_local && !root->has(kRooted)) return false;
  std::string name;
  const bool rooted = append_path(call->left, name);
  name += '.';
  name += call->name;
  if (function_named(name, {.rooted = rooted}).count == 0) return false;
  call->kind = NodeKind::kCall;
  call->name = scratch_.copy(name);
  call->left = nullptr;
  if (rooted) call->flags |= kRooted;
  return true;
}

OverloadRange Compiler::function_named(std::string_view name, Called how) {
  OverloadRange range;
  if (options_.container.empty()) return find_function(name, how.form);
  in_container(name, how.rooted, [&](std::string_view full) {
    range = find_function(full, how.form);
    return range.count > 0;
  });
  return range;
}

std::string Compiler::suggest_function(std::string_view name, Form form) const {
  if (find_function(name, form == kMember ? kGlobal : kMember).count > 0) {
    return form == kMember ? "it is called as " + std::string(name) + "(x)"
                           : "it is called on a value, x." + std::string(name) + "(...)";
  }
  std::size_t count = 0;
  const std::string_view *names = function_names(count);
  return did_you_mean(nearest_name(name, names, count));
}

}  // namespace cala::cel
