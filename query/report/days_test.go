package report

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// ofDay is a sum as small as can be.
type ofDay struct{ n int64 }

func (d *ofDay) Bytes() int64 { return 8 }

func (d *ofDay) Plus(more *ofDay, times int64) (*ofDay, bool) {
	sum := d.n + times*more.n
	return &ofDay{sum}, sum >= 0
}

func (d *ofDay) Settle(func(row string, s rollup.Settling)) {}

// A day costs what editions changed of it since it was remembered, and it is read as a whole where these can't be read
// any more, or don't lead to what is asked for.
func TestDaySums_Of(t *testing.T) {
	date := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	request := &rollup.Request{Name: "test", Zone: time.UTC, FromMS: date.UnixMilli(), ToMS: date.AddDate(0, 0, 1).UnixMilli()}
	now := date.AddDate(0, 0, 2).Add(12 * time.Hour)
	routes := &store.Routes{Capabilities: &store.Capabilities{}, SettlingDays: []uint16{0, 1, 7}}
	// published[e] is what edition e changes the day by.
	published := map[uint64]int64{10: 100, 20: 7, 30: -4, 40: 2, 50: 1, 60: 5}
	at := func(edition uint64) (sum int64, newest uint64) {
		for e, n := range published {
			if e <= edition {
				sum, newest = sum+n, max(newest, e)
			}
		}
		return sum, newest
	}
	var days rollup.DaySums[*ofDay]
	for i, c := range []struct {
		edition, build uint64
		read           time.Duration // when the edition was seen
		epoch          uint64
		serves         bool
		want           string
	}{
		{20, 0, 0, 0, true, "whole"},
		{20, 0, 0, 0, true, ""},
		{25, 0, time.Minute, 0, true, ""},          // an edition that changes other days
		{40, 0, 2 * time.Minute, 0, true, "25-40"}, // two editions at once
		{40, 39, 2 * time.Minute, 0, true, ""},     // a build changes no figure
		{20, 0, 0, 0, true, "-20-40"},              // a page of before
		{50, 45, 11 * time.Minute, 0, true, "40-50"},
		{60, 55, 21 * time.Minute, 0, true, "whole"}, // what the build has summed may be gone
		{60, 55, 21 * time.Minute, 0, false, "whole"},
		{60, 55, 21 * time.Minute, 1, true, "whole"},
		{30, 0, 0, 0, true, "-30-60"},
		{60, 55, 21 * time.Minute, 0, true, ""},
	} {
		sum, newest := at(c.edition)
		state := &store.State{Epoch: c.epoch, Days: []store.Day{{Date: date, Build: c.build, Newest: newest}},
			Snapshot: answer.Snapshot{Edition: c.edition, NowMS: now.UnixMilli(),
				ReadMS: now.Add(c.read).UnixMilli()}}
		how := ""
		parts, err := days.Of(t.Context(), request, state, routes, &rollup.Reader[*ofDay]{
			Serves: func(string, *ofDay) bool { return c.serves },
			Read: func(_ context.Context, rows *rollup.DayRows, parts []*rollup.Part[*ofDay]) error {
				if len(parts) != 1 || len(rows.Days) != 1 || len(rows.Settling) > 0 {
					return fmt.Errorf("%d parts are read, of %v", len(parts), rows)
				}
				if how = "whole"; rows.Above == nil {
					parts[0].Sums = &ofDay{sum}
					return nil
				}
				how = fmt.Sprintf("%d-%d", rows.Above[0], rows.UpTo[0])
				if rows.UpTo[0] > c.edition {
					how = "-" + how
				}
				to, _ := at(rows.UpTo[0])
				from, _ := at(rows.Above[0])
				parts[0].Sums = &ofDay{to - from}
				return nil
			}})
		if err != nil || how != c.want || len(parts) != 1 || parts[0].Sums.n != sum {
			t.Errorf("%d: edition %d: read %q, want %q; %d parts, %v", i, c.edition, how, c.want, len(parts), err)
		}
	}
}

// What comes out below nothing is read as a whole, and the tables tell what it is.
func TestDaySums_Of_BelowNothing(t *testing.T) {
	date := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	request := &rollup.Request{Name: "test", Zone: time.UTC, FromMS: date.UnixMilli(), ToMS: date.AddDate(0, 0, 1).UnixMilli()}
	routes := &store.Routes{Capabilities: &store.Capabilities{}, SettlingDays: []uint16{0}}
	var days rollup.DaySums[*ofDay]
	var read []string
	for edition := uint64(1); edition <= 2; edition++ {
		state := &store.State{Days: []store.Day{{Date: date, Newest: edition}},
			Snapshot: answer.Snapshot{Edition: edition, NowMS: date.AddDate(0, 0, 3).UnixMilli()}}
		parts, err := days.Of(t.Context(), request, state, routes, &rollup.Reader[*ofDay]{
			Serves: func(string, *ofDay) bool { return true },
			Read: func(_ context.Context, rows *rollup.DayRows, parts []*rollup.Part[*ofDay]) error {
				parts[0].Sums = &ofDay{int64(edition)}
				if rows.Above != nil {
					parts[0].Sums = &ofDay{-5}
				}
				read = append(read, fmt.Sprint(edition, rows.Above))
				return nil
			}})
		if err != nil || parts[0].Sums.n != int64(edition) {
			t.Fatalf("edition %d: %v, %v", edition, parts, err)
		}
	}
	if want := []string{"1 []", "2 [1]", "2 []"}; !slices.Equal(read, want) {
		t.Errorf("read %q, want %q", read, want)
	}
}

