package state_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/schematest"
	"kaskad/schema/state"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// Events that ClickHouse merges and events that Go merges are the same facts.
func TestMessage_Add_AsClickHouseMerges(t *testing.T) {
	conn := schematest.Conn(t)
	seed := uint64(0)
	rapid.Check(t, func(t *rapid.T) { seed = rapid.Uint64Range(0, 1<<30).Draw(t, "seed") })
	t.Logf("seed %d", seed)
	want := map[string]*state.Message{}
	var facts [3]schema.Facts // Blocks that merge when they are read, or before.
	met := map[string]int{}
	for i := range 4_000 {
		id := fmt.Sprint("m", i)
		events := rapid.Custom(anyEvents).Example(int(seed) + i)
		for j := range events {
			ev := &events[j]
			ev.Account, ev.MessageID, ev.BucketMS = []byte("acme"), []byte(id), begin.UnixMilli()
			facts[(i+j)%len(facts)].Append(ev)
			if j%3 == 0 {
				facts[(i+j+1)%len(facts)].Append(ev) // Told twice.
			}
		}
		if len(events) == 0 {
			continue
		}
		want[id] = of(events...)
		for _, a := range want[id].Attempts {
			for name, odd := range map[string]bool{"several replies": len(a.RepliesMS) > 1,
				"prices of parts": len(a.Prices) > 1, "parts": a.DeliveredParts.Count() > 1,
				"open parts": !a.OpenParts().Empty(), "readdressed": a.Readdressed(),
				"a machine": a.MachineMS != schema.Never,
				"single":    a.SingleDeliveredMS != schema.Never, "a code": a.LastErrorCode != "",
				"billable, and not": a.Billable == 3,
				"the last part":     a.DeliveredParts.Has(255), "steps": len(want[id].Attempts) > 1} {
				if odd {
					met[name]++
				} else {
					met[name] += 0
				}
			}
		}
	}
	for name, times := range met {
		if times < 20 {
			t.Errorf("%q was met %d times", name, times)
		}
	}
	var fold state.Fold
	for i := range facts {
		batch := uuid.New()
		fold.Fold(&facts[i], nil)
		insert := fold.Attempts.Insert
		if fold.Attempts.Rows() == 0 {
			t.Fatalf("%d events are not merged", facts[i].Rows())
		}
		if i == 1 { // One row for each event.
			insert = func(ctx context.Context, conn driver.Conn) error {
				return facts[i].Insert(ctx, conn, batch, 0, facts[i].Rows())
			}
		}
		if err := errors.Join(insert(t.Context(), conn), schema.InsertChanges(t.Context(), conn, batch, &fold.Changes),
			schema.OpenTouches(t.Context(), conn,
				[]schema.Touch{{BucketMS: schema.ChangesMS, ID: batch}})); err != nil {
			t.Fatal(err)
		}
	}
	changes := schematest.Changes(t, conn)
	for id, m := range want {
		mustEqual(t, id+": changes", changes[state.Key{Account: "acme", BucketMS: begin.UnixMilli(), MessageID: id}], m)
	}
	for _, merge := range []string{"", "OPTIMIZE TABLE attempts FINAL"} {
		if merge != "" {
			if err := conn.Exec(t.Context(), merge); err != nil {
				t.Fatal(err)
			}
		}
		got := schematest.States(t, conn)
		if len(got) != len(want) {
			t.Fatalf("%d messages are stored, want %d", len(got), len(want))
		}
		for id, m := range want {
			mustEqual(t, id+": ClickHouse", got[state.Key{Account: "acme", BucketMS: begin.UnixMilli(), MessageID: id}],
				m)
		}
	}
}

func TestPartSet_Numbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfDistinct(rapid.Uint8Range(1, 255), func(p uint8) uint8 { return p }).Draw(t, "parts")
		slices.Sort(numbers)
		var s law.PartSet
		column := new(big.Int)
		for _, p := range numbers {
			s.Set(p)
			column.SetBit(column, int(p)-1, 1)
		}
		var want []int
		for _, p := range numbers {
			want = append(want, int(p))
			if !s.Has(p) {
				t.Fatalf("%d is not in %v", p, s)
			}
		}
		if got := s.Numbers(); !slices.Equal(got, want) || s.Count() != len(want) || law.PartSetOf(column) != s {
			t.Fatalf("%v, %d of them, want %v", got, s.Count(), want)
		}
	})
}
