package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// numbersStub answers the number routes as the server does, over rows that it counts by itself.
type numbersStub struct {
	dead    int
	changes int
	asked   []string // bodies of checks
	broken  bool     // exports break off
	t       *testing.T
}

func (s *numbersStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, _ := strconv.Atoi(q.Get("cursor"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	answer := func(status int, body any) {
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			s.t.Error(err)
		}
	}
	switch {
	case q.Get("account") == "nobody":
		answer(http.StatusBadRequest, map[string]string{"detail": "account: nobody is here"})
	case r.URL.Path == "/v1/numbers/dead" && q.Get("limit") == "all":
		fmt.Fprintf(w, "%s of %s %s by %s\n", q.Get("format"), q.Get("account"), q.Get("kind"), q.Get("rule"))
		if s.broken {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	case r.URL.Path == "/v1/numbers/dead":
		rows, next := []any{}, any(nil)
		for i := after; i < min(s.dead, after+limit); i++ {
			rows = append(rows, map[string]any{"account": "acme", "number": fmt.Sprintf("+7916%07d", i),
				"since": "2026-11-01T10:00:00.123Z", "rule": "hard", "failed_mailings": 2, "failed_days": 3,
				"reasons": map[string]int{"expired": 1, "unknown_subscriber": 2}, "wasted_cost": "4.00",
				"currency": "RUB", "last_delivered_at": nil})
		}
		if after+limit < s.dead {
			next = strconv.Itoa(after + limit)
		}
		answer(http.StatusOK, map[string]any{"rows": rows, "next_cursor": next})
	case r.URL.Path == "/v1/numbers/check" && r.Method == http.MethodPost:
		var body struct{ Numbers []string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			s.t.Error(err)
		}
		s.asked = append(s.asked, fmt.Sprint(len(body.Numbers), " ", q.Get("account")))
		rows := []any{}
		for _, n := range body.Numbers {
			if n[0] != '+' {
				rows = append(rows, map[string]any{"number": n, "error": "must begin with +"})
				continue
			}
			rows = append(rows, map[string]any{"number": n, "state": "unknown", "rule": "", "since": nil,
				"opt_outs": []map[string]string{
					{"channel": "viber", "kind": "blocked", "sender": "A"},
					{"channel": "viber", "kind": "blocked", "sender": "B"},
					{"channel": "push", "kind": "unsubscribed"}}})
		}
		answer(http.StatusOK, map[string]any{"rows": rows})
	case r.URL.Path == "/v1/numbers/changes":
		rows := []any{}
		for i := after; i < min(s.changes, after+limit); i++ {
			rows = append(rows, map[string]any{"seq": i, "to": q.Get("to")})
		}
		answer(http.StatusOK, map[string]any{"rows": rows, "next_cursor": strconv.Itoa(after + len(rows))})
	default:
		answer(http.StatusNotFound, map[string]string{"detail": "no route"})
	}
}

func newNumbersStub(t *testing.T) (*numbersStub, string) {
	s := &numbersStub{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, "--url=" + server.URL
}

func TestNumbersDead_Pages(t *testing.T) {
	stub, at := newNumbersStub(t)
	stub.dead = 25_003
	out := must(t, "", "numbers", "dead", at, "--limit", "0")
	if lines := strings.Split(out, "\n"); len(lines) != 25_005 ||
		lines[0] != "number,account,dead_since,rule,reasons,mailings,days,wasted,last_delivered" ||
		lines[1] != `+79160000000,acme,2026-11-01T10:00:00Z,hard,"unknown_subscriber ×2, expired ×1",2,3,4.00 RUB,` {
		t.Errorf("%d lines: %s", len(lines), out[:min(len(out), 300)])
	}
	out, problems, code := command(t, "", "numbers", "dead", at, "--limit", "7")
	if code != 0 || strings.Count(out, "\n") != 8 || !strings.Contains(problems, "more than these 7") {
		t.Errorf("exit %d: %s%s", code, out, problems)
	}
	stub.dead = 7
	if out := must(t, "", "numbers", "dead", at, "--limit", "7"); strings.Count(out, "\n") != 8 {
		t.Error(out)
	}
	if _, problems, code := command(t, "", "numbers", "dead", at, "--account", "nobody"); code != 1 ||
		!strings.Contains(problems, "nobody is here") {
		t.Errorf("exit %d: %s", code, problems)
	}
}

func TestNumbersCheck_Sources(t *testing.T) {
	stub, at := newNumbersStub(t)
	const want = "number,state,rule,since,opt_outs,error\n+79160000001,unknown,,,\"blocked viber, unsubscribed " +
		"push\",\n79160000002,,,,,must begin with +\n"
	for name, out := range map[string]string{
		"arguments": must(t, "", "numbers", "check", at, "+79160000001", "79160000002"),
		"file": must(t, "", "numbers", "check", at, "--file",
			write(t, "n.txt", "\ufeff+79160000001\r\n\r\n  79160000002  \n")),
		"standard input": must(t, "+79160000001\n79160000002", "numbers", "check", at, "--account", "acme"),
	} {
		if out != want {
			t.Errorf("%s: %s", name, out)
		}
	}
	stub.asked = nil
	many := strings.Repeat("+79160000001\n", 25_000)
	if out := must(t, many, "numbers", "check", at, "--account", "acme"); strings.Count(out, "\n") != 25_001 ||
		strings.Join(stub.asked, ", ") != "10000 acme, 10000 acme, 5000 acme" {
		t.Errorf("asked %q", stub.asked)
	}
	if _, problems, code := command(t, "", "numbers", "check", at, "--file", "x", "+79160000001"); code != 1 ||
		!strings.Contains(problems, "not both") {
		t.Errorf("exit %d: %s", code, problems)
	}
}

func TestNumbersExport_WholeOrNothing(t *testing.T) {
	stub, at := newNumbersStub(t)
	dir := t.TempDir()
	for _, c := range []struct{ file, form string }{{"a.csv", "csv"}, {"a.ndjson", "ndjson"}, {"a.arrow", "arrow"},
		{"a.xlsx", "xlsx"}, {"a.JSONL", "ndjson"}} {
		path := filepath.Join(dir, c.file)
		must(t, "", "numbers", "export", path, at, "--account", "acme", "--rule", "hard")
		if body, err := os.ReadFile(path); err != nil || string(body) != c.form+" of acme phone by hard\n" {
			t.Errorf("%s: %q, %v", c.file, body, err)
		}
	}
	if out := must(t, "", "numbers", "export", at, "--format", "arrow", "--kind",
		"email"); out != "arrow of  email by \n" {
		t.Errorf("standard output: %q", out)
	}
	if _, problems, code := command(t, "", "numbers", "export", filepath.Join(dir, "a.pdf"), at); code != 1 ||
		!strings.Contains(problems, "say --format") {
		t.Errorf("exit %d: %s", code, problems)
	}
	stub.broken = true
	path := filepath.Join(dir, "a.csv")
	if _, problems, code := command(t, "", "numbers", "export", path, at); code != 1 ||
		!strings.Contains(problems, "broke off") {
		t.Errorf("exit %d: %s", code, problems)
	}
	if body, err := os.ReadFile(path); err != nil || string(body) != "csv of acme phone by hard\n" {
		t.Errorf("a broken export replaced the file: %q, %v", body, err)
	}
	if _, problems, code := command(t, "", "numbers", "export", path, at, "--account", "nobody"); code != 1 ||
		!strings.Contains(problems, "nobody is here") {
		t.Errorf("exit %d: %s", code, problems)
	}
}

func TestNumbersChanges_KeepsItsPlace(t *testing.T) {
	stub, at := newNumbersStub(t)
	stub.changes = 20_500
	place := filepath.Join(t.TempDir(), "crm.cursor")
	run := func() []string {
		return strings.Split(strings.TrimSuffix(must(t, "", "numbers", "changes", at, "--place", place, "--to", "dead"),
			"\n"), "\n")
	}
	if lines := run(); len(lines) != 20_500 || lines[20_499] != `{"seq":20499,"to":"dead"}` {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
	if lines := run(); len(lines) != 1 || lines[0] != "" {
		t.Errorf("again: %q", lines)
	}
	stub.changes += 2
	if lines := run(); len(lines) != 2 || lines[0] != `{"seq":20500,"to":"dead"}` {
		t.Errorf("more: %q", lines)
	}
	if body, err := os.ReadFile(place); err != nil || string(body) != "20502\n" {
		t.Errorf("the place is %q: %v", body, err)
	}
}
