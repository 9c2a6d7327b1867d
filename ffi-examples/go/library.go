package cala

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"libcala.dev/cala/raw"
)

const (
	soname   = "libcala.so.1"
	abiMajor = 1
)

var library struct {
	sync.Mutex
	loaded bool
	other  *Error // a libcala was loaded of another version; it stays so
}

// Loads libcala once in the life of the process. A failure is tried again by the next caller.
func loadLibrary() error {
	library.Lock()
	defer library.Unlock()
	if library.other != nil {
		return library.other
	}
	if library.loaded {
		return nil
	}
	names := []string{soname}
	if path := os.Getenv("CALA_LIBRARY"); path != "" {
		names = []string{path}
	} else if raw.LoadLinked() {
		library.loaded = true
		return nil
	}
	var tried []string
	for _, name := range names {
		err := raw.Load(name)
		var lacks *raw.MissingError
		older := errors.As(err, &lacks) && lacks.Function != "cala_version" && lacks.Function != "cala_abi_version"
		if err != nil && !older {
			tried = append(tried, fmt.Sprintf("%s (%v)", name, err))
			continue
		}
		if version := raw.AbiVersion(); version>>16 != abiMajor {
			library.other = newError(ErrUnsupported, "library.version", fmt.Sprintf(
				"this module is for version %d of the library's interface, and %s has %d.%d",
				abiMajor, name, version>>16, version&0xffff))
			return library.other
		}
		if older {
			library.other = newError(ErrUnsupported, "library.version", fmt.Sprintf(
				"libcala %s is too old for this module: %v", raw.Version(), err))
			return library.other
		}
		library.loaded = true
		return nil
	}
	return newError(ErrUnavailable, "library.missing", "libcala could not be loaded; tried "+strings.Join(tried, ", ")+
		". Install libcala, or set CALA_LIBRARY to the path of "+soname)
}

// LibraryVersion is the version of the libcala that is loaded, "1.0.0".
func LibraryVersion() (string, error) {
	if err := loadLibrary(); err != nil {
		return "", err
	}
	return raw.Version(), nil
}
