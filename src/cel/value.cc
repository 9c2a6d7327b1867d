#include "cel/value.h"

namespace cala::cel {

std::string_view kind_type_name(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "null_type";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kUint: return "uint";
    case Kind::kDouble: return "double";
    case Kind::kString: return "string";
    case Kind::kBytes: return "bytes";
    case Kind::kList: return "list";
    case Kind::kMap: return "map";
    case Kind::kTimestamp: return "google.protobuf.Timestamp";
    case Kind::kDuration: return "google.protobuf.Duration";
    case Kind::kType: return "type";
    case Kind::kDecimal: return "cala.Decimal";
    case Kind::kUuid: return "cala.Uuid";
    case Kind::kDate: return "cala.Date";
    case Kind::kOptional: return "optional_type";
    case Kind::kAbsent: return "absent";
    case Kind::kError: return "error";
  }
  return "error";
}

Value Value::json(base::JsonView view) {
  if (!view.present()) return Value();
  switch (view.kind()) {
    case base::JsonView::Kind::kNull: return null();
    case base::JsonView::Kind::kBool: return boolean(view.boolean());
    case base::JsonView::Kind::kString: return string(view.string());
    case base::JsonView::Kind::kNumber: {
      const auto whole = view.integer();
      return whole ? integer(*whole) : number(view.number());
    }
    default: break;
  }
  Value out(view.is_object() ? Kind::kMap : Kind::kList);
  out.flag_ = 1;
  out.payload_.json = view;
  return out;
}

Decimal Value::as_decimal() const {
  base::Int128 coefficient = 0;
  std::memcpy(&coefficient, payload_.raw, sizeof coefficient);
  return Decimal::from_parts(coefficient, static_cast<int>(extra_)).value_or(Decimal());
}

}  // namespace cala::cel
