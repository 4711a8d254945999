package query

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
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
	if at := s.db.Cursors.Read(tb.Context(), &answer.Params{Values: url.Values{"cursor": {text}}}, query,
		1); at != nil {
		return string(at.After[0])
	}
	return ""
}

// Servers that start at the same time with an empty table read each other's cursors, and so do those that start later.
func TestServer_Seal_SharedKeys(t *testing.T) {
	conn := newConn(t)
	query := answer.QueryHash("x")
	servers := make([]*Server, 8)
	sealed := make([]string, len(servers))
	var starting sync.WaitGroup
	for i := range servers {
		servers[i] = newServer(t, conn, ownKeys)
		starting.Go(func() {
			var err error
			if sealed[i], err = servers[i].db.Cursors.Seal(t.Context(),
				answer.Cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for i, s := range slices.Concat(servers, []*Server{newServer(t, conn, ownKeys)}) {
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
		answer.Cursor{Query: query, After: [][]byte{[]byte("k")}})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := newServer(t, conn, ownKeys).db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: query, After: [][]byte{[]byte("k")}}); err != nil || second != first {
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
	execute(t, conn, "INSERT INTO number_health (account, number, version, state, rule, since_ms) VALUES "+
		"('acme', '+79160000001', 1, 'dead', 'hard', 1000), ('acme', '+79160000002', 1, 'dead', 'hard', 1000)")
	s := newServer(t, conn, ownKeys)
	first := listed(t, s, "numbers/dead", "limit=1")
	if second := listed(t, newServer(t, conn, ownKeys), "numbers/dead",
		"limit=1&cursor="+*first.NextCursor); len(second.Rows) != 1 || second.NextCursor != nil {
		t.Errorf("%+v", second)
	}
	wantProblem(t, get(s, "/v1/numbers/dead?account=acme&cursor="+*first.NextCursor), http.StatusBadRequest, "cursor",
		"another query")
	wantProblem(t, get(s, "/v1/numbers/changes?cursor="+*first.NextCursor), http.StatusBadRequest, "cursor",
		"another query")
	counting := &queryCounter{Conn: conn}
	s = newServer(t, counting, ownKeys)
	stranger, err := newServer(t, noConn{}).db.Cursors.Seal(t.Context(), answer.Cursor{Query: answer.QueryHash("x")})
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
