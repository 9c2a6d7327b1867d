package cala

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
)

// The names that the library knows SQLite's result codes by.
var sqliteNames = map[int]string{
	3: "SQLITE_PERM", 5: "SQLITE_BUSY", 6: "SQLITE_LOCKED", 7: "SQLITE_NOMEM", 8: "SQLITE_READONLY", 9: "SQLITE_INTERRUPT",
	10: "SQLITE_IOERR", 11: "SQLITE_CORRUPT", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN",
	17: "SQLITE_SCHEMA", 18: "SQLITE_TOOBIG",
	19: "SQLITE_CONSTRAINT", 26: "SQLITE_NOTADB",
}

const sqliteBusySnapshot = 5 | 2<<8

// What a driver's error is called where the library reads it: a SQLSTATE, or the name of a SQLite code. An error that
// no database gave is ours to tell: own.
func (c *core) refusal(ctx context.Context, err error) (state string, own *Error) {
	switch {
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		own = newError(ErrMisuse, "transaction.none", "the transaction has been committed or rolled back already")
		own.cause = err
		return "", own
	case c.sqlite && sqlState(err) != "":
		own = wrongStore("SQLite", "PostgreSQL")
		own.cause, own.TxState = err, TxAborted // PostgreSQL takes nothing after an error
		return "", own
	case !c.sqlite && sqliteCode(err) != 0 && sqlState(err) == "":
		own = wrongStore("PostgreSQL", "SQLite")
		own.cause = err
		return "", own
	case c.sqlite && ctx.Err() != nil:
		return "SQLITE_INTERRUPT", nil
	case c.sqlite && sqliteCode(err) != 0:
		return sqliteName(err), nil
	case !c.sqlite && ctx.Err() != nil:
		return "57014", nil
	case !c.sqlite && sqlState(err) != "":
		return sqlState(err), nil
	case !c.sqlite && connectionLost(err):
		return "08006", nil
	}
	own = newError(ErrMisuse, "call.misuse", "the driver refused by itself, or its error has no SQLState(): "+err.Error())
	own.cause, own.TxState = err, TxAborted
	return "", own
}

func wrongStore(ledger, transaction string) *Error {
	return newError(ErrMisuse, "call.misuse",
		"this ledger is on "+ledger+"; it cannot take part in a transaction of "+transaction)
}

// The SQLSTATE that a driver's error carries: lib/pq's and pgx's have this method.
func sqlState(err error) string {
	var stated interface{ SQLState() string }
	if errors.As(err, &stated) {
		return stated.SQLState()
	}
	return ""
}

func connectionLost(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &network)
}

// The name of the SQLite code in a driver's error, or "" when it has none.
func sqliteName(err error) string {
	code := sqliteCode(err)
	if code == sqliteBusySnapshot {
		return "SQLITE_BUSY_SNAPSHOT"
	}
	return sqliteNames[code&0xff]
}

// modernc.org/sqlite's errors have the method, mattn/go-sqlite3's the field.
func sqliteCode(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	if err == nil {
		return 0
	}
	if value := reflect.Indirect(reflect.ValueOf(err)); value.Kind() == reflect.Struct {
		if field := value.FieldByName("ExtendedCode"); field.IsValid() && field.CanInt() && field.Int() != 0 {
			return int(field.Int())
		}
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return sqliteCode(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if code := sqliteCode(inner); code != 0 {
				return code
			}
		}
	}
	return 0
}
