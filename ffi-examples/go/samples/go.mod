module libcala.dev/cala/samples

go 1.24

require (
	github.com/lib/pq v1.12.3
	github.com/mattn/go-sqlite3 v1.14.53
	libcala.dev/cala v0.0.0
)

replace libcala.dev/cala => ../
