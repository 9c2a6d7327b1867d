package tests

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"libcala.dev/cala"
	"libcala.dev/cala/raw"
)

// coverage reads which methods reach which operation: coverage.json, which tools/make_ffi writes.
func coverage(t *testing.T) map[string][]string {
	methods := map[string]string{}
	check(t, json.Unmarshal(must[[]byte](t)(os.ReadFile("../coverage.json")), &methods))
	listed := map[string][]string{}
	for operation, names := range methods {
		listed[operation] = strings.Split(names, ", ")
	}
	return listed
}

var receivers = map[string]reflect.Type{"Ledger": reflect.TypeFor[*cala.Ledger](), "Tx": reflect.TypeFor[*cala.Tx](),
	"HostTx": reflect.TypeFor[*cala.HostTx]()}

func TestCoverage_every_operation_of_the_header_has_its_methods(t *testing.T) {
	header := must[[]byte](t)(os.ReadFile("../../../include/cala.h"))
	makes := regexp.MustCompile(`CALA_API cala_status cala_(\w+)\(cala_ledger \*ledger, cala_tx \*tx, const char ` +
		`\*request,`)
	declared := makes.FindAllStringSubmatch(string(header), -1)
	covered := coverage(t)
	equal(t, len(declared), len(covered))
	equal(t, len(raw.Operations), len(covered))
	for i, found := range declared {
		equal(t, raw.Operations[i].Name, found[1])
		if len(covered[found[1]]) == 0 {
			t.Errorf("no method reaches %s", found[1])
		}
		for _, method := range covered[found[1]] {
			receiver, name, _ := strings.Cut(method, ".")
			if _, found := receivers[receiver].MethodByName(name); !found {
				t.Errorf("there is no method %s", method)
			}
		}
	}
}

// keysOf gives what a struct is as JSON, each key with those inside it.
func keysOf(kind reflect.Type) map[string][]string {
	keys := map[string][]string{}
	for i := range kind.NumField() {
		field := kind.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		keys[key] = nil
		if field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() == reflect.Struct {
			keys[key] = slices.Sorted(maps.Keys(keysOf(field.Type.Elem())))
		}
	}
	return keys
}

func TestCoverage_every_key_of_the_configuration_in_the_header_has_its_field(t *testing.T) {
	_, said, _ := strings.Cut(string(must[[]byte](t)(os.ReadFile("../../../include/cala.h"))), "Every key is optional:\n")
	said, _, _ = strings.Cut(said, "\n * out: ")
	declared := map[string][]string{}
	inside := regexp.MustCompile(`"(\w+)":`)
	for _, found := range regexp.MustCompile(`(?m)^ \*   (\w+)  +(.*(?:\n \* {6}.*)*)`).FindAllStringSubmatch(said, -1) {
		if strings.HasPrefix(found[2], "of a later version") {
			continue
		}
		declared[found[1]] = nil
		if strings.HasPrefix(found[2], "{") {
			for _, key := range inside.FindAllStringSubmatch(found[2], -1) {
				declared[found[1]] = append(declared[found[1]], key[1])
			}
			slices.Sort(declared[found[1]])
		}
	}
	equal(t, len(declared) > 8, true)
	if fields := keysOf(reflect.TypeFor[cala.Config]()); !reflect.DeepEqual(declared, fields) {
		t.Errorf("the header has %v, Config %v", declared, fields)
	}
}

// comments reads what the package says of its methods: {"Ledger.Post": ...}.
func comments(t *testing.T) map[string]string {
	said := map[string]string{}
	for _, path := range must[[]string](t)(filepath.Glob("../*.go")) {
		file := must[*ast.File](t)(parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments))
		for _, declared := range file.Decls {
			method, ok := declared.(*ast.FuncDecl)
			if !ok || method.Recv == nil {
				continue
			}
			star, ok := method.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			if of, ok := star.X.(*ast.Ident); ok { // not a generic type, which has no operations
				receiver := strings.Replace(of.Name, "Operations", "Ledger", 1)
				said[receiver+"."+method.Name.Name] = method.Doc.Text()
			}
		}
	}
	return said
}

// The comments of the methods that are written by hand name the same codes as those that are made.
func TestCoverage_every_method_names_the_codes_of_its_operation(t *testing.T) {
	must[string](t)(cala.LibraryVersion())
	var contract struct {
		Operations map[string]struct{ Errors []string }
		Codes      map[string]any
	}
	check(t, json.Unmarshal([]byte(raw.Api()), &contract))
	said, asFor := comments(t), regexp.MustCompile(`Errors as for (\w+)`)
	code := regexp.MustCompile(`\b[a-z_]+\.[a-z_]+\b`)
	for operation, methods := range coverage(t) {
		for _, method := range methods {
			receiver, _, _ := strings.Cut(method, ".")
			text := said[method]
			if other := asFor.FindStringSubmatch(text); other != nil {
				text += said[receiver+"."+other[1]]
			}
			_, errors, _ := strings.Cut(text, "Errors")
			for _, declared := range contract.Operations[operation].Errors {
				if !strings.Contains(errors, declared) {
					t.Errorf("the comment of %s does not name %s", method, declared)
				}
			}
			for _, named := range code.FindAllString(errors, -1) {
				if _, known := contract.Codes[named]; !known {
					t.Errorf("the comment of %s names %s, which there is not", method, named)
				}
			}
		}
	}
}
