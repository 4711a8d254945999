package query

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example says what the API says: each mailing once, with the best channel's counts and exact money.
func TestServer_Example_Mailings(t *testing.T) {
	program := python(t)
	conn := newConn(t)
	storeLives(t, conn)
	s := newServer(t, conn)
	// Pages are small, so that the example has to join them.
	small := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Get("limit") == "10000" {
			q.Set("limit", "4")
			r.URL.RawQuery = q.Encode()
		}
		s.Handler().ServeHTTP(w, r)
	}))
	defer small.Close()
	file := filepath.Join(t.TempDir(), "mailings.csv")
	out, err := exec.Command(program, "../examples/mailings.py", "--url", small.URL, "--from", "2026-11-01", "--to",
		"2026-11-19", "--csv", file).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%v: %s", err, failed.Stderr)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
	if err != nil || len(lines) < 5 {
		t.Fatalf("%d lines: %v", len(lines), err)
	}
	got := map[string]map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		got[row["campaign"]] = row
	}

	const query = "from=2026-11-01&to=2026-11-19&group_by=account,campaign"
	savings, spent := listed(t, s, "reports/savings", query), listed(t, s, "reports/dead-spend", query)
	if len(savings.Rows) != len(lines)-1 || len(got) != len(savings.Rows) || len(spent.Rows) == 0 {
		t.Fatalf("%d lines for %d mailings, %d of them with dead numbers", len(lines)-1, len(savings.Rows),
			len(spent.Rows))
	}
	saved := new(big.Rat)
	for _, want := range savings.Rows {
		row := got[want["campaign"].(string)]
		for _, column := range []string{"sms_only_cost", "actual_cost", "saved_reached", "priced_messages"} {
			if !sameNumber(row[column], want[column]) {
				t.Errorf("%s: %s is %q, want %v", want["campaign"], column, row[column], want[column])
			}
		}
		if amount, ok := new(big.Rat).SetString(fmt.Sprint(want["saved_reached"])); ok {
			saved.Add(saved, amount)
		}
	}
	for _, want := range spent.Rows {
		if row := got[want["campaign"].(string)]; !sameNumber(row["avoidable_cost"], want["avoidable_cost"]) ||
			!sameNumber(row["dead_attempts"], want["attempts"]) {
			t.Errorf("%s: %v, want %v", want["campaign"], row, want)
		}
	}
	for _, row := range got {
		if row["channel"] != "viber" || row["open_num"] != "1" || row["open_den"] != "1" ||
			row["open_rate_bound"] != "lower" {
			t.Errorf("%s: read on %v", row["campaign"], row)
		}
	}
	dead := listed(t, s, "numbers/dead", "").Rows
	if len(dead) != 1 {
		t.Fatalf("%d dead numbers", len(dead))
	}
	wasted, _ := new(big.Rat).SetString(dead[0]["wasted_cost"].(string))
	for _, words := range []string{"≥100.0 %", fmt.Sprintf("on whom it reached: %s RUB", saved.FloatString(2)),
		fmt.Sprintf("acme has 1 dead numbers; messages to them wasted %s RUB", wasted.FloatString(2))} {
		if !strings.Contains(string(out), words) {
			t.Errorf("%q is missing in\n%s", words, out)
		}
	}
}

// sameNumber compares a number of a CSV with one of JSON, whatever zeros they end with.
func sameNumber(got string, want any) bool {
	x, ok1 := new(big.Rat).SetString(got)
	y, ok2 := new(big.Rat).SetString(fmt.Sprint(want))
	return ok1 && ok2 && x.Cmp(y) == 0
}
