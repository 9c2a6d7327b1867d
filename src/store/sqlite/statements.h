// The embedded store's statements: the *.sql files of this folder, one for each StatementId, each with one placeholder
// written ?. The catalogue is built once for a dialect and never changes after; its views live as long as it does.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "store/port.h"

namespace cala::store::sqlite {

// What the statements need: UPDATE ... FROM and MATERIALIZED, and the JSON functions (built in since 3.38).
inline constexpr int kMinimumSqliteVersion = 3035000;

class StatementCatalogue {
 public:
  StatementCatalogue();
  std::string_view sql(StatementId id, Placeholder placeholder) const;

 private:
  std::array<std::array<std::string, 3>, kStatementCount> texts_;
};

std::int64_t newest_migration();
// The statements of every migration after `from_version`, each with the one that notes it in cala_migrations.
std::vector<std::string> migrations_after(std::int64_t from_version);

}  // namespace cala::store::sqlite
