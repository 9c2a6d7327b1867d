#!/bin/bash
# The tests' own PostgreSQL cluster: in a temporary folder, on a Unix socket that only it has, no TCP, no password.
#   postgres_cluster.sh start <state>                     make and start a cluster; <state>, a folder, remembers it
#   postgres_cluster.sh stop <state>                      stop it and remove every trace
#   postgres_cluster.sh restart|kill <state>              start it again; kill before: SIGQUIT, as in a crash
#   postgres_cluster.sh standby <state> <primary>         make and start a standby of the cluster in <primary>, which
#                                                         from then on answers a commit when the standby has it
#   postgres_cluster.sh promote <state>                   make it a primary
#   postgres_cluster.sh crash|immediate|fast <state>      end a server: by SIGKILL to all its processes, or as
#                                                         pg_ctl stop does it in these modes
#   postgres_cluster.sh freeze|thaw <state>               a server that is there and does not answer
#   postgres_cluster.sh connection <state> <database>     a fresh database and its connection string, printed
#   postgres_cluster.sh with <state> <database> command…  the same as CALA_TEST_POSTGRES of a command
#   postgres_cluster.sh run <database> command…           start, with, stop
# The folder is in memory (/dev/shm) where there is plenty of it: a file system on a disk looks long for room for the
# hundreds of files of each schema, after so many were removed. TMPDIR, when it is set, is where it is instead.
# With CALA_CLUSTER_DURABLE=1 it waits for the disk, as a real one does, and CALA_CLUSTER_CONNECTIONS is how many it
# takes; for benchmarks. With CALA_CLUSTER_PGBOUNCER=1 with and run also start pgbouncer in transaction mode, as
# CALA_TEST_PGBOUNCER of the command. CALA_POSTGRES_BIN=<folder> has the server's programs; by default those of Debian's
# PostgreSQL, 15 before newer ones. PostgreSQL refuses to run as root; root hands it to the user postgres.
set -euo pipefail

fail() {
  echo "postgres_cluster.sh: $*" >&2
  exit 1
}

