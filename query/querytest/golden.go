package querytest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Statement is a query that knows its SQL.
type Statement interface {
	SQL() (string, []any, error)
}

// Golden compares statement and arguments with the file of that name in testdata, and looks for values in the
// statement. With update it writes the file.
func Golden(t *testing.T, update bool, name string, q Statement, hostile string) {
	t.Helper()
	statement, args, err := q.SQL()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(statement, hostile) || strings.Contains(statement, "acme") ||
		strings.Contains(statement, "Kathmandu") {
		t.Errorf("%s: a value became SQL", name)
	}
	var got strings.Builder
	got.WriteString(strings.TrimSpace(statement) + "\n")
	for _, a := range args {
		named := a.(driver.NamedValue)
		value, err := json.Marshal(named.Value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "-- %s = %s\n", named.Name, value)
	}
	path := filepath.Join("testdata", name+".sql")
	if update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test . -run Golden -update, and read what it wrote", err)
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got.String(), want)
	}
}
