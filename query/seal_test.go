package query

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// queryCounter counts statements that read keys.
type queryCounter struct {
	driver.Conn
	n int
}

func (c *queryCounter) Query(ctx context.Context, statement string, args ...any) (driver.Rows, error) {
	c.n++
	return c.Conn.Query(ctx, statement, args...)
}

// ownKeys makes a server whose keys are those of the database.
func ownKeys(c *Config, _ *Deps) { c.CursorKeys = nil }

// opens returns the key in a cursor of a query, "" when it does not open.
func opens(tb testing.TB, s *Server, text string, query []byte) string {
	tb.Helper()
	p := &params{values: url.Values{"cursor": {text}}}
	if at := s.db.Cursors.Read(tb.Context(), p, query, 1); at != nil {
		return string(at.After[0])
	}
	if p.broken != nil {
		tb.Fatal(p.broken)
	}
	return ""
}

// A cursor tells nobody what is in it, and opens for its own query, unchanged, and nothing else.
func TestServer_Seal_Tamper(t *testing.T) {
	s := newServer(t, noConn{})
	query := queryHash("numbers/dead", "acme")
	c := cursor{Query: query, After: [][]byte{[]byte("+79161234567")}}
	sealed, err := s.db.Cursors.Seal(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"79161234567", base64.StdEncoding.EncodeToString([]byte("+79161234567")), "acme"} {
		if bytes.Contains(raw, []byte(secret)) || strings.Contains(sealed, secret) {
			t.Errorf("%q is in the cursor", secret)
		}
	}
	if len(raw) > len(plain)+40 || url.QueryEscape(sealed) != sealed {
		t.Errorf("%d bytes of %d: %s", len(raw), len(plain), sealed)
	}
	if again, err := s.db.Cursors.Seal(t.Context(), c); err != nil || again != sealed {
		t.Errorf("the same place has two cursors: %s, %s: %v", sealed, again, err)
	}
	if got := opens(t, s, sealed, query); got != "+79161234567" {
		t.Fatalf("%q", got)
	}
	altered := []string{"", "x", "!", sealed[1:], sealed[:len(sealed)-1], sealed + "A", sealed + "=", sealed + sealed,
		strings.ToLower(sealed),
		base64.RawURLEncoding.EncodeToString(plain), base64.RawURLEncoding.EncodeToString(raw[:5]),
		base64.RawURLEncoding.EncodeToString(raw[:17]),
		base64.RawURLEncoding.EncodeToString(append([]byte{1}, plain...))}
	for i := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << bit
			altered = append(altered, base64.RawURLEncoding.EncodeToString(flipped))
		}
	}
	for _, text := range altered {
		p := &params{values: url.Values{"cursor": {text}}}
		if at := s.db.Cursors.Read(t.Context(), p, query, 1); at != nil || p.broken != nil || len(p.errs) != 1 ||
			!strings.Contains(p.errs[0].Reason, "start again without a cursor") {
			t.Errorf("%q: %v, %v, %v", text, at, p.errs, p.broken)
		}
	}
	for _, other := range [][]byte{queryHash("numbers/dead", "beta"), queryHash("audience", "acme"),
		queryHash("numbers/deadacme"), nil, query[:31]} {
		if opens(t, s, sealed, other) != "" {
			t.Errorf("it opens for %x", other)
		}
	}
}