find_bin() {
  local bin
  if [ -n "${CALA_POSTGRES_BIN:-}" ]; then
    [ -x "$CALA_POSTGRES_BIN/initdb" ] || fail "no initdb in CALA_POSTGRES_BIN=$CALA_POSTGRES_BIN"
    realpath "$CALA_POSTGRES_BIN"
    return
  fi
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

find_psql() { # not every package of the server has it, and any version does
  if [ -x "$bin/psql" ]; then
    echo "$bin/psql"
  else
    command -v psql || fail "no psql, neither in $bin nor in PATH; on Debian: apt-get install postgresql-client"
  fi
}

# The server's user may be kept out of the folder that the programs are in: then the cluster has a copy of them.
reachable_bin() { # reachable_bin <folder>
  as_server test -x "$bin/initdb" && return
  mkdir "$1/server"
  cp -a "$bin/.." "$1/server/"
  chmod -R a+rX "$1/server"
  bin=$1/server/$(basename "$bin")
}

cluster_of() { # the folder of a running cluster
  [ -s "$1/cluster" ] || fail "no cluster was started in $1"
  cat "$1/cluster"
}

new_folder() { # makes the folder of a cluster, and prints it
  local place=${TMPDIR:-/tmp} folder
  if [ -z "${TMPDIR:-}" ] && [ "${CALA_CLUSTER_DURABLE:-}" != 1 ] && [ -w /dev/shm ] &&
    [ "$(df --output=avail -m /dev/shm | tail -n 1)" -ge 6000 ] &&
    [ "$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)" -ge 8000 ]; then
    place=/dev/shm
  fi
  folder=$(mktemp -d "$place/cala-pg-XXXXXX")
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || fail "running as root needs the user postgres"
    chown postgres: "$folder"
  fi
  echo "$folder"
}

launch() { # launch <folder>
  as_server "$bin/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 start >/dev/null ||
    { tail -n 20 "$1/log" >&2; fail "the cluster in $1 did not start"; }
}

start() { # start <state>
  local folder
  stop "$1"
  bin=$(find_bin)
  mkdir -p "$1"
  folder=$(new_folder)
  echo "$folder" >"$1/cluster"
  reachable_bin "$folder"
  echo "$bin" >"$1/programs"
  as_server "$bin/initdb" -D "$folder/data" -U cala -A trust -E UTF8 --locale=C --no-sync >"$1/initdb.log" 2>&1 ||
    { tail -n 20 "$1/initdb.log" >&2; fail "initdb failed"; }
  as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
max_connections = ${CALA_CLUSTER_CONNECTIONS:-100}
shared_buffers = 64MB
max_prepared_transactions = 10
dynamic_shared_memory_type = mmap
$([ "${CALA_CLUSTER_DURABLE:-}" = 1 ] || printf 'fsync = off\nfull_page_writes = off\nwal_init_zero = off\njit = off\n')
CONF
  launch "$folder"
}

standby() { # standby <state> <primary>
  local folder primary psql
  stop "$1"
  primary=$(cluster_of "$2")
  bin=$(cat "$2/programs")
  psql=$(find_psql)
  mkdir -p "$1"
  folder=$(new_folder)
  echo "$folder" >"$1/cluster"
  echo "$bin" >"$1/programs"
  as_server "$bin/pg_basebackup" -h "$primary" -U cala -D "$folder/data" -R -X stream -c fast --no-sync \
    >"$1/backup.log" 2>&1 ||
    { cat "$1/backup.log" >&2; fail "pg_basebackup failed"; }
  as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<<"unix_socket_directories = '$folder'"
  launch "$folder"
  as_server "$psql" -X -q -h "$primary" -U cala -d postgres -v ON_ERROR_STOP=1 \
    -c "alter system set synchronous_standby_names = '*'" -c "select pg_reload_conf()" >/dev/null
  as_server timeout 30 sh -c "until '$psql' -X -A -t -h '$primary' -U cala -d postgres \
    -c 'select sync_state from pg_stat_replication' | grep -q sync; do sleep 0.05; done" ||
    fail "the standby does not stream"
}

processes() { # processes <folder>: the server and what it started
  local server
  server=$(as_server head -n 1 "$1/data/postmaster.pid")
  echo "$server" $(ps -o pid= --ppid "$server")
}

signal() { # signal <name> <folder>; what has ended meanwhile, such as a worker of autovacuum, needs none
  as_server sh -c 'name=$1; shift; for process; do
    kill "-$name" "$process" 2>/dev/null || ! kill -0 "$process" 2>/dev/null || exit 1; done' \
    signal "$1" $(processes "$2")
}

crash() { # crash <folder>: nothing is left behind in shared memory
  local segment
  segment=$(as_server sed -n 7p "$1/data/postmaster.pid" | awk '{print $2}')
  signal KILL "$1"
  as_server sh -c "while kill -0 $(as_server head -n 1 "$1/data/postmaster.pid") 2>/dev/null; do sleep 0.02; done"
  [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null || true
}

stop() { # stop <state>; nothing to do is fine
  local folder
  [ -s "$1/cluster" ] || return 0
  folder=$(cat "$1/cluster")
  if [ -s "$folder/pgbouncer.pid" ]; then
    as_server kill "$(cat "$folder/pgbouncer.pid")" 2>/dev/null || true
  fi
  if [ -d "$folder/data" ]; then
    as_server "$bin/pg_ctl" -D "$folder/data" -w -t 60 -m immediate stop >/dev/null 2>&1 || true
  fi
  rm -rf "$folder"
  rm -f "$1/cluster" "$1/programs"
}

connection() { # connection <state> <database>
  local folder psql
  folder=$(cluster_of "$1")
  psql=$(find_psql)
  as_server "$psql" -X -q -h "$folder" -U cala -d postgres -v ON_ERROR_STOP=1 \
    -c "drop database if exists \"$2\" with (force)" -c "create database \"$2\"" >/dev/null 2>"$1/$2.log" ||
    { cat "$1/$2.log" >&2; fail "no database $2"; }
  rm -f "$1/$2.log"
  echo "postgres://cala@/$2?host=$folder"
}

# pgbouncer_of <state> <database>: starts it unless it runs, and prints the connection string through it
pgbouncer_of() {
  local folder program
  folder=$(cluster_of "$1")
  if [ ! -s "$folder/pgbouncer.pid" ]; then
    program=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || fail "no pgbouncer; on Debian: apt-get install pgbouncer"
    as_server tee "$folder/pgbouncer.ini" >/dev/null <<CONF
[databases]
* = host=$folder user=cala
[pgbouncer]
unix_socket_dir = $folder
listen_addr =
listen_port = 6432
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
pidfile = $folder/pgbouncer.pid
logfile = $folder/pgbouncer.log
CONF
    as_server "$program" -q -d "$folder/pgbouncer.ini" &&
      as_server timeout 10 sh -c \
        "until [ -s '$folder/pgbouncer.pid' ] && [ -S '$folder/.s.PGSQL.6432' ]; do sleep 0.05; done" ||
      { cat "$folder/pgbouncer.log" >&2; fail "pgbouncer did not start"; }
  fi
  echo "postgres://cala@/$2?host=$folder&port=6432"
}

offer_pgbouncer() { # offer_pgbouncer <state> <database>
  [ "${CALA_CLUSTER_PGBOUNCER:-}" = 1 ] || return 0
  CALA_TEST_PGBOUNCER=$(pgbouncer_of "$1" "$2")
  export CALA_TEST_PGBOUNCER
}

[ $# -ge 2 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }
action=$1
state=$2
shift 2
bin=$(cat "$state/programs" 2>/dev/null || find_bin)

case $action in
  start) start "$state" ;;
  stop) stop "$state" ;;
  kill) as_server "$bin/pg_ctl" -D "$(cluster_of "$state")/data" -w -m immediate stop >/dev/null ;;
  standby) standby "$state" "$1" ;;
  promote) as_server "$bin/pg_ctl" -D "$(cluster_of "$state")/data" -w -t 60 promote >/dev/null ;;
  crash) crash "$(cluster_of "$state")" ;;
  immediate | fast) as_server "$bin/pg_ctl" -D "$(cluster_of "$state")/data" -w -t 60 -m "$action" stop >/dev/null ;;
  freeze) signal STOP "$(cluster_of "$state")" ;;
  thaw) signal CONT "$(cluster_of "$state")" ;;
  restart) launch "$(cluster_of "$state")" ;;
  connection) connection "$state" "$1" ;;
  with)
    CALA_TEST_POSTGRES=$(connection "$state" "$1")
    export CALA_TEST_POSTGRES
    offer_pgbouncer "$state" "$1"
    shift
    exec "$@"
    ;;
  run)
    database=$state
    state=$(mktemp -d "${TMPDIR:-/tmp}/cala-pg-state-XXXXXX")
    trap 'stop "$state"; rm -rf "$state"' EXIT
    trap 'exit 130' INT TERM
    start "$state"
    CALA_TEST_POSTGRES=$(connection "$state" "$database")
    export CALA_TEST_POSTGRES
    offer_pgbouncer "$state" "$database"
    "$@"
    ;;
  *) fail "unknown action $action" ;;
esac
