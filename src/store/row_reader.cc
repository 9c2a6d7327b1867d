#include "store/row_reader.h"

#include "cel/cel.h"

namespace cala::store {

void read_params(RowReader &row, std::vector<core::TxTemplateParam> &out) {
  for (const base::JsonView item : row.member("params")) {
    RowReader reader("tx_template", item);
    core::TxTemplateParam param;
    param.name = reader.text("name");
    param.type = reader.parsed<core::ParamType>("type", cel::parse_param_type);
    param.default_expr = reader.optional_text("default");
    param.min = reader.optional_text("min");
    param.max = reader.optional_text("max");
    param.description = reader.optional_text("description");
    if (reader.failed()) row.fail("params");
    out.push_back(std::move(param));
  }
}

void write_params(base::JsonWriter &out, const std::vector<core::TxTemplateParam> &params) {
  out.begin_array();
  for (const core::TxTemplateParam &param : params) {
    out.begin_object().key("name").string(param.name).key("type").string(cel::param_type_name(param.type));
    write_optional(out, "default", param.default_expr);
    write_optional(out, "min", param.min);
    write_optional(out, "max", param.max);
    write_optional(out, "description", param.description);
    out.end_object();
  }
  out.end_array();
}

}  // namespace cala::store