// A key that takes another's place opens cursors of both while both are set; one that is gone opens none.
func TestServer_Seal_Rotation(t *testing.T) {
	with := func(keys ...schema.CursorKey) *Server {
		return newServer(t, noConn{}, func(c *Config, _ *Deps) { c.CursorKeys = keys })
	}
	before, after := schema.CursorKey{1}, schema.CursorKey{2}
	query := queryHash("x")
	sealed, err := with(before).db.Cursors.Seal(t.Context(), cursor{Query: query, After: [][]byte{[]byte("k")}})
	if err != nil {
		t.Fatal(err)
	}
	if opens(t, with(after, before), sealed, query) != "k" {
		t.Error("the old key is set and does not open")
	}
	if newer, err := with(after, before).db.Cursors.Seal(t.Context(),
		cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil || opens(t, with(after), newer, query) != "k" {
		t.Errorf("the first key does not seal: %v", err)
	}
	p := &params{values: url.Values{"cursor": {sealed}}}
	if with(after).db.Cursors.Read(t.Context(), p, query, 1); len(p.errs) != 1 ||
		!strings.Contains(p.errs[0].Reason, "key is not in use: start again without a cursor") {
		t.Errorf("%v", p.errs)
	}
}

// Servers that start at the same time with an empty table read each other's cursors, and so do those that start later.
func TestServer_Seal_SharedKeys(t *testing.T) {
	conn := newConn(t)
	query := queryHash("x")
	servers := make([]*Server, 8)
	sealed := make([]string, len(servers))
	var starting sync.WaitGroup
	for i := range servers {
		servers[i] = newServer(t, conn, ownKeys)
		starting.Go(func() {
			var err error
			if sealed[i], err = servers[i].db.Cursors.Seal(t.Context(),
				cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for i, s := range append(servers, newServer(t, conn, ownKeys)) {
		for j, text := range sealed {
			// A server asks for keys that it does not know once a second.
			for deadline := time.Now().Add(10 * time.Second); opens(t, s, text, query) != "k"; {
				if time.Now().After(deadline) {
					t.Fatalf("server %d does not open the cursor of server %d", i, j)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
	// All that start from now on seal alike.
	first, err := newServer(t, conn, ownKeys).db.Cursors.Seal(t.Context(),
		cursor{Query: query, After: [][]byte{[]byte("k")}})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := newServer(t, conn, ownKeys).db.Cursors.Seal(t.Context(),
		cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil || second != first {
		t.Errorf("%s and %s: %v", first, second, err)
	}
	if opens(t, newServer(t, conn), first, query) != "" {
		t.Error("a server with a key of its own opens it")
	}
}

// A list is read page by page over a database that made its key, and a stranger's cursor makes the server ask for keys
// at most once a second.
func TestServer_Seal_Database(t *testing.T) {
	conn := newConn(t)
	insertHealth(t, conn, "number_health", dead("acme", "+79160000001", 1), dead("acme", "+79160000002", 1))
	s := newServer(t, conn, ownKeys)
	first := numbers(t, s, "numbers/dead", "limit=1")
	if second := numbers(t, newServer(t, conn, ownKeys), "numbers/dead",
		"limit=1&cursor="+*first.NextCursor); len(second.Rows) != 1 || second.NextCursor != nil {
		t.Errorf("%+v", second)
	}
	wantProblem(t, get(s, "/v1/numbers/dead?account=acme&cursor="+*first.NextCursor), http.StatusBadRequest, "cursor",
		"another query")
	wantProblem(t, get(s, "/v1/numbers/changes?cursor="+*first.NextCursor), http.StatusBadRequest, "cursor",
		"another query")
	counting := &queryCounter{Conn: conn}
	s = newServer(t, counting, ownKeys)
	stranger, err := newServer(t, noConn{}).db.Cursors.Seal(t.Context(), cursor{Query: queryHash("x")})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		wantProblem(t, get(s, "/v1/numbers/dead?cursor="+stranger), http.StatusBadRequest, "cursor", "start again")
	}
	if counting.n > 10 {
		t.Errorf("50 cursors of a stranger took %d statements", counting.n)
	}
	// Without the table that is no fault of the caller.
	execute(t, conn, "DROP TABLE cursor_keys")
	wantProblem(t, get(newServer(t, conn, ownKeys), "/v1/numbers/dead?cursor="+*first.NextCursor),
		http.StatusServiceUnavailable, "", "kaskad migrate")
	wantProblem(t, get(newServer(t, awayConn{}, ownKeys), "/v1/numbers/dead?cursor="+*first.NextCursor),
		http.StatusServiceUnavailable, "", "ClickHouse")
}
