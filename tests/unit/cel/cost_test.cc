// The step limit bounds the time only if everything is charged by the size that it touches. So each function of the
// table is called with arguments of one size and of twice that size: the steps must double too, or the case says why
// nothing more is touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "cel/cel.h"
#include "cel/evaluator.h"
#include "cel/map.h"
#include "cel/runtime.h"

namespace cala::cel {
namespace {

enum class Touches {
  kAll,   // twice the size, at least twice the steps
  kHead,  // no more than a part that does not grow
};

struct Case {
  const char *overload;  // name, 'f' for a function or 'm' for a method, signature
  const char *source;
  Touches touches = Touches::kAll;
  std::size_t size = 1 << 15;
};

// What the sources may name, made for a size.
class Values {
 public:
  explicit Values(std::size_t size) {
    a_.assign(size, 'a');
    ab_ = a_ + "b";
    space_.assign(size, ' ');
    digits_ = "1" + std::string(size, '0');
    comma_.assign(size, ',');
    std::string list = "[";
    std::string object = "{";
    MapBuilder builder(arena_);
    arena_.start_budget(std::size_t{256} << 20);
    for (std::size_t i = 0; i < size; ++i) {
      const std::string number = std::to_string(i);
      list += (i > 0 ? "," : "") + number;
      object += (i > 0 ? ",\"" : "\"") + number + "\":" + number;
      ints_.push_back(Value::integer(static_cast<std::int64_t>((i * 7919) % size)));
      texts_.push_back(Value::string("abcdefgh"));
      optionals_.push_back(Value::optional_of(&ints_[0]));
      doubles_.push_back(Value::number(static_cast<double>(i)));
      builder.put(Value::string(arena_.copy(number)), Value::integer(1));
    }
    for (Value &each : optionals_) each = Value::optional_of(ints_.data());
    const MapData *map = builder.finish();
    json_list_ = std::make_unique<base::Json>(base::Json::parse(list + "]").take());
    json_map_ = std::make_unique<base::Json>(base::Json::parse(object + "}").take());
    add("a", Value::string(a_));
    add("a2", Value::string(a_));
    add("ab", Value::string(ab_));
    add("space", Value::string(space_));
    add("digits", Value::string(digits_));
    add("comma", Value::string(comma_));
    add("y", Value::bytes(a_));
    add("ints", Value::list(ints_.data(), size));
    add("ints2", Value::list(ints_.data(), size));
    add("texts", Value::list(texts_.data(), size));
    add("optionals", Value::list(optionals_.data(), size));
    add("map", Value::map(map));
    add("map2", Value::map(map));
    add("jl", Value::json(json_list_->root()));
    add("jl2", Value::json(json_list_->root()));
    add("jm", Value::json(json_map_->root()));
    add("n", Value::integer(static_cast<std::int64_t>(size)));
    add("one", Value::integer(1));
    add("day", Value::timestamp({0, 0}));
  }

  const std::vector<VariableSpec> &specs() const { return specs_; }
  const std::vector<Value> &values() const { return values_; }

 private:
  void add(const char *name, const Value &value) {
    specs_.push_back({name, DeclaredType::kDyn, DeclaredType::kDyn, DeclaredType::kDyn});
    values_.push_back(value);
  }

