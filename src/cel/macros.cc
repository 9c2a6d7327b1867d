#include "cel/parser.h"

namespace cala::cel {

namespace {

// A macro that is called on a receiver: its name, how many names it binds, and with how many arguments in all.
struct MacroShape {
  std::string_view name;
  std::uint8_t names;
  std::uint8_t least;
  std::uint8_t most;
  Macro macro;
};

constexpr MacroShape kMacros[] = {
    {"all", 1, 2, 2, Macro::kAll},
    {"all", 2, 3, 3, Macro::kAll},
    {"exists", 1, 2, 2, Macro::kExists},
    {"exists", 2, 3, 3, Macro::kExists},
    {"exists_one", 1, 2, 2, Macro::kExistsOne},
    {"exists_one", 2, 3, 3, Macro::kExistsOne},
    {"existsOne", 1, 2, 2, Macro::kExistsOne},
    {"existsOne", 2, 3, 3, Macro::kExistsOne},
    {"map", 1, 2, 3, Macro::kMap},
    {"filter", 1, 2, 2, Macro::kFilter},
    {"transformList", 2, 3, 4, Macro::kMap},
    {"transformMap", 2, 3, 4, Macro::kTransformMap},
    {"transformMapEntry", 2, 3, 4, Macro::kTransformMapEntry},
    {"sortBy", 1, 2, 2, Macro::kSortBy},
    {"optMap", 1, 2, 2, Macro::kOptMap},
    {"optFlatMap", 1, 2, 2, Macro::kOptFlatMap},
};

bool is_bind(const Node *call) {
  return call->name == "bind" && call->item_count == 3 && call->left->kind == NodeKind::kIdent &&
         call->left->name == "cel";
}

}  // namespace

Node *Parser::expand_call(Node *call) {
  if (call->name != "has" || call->has(kRooted)) return call;
  if (call->item_count != 1) return fail(call->position, "has() takes one argument, a field selection like a.b");
  Node *argument = call->items[0];
  const bool field = argument->kind == NodeKind::kSelect && !argument->has(kTestOnly) && !argument->has(kOptional);
  if (!field) return fail(argument->position, "invalid argument to has(): it takes a field selection like a.b");
  argument->flags |= kTestOnly;
  return argument;
}

bool Parser::take_name(Node *argument, std::string_view &name) {
  if (argument->kind != NodeKind::kIdent || argument->has(kRooted)) {
    fail(argument->position, "the macro's variable must be a simple name");
    return false;
  }
  name = argument->name;
  return true;
}

Node *Parser::comprehension(Node *call, Macro macro, std::uint32_t names) {
  Node *node = make(NodeKind::kComprehension, call->position);
  if (node == nullptr) return nullptr;
  if (!take_name(call->items[0], node->name)) return nullptr;
  if (names == 2) {
    if (!take_name(call->items[1], node->second)) return nullptr;
    if (node->name == node->second) return fail(call->items[1]->position, "the macro's two variables must differ");
  }
  node->macro = macro;
  node->left = call->left;
  node->items = call->items + names;
  node->item_count = call->item_count - names;
  // The transform first: filter(3 arguments) comes as (filter, transform).
  const bool filtered = node->item_count == 2;
  if (filtered) {
    Node *filter = node->items[0];
    node->items[0] = node->items[1];
    node->items[1] = filter;
  }
  return node;
}

Node *Parser::expand_member_call(Node *call) {
  if (is_bind(call)) {
    Node *node = make(NodeKind::kComprehension, call->position);
    if (node == nullptr || !take_name(call->items[0], node->name)) return nullptr;
    node->macro = Macro::kBind;
    node->left = call->items[1];
    node->items = call->items + 2;
    node->item_count = 1;
    return node;
  }
  for (const MacroShape &shape : kMacros) {
    if (call->name != shape.name || call->item_count < shape.least || call->item_count > shape.most) continue;
    return comprehension(call, shape.macro, shape.names);
  }
  return call;
}

}  // namespace cala::cel
