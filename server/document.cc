#include "document.h"

#include <google/protobuf/descriptor.h>

#include <cstdlib>
#include <string>

#include "json.h"

namespace outbox {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string text_of(std::string_view value) {
  return json::is_string(value) ? json::unquote(value) : std::string(value);
}

void fill_value(Message &message, const FieldDescriptor &field, std::string_view value);

// {"USD": "1"} in the one map that the message has; a value alone is every currency's.
void fill_map(Message &message, const FieldDescriptor &field, std::string_view value) {
  const auto &reflection = *message.GetReflection();
  const FieldDescriptor &entry_key = *field.message_type()->map_key();
  const FieldDescriptor &entry_value = *field.message_type()->map_value();
  const auto put = [&](const std::string &key, std::string_view amount) {
    Message &entry = *reflection.AddMessage(&message, &field);
    entry.GetReflection()->SetString(&entry, &entry_key, key);
    fill_value(entry, entry_value, amount);
  };
  if (value.front() == '{') {
    json::members(value, [&](std::string_view key, std::string_view amount) { put(std::string(key), amount); });
  } else {
    put(entry_value.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? "*" : "default", value);
  }
}

void fill_message(Message &message, std::string_view value) {
  const auto &type = *message.GetDescriptor();
  if (type.name() == "Json") {
    message.GetReflection()->SetString(&message, type.field(0), std::string(value));
  } else if (type.field_count() == 1 && type.field(0)->is_map()) {
    fill_map(message, *type.field(0), value);
  } else {
    fill(message, value);
  }
}

void fill_value(Message &message, const FieldDescriptor &field, std::string_view value) {
  const auto &reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.is_repeated()) {
        reflection.AddString(&message, &field, text_of(value));
      } else {
        reflection.SetString(&message, &field, text_of(value));
      }
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, &field, std::strtoll(text_of(value).c_str(), nullptr, 10));
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      reflection.SetInt32(&message, &field, std::atoi(text_of(value).c_str()));
      break;
    case FieldDescriptor::CPPTYPE_BOOL: reflection.SetBool(&message, &field, value == "true"); break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      fill_message(
          field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field),
          value);
      break;
    default: break;  // outbox.proto has no other
  }
}

}  // namespace

void fill(Message &message, std::string_view document) {
  const auto &type = *message.GetDescriptor();
  json::members(document, [&](std::string_view key, std::string_view value) {
    const FieldDescriptor *field = type.FindFieldByName(std::string(key));
    if (field == nullptr || value.empty()) return;
    const bool is_json =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && field->message_type()->name() == "Json";
    if (value == "null" && !is_json) return;
    if (field->is_repeated()) {
      json::items(value, [&](std::string_view item) { fill_value(message, *field, item); });
    } else {
      fill_value(message, *field, value);
    }
  });
}

}  // namespace outbox
