// Writes the rows of postings with nothing above them: what any ledger that keeps such rows pays at the least.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common.h"

namespace cala::bench {

class Rows {
 public:
  Rows() = default;
  virtual ~Rows() = default;
  Rows(const Rows &) = delete;
  Rows &operator=(const Rows &) = delete;
  // The rows of so many postings and their commit.
  virtual void write(int postings) = 0;

 protected:
  std::int64_t next_ = 1;
};

// In tables with nothing but a primary key, by prepared statements. PostgreSQL: in a schema of its own, which it drops.
std::unique_ptr<Rows> bare_sqlite(const std::string &path, bool durable);
std::unique_ptr<Rows> bare_postgres(const std::string &connection, const std::string &schema, bool durable);

// By COPY into the ledger's own tables, with all their indexes, in the schema of an open ledger that nobody posts to.
std::unique_ptr<Rows> copy_postgres(const std::string &connection, const std::string &schema, int accounts,
                                    bool durable);

// One writer and one commit a group: as many postings as there are callers, or a batch; or always the same number.
class RowsWork final : public Work {
 public:
  explicit RowsWork(Rows &rows, int group = 0) : rows_(rows), group_(group) {}
  Measured round(int callers, int batch, int postings) override;

 private:
  Rows &rows_;
  const int group_;
};

}  // namespace cala::bench
