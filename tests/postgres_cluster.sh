#!/bin/bash
# The tests' own PostgreSQL cluster: in a temporary folder, on a Unix socket that only it has, no TCP, no password.
#   postgres_cluster.sh start <state>                     make and start a cluster; <state> is a folder that remembers it
#   postgres_cluster.sh stop <state>                      stop it and remove every trace
#   postgres_cluster.sh restart|kill <state>              for fault tests: start again after kill (SIGQUIT, as in a crash)
#   postgres_cluster.sh connection <state> <database>     a fresh database and its connection string, printed
#   postgres_cluster.sh with <state> <database> command…  the same as CALA_TEST_POSTGRES of a command
#   postgres_cluster.sh run <database> command…           start, with, stop
# With CALA_CLUSTER_DURABLE=1 it waits for the disk, as a real one does; for benchmarks.
# PostgreSQL refuses to run as root; root hands it to the user postgres.
set -euo pipefail

fail() {
  echo "postgres_cluster.sh: $*" >&2
  exit 1
}

find_bin() {
  local bin
  for bin in /usr/lib/postgresql/15/bin $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    if [ -x "$bin/initdb" ]; then
      echo "$bin"
      return
    fi
  done
  bin=$(command -v initdb) || fail "PostgreSQL's initdb was not found; on Debian: apt-get install postgresql-15"
  dirname "$(realpath "$bin")"
}

as_server() { # runs a command as the user who owns the cluster
  if [ "$(id -u)" = 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- env -i PATH="$PATH" LC_ALL=C "$@")
  else
    (cd / && env LC_ALL=C "$@")
  fi
}

cluster_of() { # the folder of a running cluster
  [ -s "$1/cluster" ] || fail "no cluster was started in $1"
  cat "$1/cluster"
}

launch() { # launch <folder>
  as_server "$bin/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 start >/dev/null ||
    { tail -n 20 "$1/log" >&2; fail "the cluster in $1 did not start"; }
}

start() { # start <state>
  local folder
  stop "$1"
  mkdir -p "$1"
  folder=$(mktemp -d "${TMPDIR:-/tmp}/cala-pg-XXXXXX")
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || fail "running as root needs the user postgres"
    chown postgres: "$folder"
  fi
  echo "$folder" >"$1/cluster"
  as_server "$bin/initdb" -D "$folder/data" -U cala -A trust -E UTF8 --locale=C --no-sync >"$1/initdb.log" 2>&1 ||
    { tail -n 20 "$1/initdb.log" >&2; fail "initdb failed"; }
  as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
max_connections = 100
shared_buffers = 64MB
max_prepared_transactions = 10
$([ "${CALA_CLUSTER_DURABLE:-}" = 1 ] || echo "fsync = off")
CONF
  launch "$folder"
}

stop() { # stop <state>; nothing to do is fine
  local folder
  [ -s "$1/cluster" ] || return 0
  folder=$(cat "$1/cluster")
  if [ -d "$folder/data" ]; then
    as_server "$bin/pg_ctl" -D "$folder/data" -w -t 60 -m immediate stop >/dev/null 2>&1 || true
  fi
  rm -rf "$folder"
  rm -f "$1/cluster"
}

connection() { # connection <state> <database>
  local folder
  folder=$(cluster_of "$1")
  as_server "$bin/psql" -X -q -h "$folder" -U cala -d postgres -v ON_ERROR_STOP=1 \
    -c "drop database if exists \"$2\" with (force)" -c "create database \"$2\"" >/dev/null 2>"$1/$2.log" ||
    { cat "$1/$2.log" >&2; fail "no database $2"; }
  rm -f "$1/$2.log"
  echo "postgres://cala@/$2?host=$folder"
}

[ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
action=$1
state=$2
shift 2
bin=$(find_bin)

case $action in
  start) start "$state" ;;
  stop) stop "$state" ;;
  kill) as_server "$bin/pg_ctl" -D "$(cluster_of "$state")/data" -w -m immediate stop >/dev/null ;;
  restart) launch "$(cluster_of "$state")" ;;
  connection) connection "$state" "$1" ;;
  with)
    CALA_TEST_POSTGRES=$(connection "$state" "$1")
    export CALA_TEST_POSTGRES
    shift
    exec "$@"
    ;;
  run)
    database=$state
    state=$(mktemp -d "${TMPDIR:-/tmp}/cala-pg-state-XXXXXX")
    trap 'stop "$state"; rm -rf "$state"' EXIT
    trap 'exit 130' INT TERM
    start "$state"
    CALA_TEST_POSTGRES=$(connection "$state" "$database") "$@"
    ;;
  *) fail "unknown action $action" ;;
esac
