// A document of cala.h as the message of outbox.proto that mirrors it: each key goes to the field of its name. Keys
// that no field has are of a later library and left out. What needs a rule: a value of type json is a Json, with its
// text; an amount or number where a map may be stands for every currency.
//
// Thread rule: pure.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

namespace outbox {

void fill(google::protobuf::Message &message, std::string_view document);

}  // namespace outbox
