package aggregate

import (
	"context"
	"maps"
	"slices"
	"testing"
)

// mustStand fails unless what the aggregator counted of days is what their tables say.
func mustStand(ctx context.Context, t testing.TB, a *Aggregator) {
	t.Helper()
	if _, timed := t.(*testing.B); timed || a.days == nil {
		return
	}
	days, unsummed := a.days, a.unsummed
	if err := a.readDays(ctx); err != nil {
		t.Fatal(err)
	}
	for key, stand := range a.days {
		if days[key] != stand {
			t.Fatalf("day %v stands as %+v, and was counted as %+v", key, stand, days[key])
		}
	}
	if len(days) != len(a.days) || !maps.Equal(unsummed, a.unsummed) {
		t.Fatalf("%d days are counted, %d of them not summed; there are %d and %d", len(days), len(unsummed),
			len(a.days), len(a.unsummed))
	}
}

// Days are built that are quiet or much changed: those of the account with the most changed one first, the newest of
// them first; a new one not while changes wait.
func TestAggregator_DaysToBuild(t *testing.T) {
	const quiet = 100
	day := func(n int64) dayKey { return dayKey{"a", n * 86_400} }
	a := Aggregator{days: map[dayKey]dayStand{
		day(1):   {changed: 10, last: quiet - 1},
		day(2):   {changed: 12_001, last: quiet, summed: 10_000},
		day(3):   {changed: 12_000, last: quiet, summed: 10_000},
		day(4):   {changed: 50_000, last: quiet},
		day(5):   {changed: 20, last: quiet - 1, summed: 10_000},
		{"b", 0}: {changed: 40_000, last: quiet - 1},
	}, unsummed: map[dayKey]bool{day(1): true, day(2): true, day(3): true, day(4): true, day(5): true, {"b", 0}: true}}
	for _, c := range []struct {
		pending, limit int
		want           []dayKey
	}{
		{0, 10, []dayKey{day(5), day(4), day(2), day(1), {"b", 0}}},
		{0, 2, []dayKey{day(5), day(4)}},
		{1, 10, []dayKey{{"b", 0}, day(5), day(2), day(1)}},
	} {
		a.pending = c.pending
		if got := a.daysToBuild(quiet, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("with %d open and room for %d: %v, want %v", c.pending, c.limit, got, c.want)
		}
	}
}