  std::string a_, ab_, space_, digits_, comma_;
  Arena arena_;
  std::vector<Value> ints_, texts_, optionals_, doubles_;
  std::unique_ptr<base::Json> json_list_, json_map_;
  std::vector<VariableSpec> specs_;
  std::vector<Value> values_;
};

const Values &values_of(std::size_t size) {
  static std::map<std::size_t, std::unique_ptr<Values>> made;
  auto &values = made[size];
  if (values == nullptr) values = std::make_unique<Values>(size);
  return *values;
}

// The steps that an evaluation takes, whether it answers a value or a failure of its own.
std::size_t steps_of(const std::string &source, std::size_t size) {
  const Values &values = values_of(size);
  CompileOptions options;
  options.variables = values.specs();
  options.check = false;
  const auto program = compile(source, options);
  if (!program) {
    ADD_FAILURE() << source << ": " << program.error().message;
    return 0;
  }
  Bindings bindings;
  bindings.variables = values.values();
  Arena arena;
  Evaluator evaluator(bindings, arena, {});
  evaluator.reserve_locals((*program)->plan().local_count);
  const Value value = evaluator.run(*(*program)->plan().root);
  EXPECT_FALSE(is_limit(value)) << source << " of size " << size;
  EXPECT_FALSE(value.is_error() && value.failure_code() == FailureCode::kNoSuchOverload) << source;
  return static_cast<std::size_t>(kMaxSteps - evaluator.runtime().steps_left);
}

void expect_charged(const std::string &source, Touches touches, std::size_t size) {
  const std::size_t none = steps_of(source, 1);
  const std::size_t once = steps_of(source, size);
  const std::size_t twice = steps_of(source, 2 * size);
  if (touches == Touches::kHead) {
    EXPECT_LE(twice, once + 2) << source;
    return;
  }
  EXPECT_GE(once - none, size / 1024) << source << ": hardly anything is charged";
  const std::size_t rounding = 2 + once / 50;  // and how full a map's table is
  EXPECT_GE(twice - none + rounding, 2 * (once - none)) << source << ": " << none << ", " << once << ", " << twice;
}

constexpr Case kCases[] = {
    {"bool f s>b", "bool(a)", Touches::kHead},  // it is longer than the words that mean anything
    {"int f s>i", "int(digits)"},
    {"uint f s>u", "uint(digits)"},
    {"double f s>d", "double(digits)"},
    {"string f s>s", "string(a)", Touches::kHead},
    {"string f y>s", "string(y)"},
    {"bytes f y>y", "bytes(y)", Touches::kHead},
    {"bytes f s>y", "bytes(a)", Touches::kHead},
    {"type f *>T", "type(a)", Touches::kHead},
    {"dyn f *>*", "dyn(a)", Touches::kHead},
    {"contains m ss>b", "a.contains(ab)"},
    {"startsWith m ss>b", "a.startsWith(a2)"},
    {"endsWith m ss>b", "a.endsWith(a2)"},
    {"matches m ss>b", "a.matches('b' + string(one))"},
    {"matches f ss>b", "matches(a, 'b' + string(one))"},
    {"indexOf m ss>i", "ab.indexOf('ab' + a)"},
    {"indexOf m ssi>i", "ab.indexOf('ab', 1)"},
    {"lastIndexOf m ss>i", "ab.lastIndexOf('ba')"},
    {"lastIndexOf m ssi>i", "ab.lastIndexOf('ba', n)"},
    {"size f s>i", "size(a)"},
    {"size m s>i", "a.size()"},
    {"size f y>i", "size(y)", Touches::kHead},
    {"size m y>i", "y.size()", Touches::kHead},
    {"charAt m si>s", "a.charAt(n - 1)"},
    {"substring m si>s", "a.substring(n - 1)"},
    {"substring m sii>s", "a.substring(0, n - 1)"},
    {"lowerAscii m s>s", "a.lowerAscii()"},
    {"upperAscii m s>s", "a.upperAscii()"},
    {"reverse m s>s", "a.reverse()"},
    {"trim m s>s", "space.trim()"},
    {"replace m sss>s", "a.replace('b', 'c')"},
    {"replace m sssi>s", "a.replace('a', 'c', 1)"},
    {"split m ss>l", "comma.split(',')"},
    {"split m ssi>l", "comma.split('', n)"},
    {"join m l>s", "texts.join()"},
    {"join m ls>s", "texts.join(',')"},
    {"strings.quote f s>s", "strings.quote(a)"},
    {"format m sl>s", "'%s'.format([ints])"},
    {"format m cs>s", "day.format(a)", Touches::kAll, 512},
    {"format f cs>s", "format(day, a)", Touches::kAll, 512},
    {"base64.encode f y>s", "base64.encode(y)"},
    {"base64.decode f s>y", "base64.decode(a)"},
    {"timestamp f s>t", "timestamp(a)"},
    {"duration f s>r", "duration(digits)"},
    {"date f s>A", "date(a)"},
    {"getFullYear m cs>i", "day.getFullYear(a)"},
    {"getMonth m cs>i", "day.getMonth(a)"},
    {"getDayOfMonth m cs>i", "day.getDayOfMonth(a)"},
    {"getDate m cs>i", "day.getDate(a)"},
    {"getDayOfWeek m cs>i", "day.getDayOfWeek(a)"},
    {"getDayOfYear m cs>i", "day.getDayOfYear(a)"},
    {"getHours m cs>i", "day.getHours(a)"},
    {"getMinutes m cs>i", "day.getMinutes(a)"},
    {"getSeconds m cs>i", "day.getSeconds(a)"},
    {"getMilliseconds m cs>i", "day.getMilliseconds(a)"},
    {"size f l>i", "size(jl)"},
    {"size m l>i", "jl.size()"},
    {"size f m>i", "size(jm)"},
    {"size m m>i", "jm.size()"},
    {"slice m lii>=", "jl.slice(0, 1)"},
    {"flatten m l>l", "ints.flatten()"},
    {"flatten m li>l", "ints.flatten(2)"},
    {"reverse m l>=", "ints.reverse()"},
    {"distinct m l>=", "ints.distinct()", Touches::kAll, 256},
    {"sort m l>=", "ints.sort()", Touches::kAll, 1 << 12},
    {"first m l>E", "jl.first()", Touches::kHead},
    {"last m l>E", "jl.last()"},
    {"sets.contains f ll>b", "sets.contains(ints, ints2)", Touches::kAll, 256},
    {"sets.equivalent f ll>b", "sets.equivalent(ints, ints2)", Touches::kAll, 256},
    {"sets.intersects f ll>b", "sets.intersects(ints, [-1, -2])"},
    {"math.greatest f l>e", "math.greatest(ints)"},
    {"math.least f l>e", "math.least(jl)"},
    {"max f l>e", "max(ints)"},
    {"min f l>e", "min(ints)"},
    {"max f *+>*", "max(one, 2.5)", Touches::kHead},  // the arguments are written in the expression
    {"min f *+>*", "min(one, 2.5)", Touches::kHead},
    {"decimal f s>D", "decimal(digits)"},
    {"uuid f s>U", "uuid(a)"},
    {"decimal.Add f **>D", "decimal.Add(digits, 1)"},
    {"decimal.Sub f **>D", "decimal.Sub(digits, 1)"},
    {"decimal.Mul f **>D", "decimal.Mul(digits, 1)"},
    {"decimal.Cmp f **>i", "decimal.Cmp(digits, 1)"},
    {"decimal.Div f **is>D", "decimal.Div(digits, 1, 2, 'UP')"},
    {"decimal.Round f *is>D", "decimal.Round(digits, 2, 'UP')"},
    {"optional.of f *>P", "optional.of(a)", Touches::kHead},
    {"optional.ofNonZeroValue f *>P", "optional.ofNonZeroValue(jl)"},
    {"optional.unwrap f l>l", "optional.unwrap(optionals)"},
    {"unwrapOpt m l>l", "optionals.unwrapOpt()"},
    {"orValue m O*>w", "optional.of(a).orValue(a2)", Touches::kHead},
};

std::string key_of(const Overload &overload) {
  return std::string(overload.name) + (overload.form == kMember ? " m " : " f ") + std::string(overload.signature);
}

// Whether an argument can be of any size.
bool may_grow(const Overload &overload) {
  const std::string_view arguments = overload.signature.substr(0, overload.signature.find('>'));
  return arguments.find_first_of("sylm*") != std::string_view::npos;
}

TEST(CelCost, HasACaseForEachFunctionThatCanBeGivenMore) {
  const OverloadRange all = all_functions();
  ASSERT_GT(all.count, 150U);
  for (std::size_t i = 0; i < all.count; ++i) {
    if (!may_grow(all.first[i])) continue;
    const std::string key = key_of(all.first[i]);
    const bool known =
        std::any_of(std::begin(kCases), std::end(kCases), [&](const Case &each) { return key == each.overload; });
    EXPECT_TRUE(known) << "no case for " << key;
  }
}

TEST(CelCost, GrowsWithWhatAFunctionTouches) {
  for (const Case &each : kCases) expect_charged(each.source, each.touches, each.size);
}

// What compares each with each must be charged for each pair: what grows as the square is then refused in time.
TEST(CelCost, OfComparingEachWithEachGrowsAsTheSquare) {
  for (const char *source :
       {"ints.distinct()", "jl.distinct()", "ints.map(i, double(i)).distinct()", "ints.map(i, decimal(i)).distinct()",
        "ints.map(i, string(i)).distinct()", "ints.map(i, [i, i]).distinct()", "ints.map(i, {'k': i}).distinct()",
        "sets.contains(ints, ints2)", "sets.contains(jl, ints)", "sets.equivalent(ints, ints2)",
        "sets.equivalent(jl, ints)", "sets.intersects(ints, ints2.map(i, -1 - i))",
        "sets.intersects(jl, ints2.map(i, -1 - i))", "ints.all(i, i in ints2)", "ints.all(i, i in jl)"}) {
    const std::size_t none = steps_of(source, 1);
    const std::size_t once = steps_of(source, 256) - none;
    const std::size_t twice = steps_of(source, 512) - none;
    EXPECT_GE(2 * twice, 7 * once) << source << ": " << once << ", " << twice;
    EXPECT_GE(once, 256U * 256 / 4) << source;
  }
}

// Sorting is no square: it is charged for its passes, and a long list can be sorted.
TEST(CelCost, OfSortingGrowsLittleMoreThanTheList) {
  for (const char *source : {"ints.sort()", "jl.sort()", "texts.sort()", "ints.sortBy(i, -i)"}) {
    const std::size_t none = steps_of(source, 1);
    const std::size_t once = steps_of(source, 4096) - none;
    const std::size_t twice = steps_of(source, 8192) - none;
    EXPECT_GE(twice, 2 * once) << source;
    EXPECT_LE(2 * twice, 5 * once) << source;
  }
}

TEST(CelCost, GrowsWithRangesAndClauses) {
  expect_charged("lists.range(n)", Touches::kAll, 1 << 15);
  expect_charged("'%s'.format([y])", Touches::kAll, 1 << 15);
  expect_charged("'%x'.format([a])", Touches::kAll, 1 << 15);
  expect_charged("'%s'.format([map])", Touches::kAll, 1 << 13);
  EXPECT_GT(steps_of("'%.1000f'.format([1e300 * double(one)])", 1), 100U);
  EXPECT_GT(steps_of("'x'.matches('(?i)' + string(one) + '\\\\pL')", 1), 500U);
}

TEST(CelCost, GrowsWithWhatAnOperatorTouches) {
  for (const char *source : {"a == a2",
                             "a != a2",
                             "a < a2",
                             "a + a2",
                             "y == bytes(a)",
                             "ints == ints2",
                             "ints + ints2",
                             "jl == jl2",
                             "map == map2",
                             "-1 in ints",
                             "a in map",
                             "a in texts + [a2]",
                             "map[a]",
                             "map[?a]",
                             "{a: 1}",
                             "jl[n - 1]",
                             "jm[string(n - 1)]",
                             "jm[?string(n - 1)]",
                             "has(jm.none)",
                             "jm.?none",
                             "ints.map(i, i)",
                             "jm.exists(k, k == '')",
                             "ints.sortBy(i, -i)",
                             "jm.transformMap(k, v, v)"}) {
    const bool dear = std::string_view(source).find("sortBy") != std::string_view::npos;
    expect_charged(source, Touches::kAll, dear ? 1 << 12 : 1 << 14);
  }
}

TEST(CelCost, LooksIntoJsonWithoutWalkingItEachTime) {
  EXPECT_LT(steps_of("ints.map(i, jl[i])", 20000), 20000U * 8);
  EXPECT_LT(steps_of("jm.map(k, jm[k])", 20000), 20000U * 8);
  EXPECT_LT(steps_of("jm.exists(k, jm.none == k)", 20000), 20000U * 12);
  EXPECT_LT(steps_of("ints.map(i, jl.size())", 20000), 20000U * 8);
  EXPECT_LT(steps_of("ints.exists(i, jl.slice(i, i + 1) == [])", 20000), 20000U * 16);
}

// Cases of the issue that this mends: each took seconds within every limit.
TEST(CelCost, EndsWhatWouldTakeSeconds) {
  const auto outcome = [](const std::string &source, std::size_t size) {
    const Values &values = values_of(size);
    CompileOptions options;
    options.variables = values.specs();
    const auto program = compile(source, options);
    Bindings bindings;
    bindings.variables = values.values();
    Arena arena;
    const auto value = evaluate(**program, bindings, arena);
    return value ? std::string("ok") : value.error().message;
  };
  EXPECT_EQ(outcome("jm.map(k, jm[k] * jm['1'])", 40000), "ok");
  EXPECT_EQ(outcome("a.contains(ab)", 256 * 1024), "ok");
  const std::string limit = "the evaluation took more than 1000000 steps";
  EXPECT_EQ(outcome("lists.range(2000).map(i, a.size())", 500 * 1024), limit);
  EXPECT_EQ(outcome("lists.range(200).map(i, a.matches('^(a?){900}$'))", 63), limit);
  EXPECT_EQ(outcome("lists.range(20000).map(i, a.substring(n - 1))", 512 * 1024), limit);
  EXPECT_EQ(outcome("lists.range(200).map(i, 'x'.matches('(?i)' + a))", 1000), limit);
  EXPECT_EQ(outcome("ints.distinct()", 1 << 15), limit);
  EXPECT_EQ(outcome("sets.equivalent(ints, ints2)", 1 << 15), limit);
  EXPECT_EQ(outcome("lists.range(90000).exists(i, a == a2 + 'b')", 500 * 1024), "the evaluation built more than 4 MiB");
}

}  // namespace
}  // namespace cala::cel
