package aggregate

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// However the rows lie, each bucket is computed once, as a whole or in all of its slices.
func TestChunks_AllOnceWithinLimit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		limit := rapid.Uint64Range(1, 50).Draw(r, "limit")
		rows := map[bucketKey]uint64{}
		var work []*bucketWork
		for i := range rapid.IntRange(0, 30).Draw(r, "buckets") {
			w := &bucketWork{bucketKey: bucketKey{fmt.Sprint(i), 0}}
			rows[w.bucketKey] = rapid.Uint64Range(0, 120).Draw(r, "rows")
			work = append(work, w)
		}
		seen := map[bucketKey]uint64{}
		for _, c := range chunks(work, rows, limit) {
			total := uint64(0)
			for _, w := range c.work {
				total += rows[w.bucketKey]
				if seen[w.bucketKey] != c.slice {
					r.Fatalf("slice %d of %v comes after %d others", c.slice, w.bucketKey, seen[w.bucketKey])
				}
				seen[w.bucketKey]++
			}
			if len(c.work) == 0 || c.slices > 1 && len(c.work) > 1 || (total+c.slices-1)/c.slices > limit {
				r.Fatalf("%+v holds %d rows, limit %d", c, total, limit)
			}
		}
		for _, w := range work {
			if n := rows[w.bucketKey]; seen[w.bucketKey] != max(1, (n+limit-1)/limit) {
				r.Fatalf("%d rows are computed %d times", n, seen[w.bucketKey])
			}
		}
	})
}
