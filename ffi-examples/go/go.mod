module libcala.dev/cala

go 1.24
