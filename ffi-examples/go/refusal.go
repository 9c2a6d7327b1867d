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
	10: "SQLITE_IOERR", 11: "SQLITE_CORRUPT", 13: "SQLITE_FULL", 14: "SQLITE_CANTOPEN", 17: "SQLITE_SCHEMA", 18: "SQLITE_TOOBIG",
	19: "SQLITE_CONSTRAINT", 26: "SQLITE_NOTADB",
}

const sqliteBusySnapshot = 5 | 2<<8

// What a driver's error is called where the library reads it: a SQLSTATE, or the name of a SQLite code. An error that no database
// gave is ours to tell: own.
func (c *core) refusal(ctx context.Context, err error) (state string, own *Error) {
	switch {
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		own = newError(ErrMisuse, "transaction.none", "the transaction has been committed or rolled back already")
		own.cause = err
		return "", own
	case c.sqlite && ctx.Err() != nil:
		return "SQLITE_INTERRUPT", nil
	case c.sqlite:
		return sqliteName(err), nil
	case ctx.Err() != nil:
		return "57014", nil
	case sqlState(err) != "":
		return sqlState(err), nil
	case connectionLost(err):
		return "08006", nil
	}
	return "", nil
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
	for ; err != nil; err = errors.Unwrap(err) {
		value := reflect.Indirect(reflect.ValueOf(err))
		if value.Kind() != reflect.Struct {
			continue
		}
		if field := value.FieldByName("ExtendedCode"); field.IsValid() && field.CanInt() && field.Int() != 0 {
			return int(field.Int())
		}
	}
	return 0
}
