// The HTTP side: server-sent events, for who has no gRPC.
//
// A request has a thread while it lasts. Thread rule: safe from every thread.
#pragma once

#include <memory>
#include <string>

#include "access.h"
#include "feed.h"
#include "options.h"

namespace outbox {

class HttpServer {
 public:
  static std::unique_ptr<HttpServer> start(const Options &options, Feed &feed, const Access &access,
                                           std::string &error);
  // Takes no more requests, and waits for those that are there; Feed::stop() has been called.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
  virtual void set_serving(bool serving) = 0;
};

}  // namespace outbox
