// The gRPC side: outbox.proto's service and the standard health service.
//
// A stream has a thread while it lasts, which waits where the client does not take what was sent.
//
// Thread rule: safe from every thread; stop() once.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "access.h"
#include "feed.h"
#include "options.h"

namespace outbox {

class GrpcServer {
 public:
  static std::unique_ptr<GrpcServer> start(const Options &options, Feed &feed, const Access &access,
                                           std::string &error);
  virtual ~GrpcServer() = default;

  virtual int port() const = 0;
  virtual void set_serving(bool serving) = 0;
  // Lets clients go that have taken nothing for too long; to be called now and then.
  virtual void tick() = 0;
  // Feed::stop() has been called: waits for the streams, and cuts what has not ended after grace.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace outbox