// settlingOf is a sum with cohorts of one row, some of which are not settled.
type settlingOf struct{ rollup.Settling }

func (d *settlingOf) Bytes() int64 { return 16 }

func (d *settlingOf) Plus(more *settlingOf, times int64) (*settlingOf, bool) {
	sum := *d
	sum.Add(more.Settling, times)
	return &sum, true
}

func (d *settlingOf) Settle(of func(row string, s rollup.Settling)) { of("row", d.Settling) }

// Of the quarter hour that settles at present, what is left after a difference may have settled although it said
// otherwise before: it is read as a whole, where a row depends on it. Where the row has younger cohorts it does not.
func TestDaySums_Of_Settling(t *testing.T) {
	date := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	now := date.AddDate(0, 0, 1).Add(12*time.Hour + 5*time.Minute) // what was sent at 12:00 settles until 12:15
	request := &rollup.Request{Name: "test", Zone: time.UTC, FromMS: date.UnixMilli(), ToMS: date.AddDate(0, 0, 1).UnixMilli()}
	routes := &store.Routes{Capabilities: &store.Capabilities{}, SettlingDays: []uint16{1}}
	later, earlier := now.Add(5*time.Minute).UnixMilli(), now.Add(-time.Minute).UnixMilli()
	younger := rollup.Settling{Unsettled: 9, LastMS: now.Add(time.Hour).UnixMilli()}
	for _, c := range []struct {
		name     string
		younger  rollup.Settling
		want     []string
		settling int64 // when what settles at present is settled
	}{
		{"the row depends on it", rollup.Settling{}, []string{"1: all", "2: changes", "2: settling"}, earlier},
		{"the row has younger cohorts", younger, []string{"1: all", "2: changes"}, later},
	} {
		var days rollup.DaySums[*settlingOf]
		var read []string
		for _, edition := range []uint64{1, 2, 2} {
			state := &store.State{Days: []store.Day{{Date: date, Newest: edition}},
				Snapshot: answer.Snapshot{Edition: edition, NowMS: now.UnixMilli(), ReadMS: now.UnixMilli()}}
			parts, err := days.Of(t.Context(), request, state, routes, &rollup.Reader[*settlingOf]{
				Serves: func(string, *settlingOf) bool { return true },
				Read: func(_ context.Context, rows *rollup.DayRows, parts []*rollup.Part[*settlingOf]) error {
					how := "all"
					switch {
					case rows.Above != nil:
						how = "changes"
					case len(rows.Days) == 0:
						how = "settling"
					}
					read = append(read, fmt.Sprint(edition, ": ", how))
					for _, p := range parts {
						p.Sums = &settlingOf{c.younger}
						switch {
						case how == "changes" && p.Settling: // the later one of two is taken away
							p.Sums = &settlingOf{rollup.Settling{Unsettled: ^uint64(0), LastMS: later}}
						case how == "changes":
							p.Sums = &settlingOf{}
						case p.Settling && edition == 1:
							p.Sums = &settlingOf{rollup.Settling{Unsettled: 2, LastMS: later}}
						case p.Settling:
							p.Sums = &settlingOf{rollup.Settling{Unsettled: 1, LastMS: earlier}}
						}
					}
					return nil
				}})
			if err != nil || len(parts) != 2 || !parts[1].Settling {
				t.Fatalf("%s: %d parts, %v", c.name, len(parts), err)
			}
			if got := parts[1].Sums.MS(); edition == 2 && got != c.settling {
				t.Errorf("%s: settled at %d, want %d", c.name, got, c.settling)
			}
		}
		if !slices.Equal(read, c.want) {
			t.Errorf("%s: read %q, want %q", c.name, read, c.want)
		}
	}
}

// Packed histograms add up cell by cell, and what nothing is left of goes.
func TestPlusPacked(t *testing.T) {
	pack := func(cells map[uint16]uint64) (packed string) {
		for cell := range uint16(10) {
			if n, found := cells[cell]; found {
				packed = plusPacked(packed, string([]byte{byte(cell), 0, byte(n), 0, 0, 0, 0, 0, 0, 0}), 1)
			}
		}
		return packed
	}
	for _, c := range []struct {
		a, b, want map[uint16]uint64
		times      int64
	}{
		{nil, map[uint16]uint64{1: 2}, map[uint16]uint64{1: 2}, 1},
		{map[uint16]uint64{1: 2}, nil, map[uint16]uint64{1: 2}, 1},
		{map[uint16]uint64{1: 2, 5: 1}, map[uint16]uint64{0: 9, 1: 3, 7: 4},
			map[uint16]uint64{0: 9, 1: 5, 5: 1, 7: 4}, 1},
		{map[uint16]uint64{1: 2, 5: 1}, map[uint16]uint64{1: 2, 5: 1}, nil, -1},
		{map[uint16]uint64{1: 2, 5: 1, 9: 3}, map[uint16]uint64{5: 1}, map[uint16]uint64{1: 2, 9: 3}, -1},
	} {
		if got := plusPacked(pack(c.a), pack(c.b), uint64(c.times)); got != pack(c.want) {
			t.Errorf("%v + %d × %v is %x, want %x", c.a, c.times, c.b, got, pack(c.want))
		}
	}
}
