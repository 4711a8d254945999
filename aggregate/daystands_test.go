package aggregate

import (
	"context"
	"maps"
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
