// LibpqApi: the functions of libpq that the ledger uses, found in the library when a PostgreSQL ledger is opened.
// libcala is never linked to libpq, so a program that keeps its ledger in SQLite needs none, and a program that brings
// its own copy never meets ours. The table is loaded once, shared by all threads,
// and stays for the life of the process.
#pragma once

#include <libpq-fe.h>

#include <memory>

#include "base/error.h"

namespace cala::store::postgres {

// X-macro: every function by its own name. PQenterPipelineMode and what follows it came with libpq 14.
#define CALA_LIBPQ_FUNCTIONS(X) \
  X(PQcancel)                   \
  X(PQclear)                    \
  X(PQcmdStatus)                \
  X(PQcmdTuples)                \
  X(PQconninfo)                 \
  X(PQconninfoFree)             \
  X(PQconninfoParse)            \
  X(PQconnectPoll)              \
  X(PQconnectionNeedsPassword)  \
  X(PQconnectionUsedPassword)   \
  X(PQconnectStartParams)       \
  X(PQconsumeInput)             \
  X(PQerrorMessage)             \
  X(PQexec)                     \
  X(PQexecParams)               \
  X(PQfinish)                   \
  X(PQfname)                    \
  X(PQfreeCancel)               \
  X(PQfreemem)                  \
  X(PQgetCancel)                \
  X(PQgetResult)                \
  X(PQisBusy)                   \
  X(PQgetisnull)                \
  X(PQgetlength)                \
  X(PQgetvalue)                 \
  X(PQnfields)                  \
  X(PQntuples)                  \
  X(PQparameterStatus)          \
  X(PQresultErrorField)         \
  X(PQresultErrorMessage)       \
  X(PQresultStatus)             \
  X(PQsendPrepare)              \
  X(PQsendQueryParams)          \
  X(PQsendQueryPrepared)        \
  X(PQserverVersion)            \
  X(PQsetErrorVerbosity)        \
  X(PQsetNoticeReceiver)        \
  X(PQsocket)                   \
  X(PQstatus)                   \
  X(PQtransactionStatus)        \
  X(PQenterPipelineMode)        \
  X(PQpipelineStatus)           \
  X(PQpipelineSync)

// What a connection of the program's is used with. A libpq before 14 has no pipelines, so PQpipelineStatus may be
// missing there.
#define CALA_LIBPQ_ADOPTED_FUNCTIONS(X) \
  X(PQcancel)                           \
  X(PQclear)                            \
  X(PQexecParams)                       \
  X(PQfreeCancel)                       \
  X(PQgetCancel)                        \
  X(PQgetisnull)                        \
  X(PQgetlength)                        \
  X(PQgetvalue)                         \
  X(PQntuples)                          \
  X(PQparameterStatus)                  \
  X(PQresultErrorField)                 \
  X(PQresultStatus)                     \
  X(PQserverVersion)                    \
  X(PQsocket)                           \
  X(PQstatus)                           \
  X(PQtransactionStatus)

struct LibpqApi {
#define CALA_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  CALA_LIBPQ_FUNCTIONS(CALA_LIBPQ_MEMBER)
#undef CALA_LIBPQ_MEMBER
};

// kUnavailable "store.libpq_missing" when there is no libpq or it is too old; a later call tries again.
base::Result<const LibpqApi *> load_libpq();

struct ClearResult {
  const LibpqApi *api = nullptr;
  void operator()(PGresult *result) const { api->PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

}  // namespace cala::store::postgres
