package cala

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"libcala.dev/cala/raw"
)

const soname = "libcala.so.1"

var library struct {
	sync.Mutex
	loaded bool
}

// Loads libcala once in the life of the process. A failure is tried again by the next caller.
func loadLibrary() error {
	library.Lock()
	defer library.Unlock()
	if library.loaded {
		return nil
	}
	names := []string{soname}
	if path := os.Getenv("CALA_LIBRARY"); path != "" {
		names = []string{path}
	}
	var tried []string
	for _, name := range names {
		err := raw.Load(name)
		if err == nil {
			library.loaded = true
			return nil
		}
		tried = append(tried, fmt.Sprintf("%s (%v)", name, err))
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
