// ledger_metrics: what the ledger's telemetry has counted, as JSON or as OpenMetrics text.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/makers.h"
#include "engine/request.h"
#include "engine/telemetry.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;

// One after the other, each family with its samples. Text is OpenMetrics 1.0; there times are in seconds.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) = 0;
  // key empty: the only one of its family.
  virtual void number(std::string_view key, std::string_view label, std::int64_t value) = 0;
  virtual void histogram(std::string_view key, std::string_view label, const Histogram &values) = 0;
};

class JsonSink final : public Sink {
 public:
  explicit JsonSink(base::JsonWriter &out) : out_(out) {}

  void family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) override {
    end_family();
    open_ = true;
    out_.begin_object().key("name").string(name).key("type").string(type);
    if (!unit.empty()) out_.key("unit").string(unit);
    out_.key("help").string(help).key("samples").begin_array();
  }
  void number(std::string_view key, std::string_view label, std::int64_t value) override {
    begin_sample(key, label);
    out_.key("value").integer(value).end_object();
  }
  void histogram(std::string_view key, std::string_view label, const Histogram &values) override {
    begin_sample(key, label);
    std::int64_t count = 0;
    out_.key("buckets").begin_array();
    for (std::size_t i = 0; i <= values.bounds(); ++i) {
      const std::int64_t here = values.count(i);  // once: others go on counting
      if (here == 0) continue;
      count += here;
      out_.begin_object();
      if (i < values.bounds()) out_.key("up_to").integer(values.bound(i));
      out_.key("count").integer(here).end_object();
    }
    out_.end_array().key("count").integer(count).key("sum").integer(values.sum()).end_object();
  }
  void end_family() {
    if (std::exchange(open_, false)) out_.end_array().end_object();
  }

 private:
  void begin_sample(std::string_view key, std::string_view label) {
    out_.begin_object().key("labels").begin_object();
    if (!key.empty()) out_.key(key).string(label);
    out_.end_object();
  }

  base::JsonWriter &out_;
  bool open_ = false;
};

class TextSink final : public Sink {
 public:
  void family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) override {
    seconds_ = unit == "microseconds";
    suffix_ = type == "counter" ? "_total" : "";
    name_ = "cala_";
    name_ += name;
    if (seconds_) name_ += "_seconds";
    append({"# TYPE ", name_, " ", type, "\n"});
    if (seconds_) append({"# UNIT ", name_, " seconds\n"});
    append({"# HELP ", name_, " ", help, "\n"});
  }
  void number(std::string_view key, std::string_view label, std::int64_t value) override {
    begin_line(suffix_, key, label);
    end_line(value);
  }
  void histogram(std::string_view key, std::string_view label, const Histogram &values) override {
    std::int64_t count = 0;
    for (std::size_t i = 0; i <= values.bounds(); ++i) {
      count += values.count(i);
      append({name_, "_bucket{"});
      if (!key.empty()) append({key, "=\"", label, "\","});
      append({"le=\""});
      if (i < values.bounds()) {
        append_in_unit(values.bound(i));
      } else {
        append({"+Inf"});
      }
      append({"\"}"});
      end_line(count);
    }
    begin_line("_count", key, label);
    end_line(count);
    begin_line("_sum", key, label);
    append({" "});
    append_in_unit(values.sum());
    append({"\n"});
  }
  std::string take() {
    append({"# EOF\n"});
    return std::move(out_);
  }

 private:
  void append(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) out_ += part;
  }
  // Labels are names and codes of the library's: nothing in them needs an escape.
  void begin_line(std::string_view suffix, std::string_view key, std::string_view label) {
    append({name_, suffix});
    if (!key.empty()) append({"{", key, "=\"", label, "\"}"});
  }
  void end_line(std::int64_t value) {
    append({" "});
    base::append_integer(out_, value);
    append({"\n"});
  }
  // Microseconds as seconds, exactly.
  void append_in_unit(std::int64_t value) {
    if (!seconds_) {
      base::append_integer(out_, value);
      append({".0"});
      return;
    }
    base::append_integer(out_, value / kMicros);
    append({"."});
    std::string fraction = std::to_string(kMicros + value % kMicros).substr(1);
    while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
    append({fraction});
  }

  static constexpr std::int64_t kMicros = 1'000'000;

  std::string out_;
  std::string name_;
  std::string_view suffix_;
  bool seconds_ = false;
};

