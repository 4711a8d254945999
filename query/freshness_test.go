package query

import (
	"testing"
	"time"

	"kaskad/query/querytest"
)

// What an aggregator of the process states is newer than what it stores, and counts from the first that is stored.
func TestDB_Freshness_Stated(t *testing.T) {
	conn := newConn(t)
	db := querytest.DB(conn)
	var asOf int64
	var at time.Time
	db.Stated = func() (int64, time.Time) { return asOf, at }
	if f, err := db.Freshness(t.Context()); err != nil || f.Known {
		t.Fatal(f, err)
	}
	execute(t, conn, "INSERT INTO freshness (as_of_ms, pending_buckets, at) VALUES (5, 3, now64(3) - 20)")
	if f, err := db.Freshness(t.Context()); err != nil || !f.Known || f.AsOfMS != 5 || f.Age < 20*time.Second {
		t.Fatalf("before a pass: %+v, %v", f, err)
	}
	asOf, at = 7, time.Now()
	if f, err := db.Freshness(t.Context()); err != nil || f.AsOfMS != 7 || f.PendingBuckets != 3 ||
		f.Age > 10*time.Second {
		t.Fatalf("after it: %+v, %v", f, err)
	}
	// A long pass states nothing, and shows that it works by what it stores.
	at = time.Now().Add(-time.Minute)
	if f, err := db.Freshness(t.Context()); err != nil || f.AsOfMS != 7 || f.Age > 40*time.Second {
		t.Fatalf("in a long pass: %+v, %v", f, err)
	}
}
