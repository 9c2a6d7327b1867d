// Package cala is libcala for Go: a double-entry ledger in the program's own process, on SQLite or PostgreSQL.
//
// The library, libcala.so.1, is found when a ledger is opened: at the path in CALA_LIBRARY, else inside the program,
// where the module came with an archive of it, else in the system's folders. A program builds without it.
//
//	ledger, err := cala.Open(ctx, cala.Config{Store: "sqlite:ledger.db"})
//	if err != nil {
//		return err
//	}
//	defer ledger.Close()
//	alice, err := ledger.CreateAccount(ctx, cala.NewAccount{Code: "ALICE", Name: "Alice"})
//
// Amounts are strings, exact to 38 digits, their scale kept; never floats. Ids and dates are strings, instants
// time.Time. Metadata passes through untouched.
//
// Every failure is an [*Error] with a [Status], to be compared with errors.Is, and a Code. Lists are iterators that
// fetch page after page, with a Page method beside each.
//
// A posting can join a transaction that the program has open on its own driver: see [Ledger.InSQL]. [Retrying] runs
// such a transaction again when it lost a race.
package cala
