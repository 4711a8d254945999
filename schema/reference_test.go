package schema_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/schema/schematest"
)

var referenceNow = time.Date(2026, 11, 20, 0, 0, 0, 123_000_000, time.UTC)

func put(t *testing.T, conn driver.Conn, kind, account string, rows int, body string) uint64 {
	t.Helper()
	version, err := schema.InsertReference(t.Context(), conn, kind, account, "auth off", rows, []byte(body),
		referenceNow)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func wantReference(t *testing.T, conn driver.Conn, kind, account string, at uint64, want schema.Reference) {
	t.Helper()
	got, found, err := schema.ReadReference(t.Context(), conn, kind, account, at)
	if err != nil {
		t.Fatal(err)
	}
	if found != (want.Version != 0) || got.Account != account || got.Version != want.Version || got.Rows != want.Rows ||
		!bytes.Equal(got.Body, want.Body) ||
		(found && (got.By != "auth off" || got.AtMS != referenceNow.UnixMilli())) {
		t.Errorf("%s of %q at %d: %+v, want %+v", kind, account, at, got, want)
	}
}

// Versions count over all accounts of a kind, and an old version says what was in force then.
func TestReference_Versions(t *testing.T) {
	conn := schematest.Conn(t)
	wantReference(t, conn, schema.ReferenceTariffs, "acme", 0, schema.Reference{})
	for i, p := range []struct {
		kind, account, body string
		want                uint64
	}{{"tariffs", "acme", "[1]", 1}, {"tariffs", "beta", "[2]", 2}, {"templates", "acme", "[3]", 1},
		{"tariffs", "acme", "[]", 3}, {"tariffs", "beta", "[4,5]", 4}} {
		if got := put(t, conn, p.kind, p.account, i, p.body); got != p.want {
			t.Errorf("put %d: version %d, want %d", i, got, p.want)
		}
		wantReference(t, conn, p.kind, p.account, 0, schema.Reference{Version: p.want, Rows: i, Body: []byte(p.body)})
	}
	acme1, acme3 := schema.Reference{Version: 1, Rows: 0, Body: []byte("[1]")},
		schema.Reference{Version: 3, Rows: 3, Body: []byte("[]")}
	beta2, beta4 := schema.Reference{Version: 2, Rows: 1, Body: []byte("[2]")},
		schema.Reference{Version: 4, Rows: 4, Body: []byte("[4,5]")}
	for at, want := range []struct{ acme, beta schema.Reference }{{acme3, beta4}, {acme1, schema.Reference{}},
		{acme1, beta2}, {acme3, beta2}, {acme3, beta4}} {
		wantReference(t, conn, "tariffs", "acme", uint64(at), want.acme)
		wantReference(t, conn, "tariffs", "beta", uint64(at), want.beta)
		all, err := schema.ReadReferences(t.Context(), conn, "tariffs", uint64(at))
		if err != nil {
			t.Fatal(err)
		}
		var got, wanted []string
		for _, r := range all {
			got = append(got, fmt.Sprintf("%s %d %d %s", r.Account, r.Version, r.Rows, r.Body))
		}
		for name, r := range map[string]schema.Reference{"acme": want.acme, "beta": want.beta} {
			if r.Version > 0 {
				wanted = append(wanted, fmt.Sprintf("%s %d %d %s", name, r.Version, r.Rows, r.Body))
			}
		}
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("all at %d: %q, want %q", at, got, wanted)
		}
	}
	for _, c := range []struct {
		before uint64
		limit  int
		want   []uint64
	}{{0, 10, []uint64{3, 1}}, {0, 1, []uint64{3}}, {3, 10, []uint64{1}}, {1, 10, nil}} {
		history, err := schema.ReferenceHistory(t.Context(), conn, "tariffs", "acme", c.before, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for _, r := range history {
			got = append(got, r.Version)
			if r.By != "auth off" || r.AtMS != referenceNow.UnixMilli() || r.Body != nil {
				t.Errorf("history: %+v", r)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("history before %d, limit %d: %v, want %v", c.before, c.limit, got, c.want)
		}
	}
}

func TestStoreReference_Conflict(t *testing.T) {
	conn := schematest.Conn(t)
	putIf := func(body string, current int64) (uint64, error) {
		return schema.StoreReference(t.Context(), conn, "tariffs", schema.Reference{Account: "acme", By: "auth off",
			Rows: 1, Body: []byte(body), AtMS: referenceNow.UnixMilli()}, current)
	}
	if version, err := putIf("[1]", 0); version != 1 || err != nil {
		t.Fatal(version, err)
	}
	put(t, conn, "tariffs", "beta", 1, "[2]") // version 2 is of another account, and none of this one's business
	if _, err := putIf("[3]", 0); !errors.Is(err, schema.ErrVersionChanged) {
		t.Errorf("first put twice: %v", err)
	}
	if _, err := putIf("[3]", 2); !errors.Is(err, schema.ErrVersionChanged) {
		t.Errorf("a version of another account: %v", err)
	}
	wantReference(t, conn, "tariffs", "acme", 0, schema.Reference{Version: 1, Rows: 1, Body: []byte("[1]")})
	if version, err := putIf("[4]", 1); version != 3 || err != nil {
		t.Fatal(version, err)
	}
}

// Writers at the same time never share a version, and what the version shows is what its writer put. Of those that
// replace one version, one wins.
func TestInsertReference_Concurrent(t *testing.T) {
	conn := schematest.Conn(t)
	const writers, each = 6, 3
	var group sync.WaitGroup
	var mu sync.Mutex
	bodies, won := map[uint64]string{}, 0
	for w := range writers {
		group.Go(func() {
			for i := range each {
				account, body := fmt.Sprint("account", w%2), fmt.Sprintf("[%d,%d]", w, i)
				version, err := schema.InsertReference(t.Context(), conn, "tariffs", account, "auth off", 2,
					[]byte(body), referenceNow)
				mu.Lock()
				if err != nil {
					t.Error(err)
				} else if other, taken := bodies[version]; taken {
					t.Errorf("version %d is %s and %s", version, other, body)
				}
				bodies[version] = account + body
				mu.Unlock()
			}
			_, err := schema.StoreReference(t.Context(), conn, "templates", schema.Reference{Account: "acme",
				By: "auth off", Rows: 1, Body: []byte("[]"), AtMS: referenceNow.UnixMilli()}, 0)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, schema.ErrVersionChanged) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won != 1 || len(bodies) != writers*each {
		t.Errorf("%d writers replaced the same version, %d versions were given; want 1 and %d", won, len(bodies),
			writers*each)
	}
	for version, want := range bodies {
		account := want[:len("account0")]
		got, _, err := schema.ReadReference(t.Context(), conn, "tariffs", account, version)
		if err != nil || got.Version != version || account+string(got.Body) != want {
			t.Errorf("version %d is %+v, want %s (%v)", version, got, want, err)
		}
	}
}

// A pair that two dead writers left is read the same way by everybody.
func TestReference_TieGreatestID(t *testing.T) {
	conn := schematest.Conn(t)
	for _, id := range []string{"2", "9", "4"} {
		err := conn.Exec(t.Context(), "INSERT INTO reference (kind, account, version, id, at_ms, `by`, rows, body) VALUES ("+
			"'tariffs', 'acme', 7, "+
			"concat('00000000-0000-4000-8000-00000000000', ?), ?, 'auth off', 1, ?)",
			id, referenceNow.UnixMilli(), "["+id+"]")
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []uint64{0, 7, 8} {
		wantReference(t, conn, "tariffs", "acme", at, schema.Reference{Version: 7, Rows: 1, Body: []byte("[9]")})
	}
	history, err := schema.ReferenceHistory(t.Context(), conn, "tariffs", "acme", 0, 10)
	if err != nil || len(history) != 1 {
		t.Errorf("history %+v, %v", history, err)
	}
	if version := put(t, conn, "tariffs", "beta", 0, "[]"); version != 8 {
		t.Errorf("next version %d, want 8", version)
	}
}

// Every byte comes back, of names with quotes and backslashes, and of the longest list.
func TestReference_KeepsEveryByte(t *testing.T) {
	conn := schematest.Conn(t)
	rapid.Check(t, func(r *rapid.T) {
		account, text := rapid.StringN(1, 20, -1).Draw(r, "account"), rapid.String().Draw(r, "text")
		body, err := json.Marshal([]string{text, "\\N\t'\"\n{kind:String}"})
		if err != nil {
			r.Fatal(err)
		}
		version := put(t, conn, "tariffs", account, 1, string(body))
		wantReference(t, conn, "tariffs", account, 0, schema.Reference{Version: version, Rows: 1, Body: body})
	})
	random := make([]byte, 12<<20)
	_, _ = rand.Read(random)
	long, err := json.Marshal([][]byte{random})
	if err != nil {
		t.Fatal(err)
	}
	version := put(t, conn, "tariffs", "long", 1, string(long))
	wantReference(t, conn, "tariffs", "long", 0, schema.Reference{Version: version, Rows: 1, Body: long})
}

// crowdedConn has a rival put the same version as the first row, and loses the first delete.
type crowdedConn struct {
	driver.Conn
	put, lost bool
}

func (c *crowdedConn) Exec(ctx context.Context, query string, args ...any) error {
	switch {
	case strings.Contains(query, "INSERT INTO reference") && !c.put:
		c.put = true
		if err := c.Conn.Exec(ctx, query, args...); err != nil {
			return err
		}
		return c.Conn.Exec(ctx, "INSERT INTO reference (kind, version, id, `by`, body) "+
			"SELECT kind, version, generateUUIDv4(), 'rival', body FROM reference")
	case strings.HasPrefix(query, "DELETE FROM reference") && !c.lost:
		c.lost = true
		return nil
	}
	return c.Conn.Exec(ctx, query, args...)
}

// A row that is taken back is gone, whatever the engine says of the first delete: who was told that nothing was changed
// must not find it stored.
func TestReference_LostDelete(t *testing.T) {
	conn := &crowdedConn{Conn: schematest.Conn(t)}
	_, err := schema.StoreReference(t.Context(), conn, schema.ReferenceTariffs,
		schema.Reference{By: "own", Body: []byte("[]")}, 0)
	if !errors.Is(err, schema.ErrVersionChanged) || !conn.lost {
		t.Errorf("error %v, a delete was lost: %v", err, conn.lost)
	}
	var by []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(`by`) FROM reference").Scan(&by); err != nil ||
		!slices.Equal(by, []string{"rival"}) {
		t.Errorf("stored are %v, %v", by, err)
	}
}