bool is_empty(const Histogram &values) {
  for (std::size_t i = 0; i <= values.bounds(); ++i) {
    if (values.count(i) != 0) return false;
  }
  return true;
}

void show_pool(Sink &out, const Telemetry::Watched &watched) {
  if (!watched.pool) return;
  const PoolSizes writers = watched.pool(store::Access::kWrite);
  const PoolSizes readers = watched.pool(store::Access::kRead);
  const auto gauge = [&](std::string_view name, std::string_view help, std::size_t PoolSizes::*size) {
    out.family(name, "gauge", {}, help);
    out.number("pool", "write", static_cast<std::int64_t>(writers.*size));
    if (readers.max > 0) out.number("pool", "read", static_cast<std::int64_t>(readers.*size));
  };
  gauge("sessions_max", "Connections to the store at most.", &PoolSizes::max);
  gauge("sessions_open", "Connections that are open.", &PoolSizes::open);
  gauge("sessions_idle", "Open connections that nothing uses.", &PoolSizes::idle);
}

void show(Sink &out, const Telemetry &from) {
  out.family("operation_duration", "histogram", "microseconds", "From an operation's start to its answer.");
  from.operations().each([&](std::string_view name, const Times &times) {
    if (!is_empty(times)) out.histogram("operation", name, times);
  });
  out.family("refusals", "counter", {}, "Operations that were answered with an error, by its code.");
  from.refusals().each([&](std::string_view code, const Counter &count) {
    if (count.value() > 0) out.number("code", code, count.value());
  });
  out.family("statement_duration", "histogram", "microseconds",
             "What the store took for a statement, waiting for locks and, of the last, its commit included.");
  for (std::size_t i = 0; i <= store::kStatementCount; ++i) {
    const Times &times = from.statement(i);
    if (is_empty(times)) continue;
    out.histogram("statement", i < store::kStatementCount ? store::kStatementNames[i] : "program", times);
  }
  out.family("wait_duration", "histogram", "microseconds", "How long operations waited before they could run.");
  out.histogram("for", "thread", from.thread_waits());
  out.histogram("for", "session", from.session_waits());
  out.family("retries", "counter", {}, "Transactions that were run again, by what had become of them.");
  for (std::size_t i = 0; i < kRetryNames.size(); ++i) out.number("after", kRetryNames[i], from.retries(i).value());
  out.family("group_size", "histogram", {}, "Operations that were committed together.");
  out.histogram({}, {}, from.groups());
  out.family("template_lookups", "counter", {}, "Compiled tx templates that were looked for.");
  out.number("found", "yes", from.cache_hits());
  out.number("found", "no", from.cache_misses());
  out.family("rollup_behind", "gauge", {}, "How far balances that follow were behind when they were last brought on.");
  out.number({}, {}, from.rollup_behind());
  out.family("listeners_behind", "gauge", {}, "How far an open listener was behind when it last read.");
  out.number({}, {}, from.listeners_behind());
  out.family("log_dropped", "counter", {}, "Log records that were dropped because nobody read them in time.");
  out.number({}, {}, from.log().lost_records());
  const Telemetry::Watched &watched = from.watched();
  if (watched.listeners) {
    out.family("listeners", "gauge", {}, "Listeners that are open on this ledger.");
    out.number({}, {}, watched.listeners());
  }
  if (watched.in_flight) {
    out.family("operations_in_flight", "gauge", {}, "Operations that were started and are not answered.");
    out.number({}, {}, watched.in_flight());
  }
  show_pool(out, watched);
}

Flow tell(Context context, bool as_text) {
  const Telemetry *telemetry = &context.ledger->telemetry();
  co_return Render([telemetry, as_text](base::JsonWriter &out) {
    out.begin_object();
    if (as_text) {
      TextSink text;
      show(text, *telemetry);
      out.key("text").string(text.take());
    } else {
      JsonSink json(out);
      out.key("metrics").begin_array();
      show(json, *telemetry);
      json.end_family();
      out.end_array();
    }
    out.end_object();
  });
}

std::optional<bool> format_of(std::string_view word) {
  if (core::is_word(word, "json")) return false;
  if (core::is_word(word, "openmetrics")) return true;
  return std::nullopt;
}

}  // namespace

Result<OperationPtr> ledger_metrics(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const bool as_text = reader.word("format", false, format_of, "json, openmetrics");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("ledger_metrics", Operation::Traits{.needs_store = false, .of_ledger = true},
                                     [as_text](Context context) { return tell(context, as_text); });
}

}  // namespace cala::engine
