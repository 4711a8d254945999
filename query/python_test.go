package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// python is the one of make python, which has what analysts use.
func python(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../bin/python/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatal("bin/python is missing: run make python")
		}
		t.Skip("bin/python is missing: run make python")
	}
	return program
}

// polars and pandas read the Arrow stream and Parquet, with decimals that are none of them floats.
func TestServer_Reports_Python(t *testing.T) {
	program := python(t)
	conn := newConn(t)
	storeLives(t, conn)
	s := newServer(t, conn)
	folder := t.TempDir()
	for _, format := range []string{"arrow", "parquet"} {
		w := get(s, "/v1/messages?limit=all&format="+format)
		if w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		if err := os.WriteFile(filepath.Join(folder, "rows."+format), w.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var want pageAnswer
	decode(t, get(s, "/v1/messages?limit=10000"), http.StatusOK, &want)
	var read struct {
		Types                   map[string]string
		Stream, Parquet, Pandas []map[string]any
		Cost                    string
	}
	out, err := exec.Command(program, "testdata/typed.py", folder).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%v: %s", err, failed.Stderr)
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.HasPrefix(read.Types["cost"], "Decimal(") || !strings.HasPrefix(read.Types["sent_at"], "Datetime(") {
		t.Errorf("types %v", read.Types)
	}
	cost := new(big.Rat)
	for i, row := range want.Rows {
		for name, rows := range map[string][]map[string]any{"polars of a stream": read.Stream,
			"polars": read.Parquet, "pandas": read.Pandas} {
			if len(rows) != len(want.Rows) {
				t.Fatalf("%s: %d rows, want %d", name, len(rows), len(want.Rows))
			}
			for column, value := range row {
				if got := rows[i][column]; !reflect.DeepEqual(seen(column, got), seen(column, value)) {
					t.Errorf("%s: row %d: %s is %v, want %v", name, i, column, got, value)
				}
			}
		}
		if row["cost"] != nil {
			one, _ := new(big.Rat).SetString(row["cost"].(string))
			cost.Add(cost, one)
		}
	}
	if sum, ok := new(big.Rat).SetString(read.Cost); !ok || sum.Cmp(cost) != 0 || cost.Sign() == 0 {
		t.Errorf("costs add up to %s, want %s", read.Cost, cost.FloatString(6))
	}
}

// seen is a value of a column whatever digits and zones it is printed with.
func seen(column string, value any) any {
	shown, isText := value.(string)
	switch {
	case !isText:
		return value
	case column == "cost":
		if amount, ok := new(big.Rat).SetString(shown); ok {
			return amount.RatString()
		}
	case strings.HasSuffix(column, "_at"):
		shown = strings.TrimSuffix(strings.TrimSuffix(shown, "Z"), "+00:00")
		whole, fraction, _ := strings.Cut(shown, ".")
		return fmt.Sprintf("%s.%.3s", whole, fraction+"000")
	}
	return shown
}
