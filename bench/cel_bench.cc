// What CEL costs: nanoseconds to compile and to evaluate ten expressions that templates and velocity rules use, and a
// two-entry template's expressions together. Each number is the least of many short runs,
// which a busy machine disturbs least.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "cel/cel.h"

namespace {

namespace base = cala::base;
namespace cel = cala::cel;
using cala::values::Decimal;
using cala::values::ParamType;

std::uint64_t allocations = 0;

const std::vector<cel::ParamSpec> kParams = {
    {"amount", ParamType::kDecimal}, {"sender", ParamType::kUuid}, {"recipient", ParamType::kUuid},
    {"journal", ParamType::kUuid},   {"memo", ParamType::kString}, {"effective", ParamType::kDate},
};

struct Case {
  const char *source;
  bool context;
};

constexpr Case kCases[] = {
    {"params.amount", false},
    {"SETTLED", false},
    {"'USD'", false},
    {"date()", false},
    {"params.amount * decimal('0.0025')", false},
    {"has(params.memo) ? params.memo : 'none'", false},
    {"{'sender': params.sender, 'memo': params.memo}", false},
    {"context.vars.entry.units >= decimal('100')", true},
    {"context.vars.entry.direction == DEBIT && context.vars.entry.currency == 'USD'", true},
    {"has(context.vars.account.metadata) && has(context.vars.account.metadata.closed) && "
     "context.vars.account.metadata.closed",
     true},
};

constexpr const char *kTemplate[] = {
    "params.journal", "params.effective", "params.sender", "'TRANSFER_DR'", "SETTLED",       "params.amount", "'USD'",
    "DEBIT",          "params.recipient", "'TRANSFER_CR'", "SETTLED",       "params.amount", "'USD'",         "CREDIT",
};

class Account final : public cel::ContextFields {
 public:
  explicit Account(base::JsonView metadata) : metadata_(metadata) {}
  cel::Value field(cel::ContextField field) const override {
    switch (field) {
      case cel::ContextField::kEntryUnits: return cel::Value::decimal(units_);
      case cel::ContextField::kEntryDirection: return cel::Value::string("DEBIT");
      case cel::ContextField::kEntryCurrency: return cel::Value::string("USD");
      case cel::ContextField::kAccountMetadata: return cel::Value::json(metadata_);
      default: return cel::Value();
    }
  }

 private:
  Decimal units_ = *Decimal::parse("125.50");
  base::JsonView metadata_;
};

template <typename Work>
double least_ns(int repeats, Work work) {
  double least = 1e18;
  for (int round = 0; round < 400; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    if (took.count() / repeats < least) least = took.count() / repeats;
  }
  return least;
}

cel::ProgramPtr compiled(const char *source, bool context) {
  cel::CompileOptions options;
  if (context) {
    options.context = true;
  } else {
    options.params = kParams;
  }
  auto program = cel::compile(source, options);
  if (!program) {
    std::fprintf(stderr, "%s: %s\n", source, program.error().message.c_str());
    std::exit(1);
  }
  return program.take();
}

void keep(const cel::Value &value) { asm volatile("" : : "r"(&value) : "memory"); }

}  // namespace

void *operator new(std::size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main() {
  auto metadata = base::Json::parse(R"({"closed": true, "tier": "gold"})");
  const base::Uuid id = *base::Uuid::parse("12e80268-e31c-48bc-9db4-6f96b9aee77a");
  const std::vector<cel::Value> params = {
      cel::Value::decimal(*Decimal::parse("1290.00")),
      cel::Value::uuid(id),
      cel::Value::uuid(id),
      cel::Value::uuid(id),
      cel::Value::string("rent"),
      cel::Value::date({20000}),
  };
  const Account account(metadata->root());
  cel::Bindings bindings;
  bindings.params = params;
  bindings.context = &account;
  bindings.now = {1700000000, 0};
  cel::Arena arena;

  std::printf("%10s %10s %7s  %s\n", "compile ns", "eval ns", "allocs", "expression");
  for (const Case &each : kCases) {
    const cel::ProgramPtr program = compiled(each.source, each.context);
    const double compile_ns = least_ns(20, [&] { compiled(each.source, each.context); });
    const std::uint64_t before = allocations;
    keep(*cel::evaluate(*program, bindings, arena));
    const std::uint64_t made = allocations - before;
    const double evaluate_ns = least_ns(200, [&] {
      arena.reset();
      keep(*cel::evaluate(*program, bindings, arena));
    });
    std::printf("%10.0f %10.1f %7llu  %s\n", compile_ns, evaluate_ns, static_cast<unsigned long long>(made),
                each.source);
  }

  std::vector<cel::ProgramPtr> programs;
  for (const char *source : kTemplate) programs.push_back(compiled(source, false));
  const double template_ns = least_ns(50, [&] {
    for (const cel::ProgramPtr &program : programs) keep(*cel::evaluate(*program, bindings, arena));
  });
  std::printf("%10s %10.1f %7s  a two-entry template, %zu expressions\n", "", template_ns, "", programs.size());
  return 0;
}
