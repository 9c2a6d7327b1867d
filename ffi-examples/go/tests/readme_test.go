package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestReadme_quotes_only_programs_that_are_run(t *testing.T) {
	readme := string(must[[]byte](t)(os.ReadFile("../README.md")))
	var programs strings.Builder
	for _, pattern := range []string{"../samples/*/main.go", "*/main.go"} {
		for _, path := range must[[]string](t)(filepath.Glob(pattern)) {
			programs.Write(must[[]byte](t)(os.ReadFile(path)))
		}
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme, -1)
	equal(t, len(snippets) > 4, true)
	for _, snippet := range snippets {
		if !strings.Contains(programs.String(), snippet[1]) {
			t.Errorf("no program has these words:\n%s", snippet[1])
		}
	}
}
