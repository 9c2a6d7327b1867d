// The values that the ledger counts with, seen from inside it: core's own names for them are those of src/values.
#pragma once

#include "values/currency.h"
#include "values/decimal.h"
#include "values/param_type.h"
#include "values/terms.h"

namespace cala::core {
using namespace cala::values;  // NOLINT(google-build-using-namespace)
}
