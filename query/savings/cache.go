package savings

import (
	"context"

	"golang.org/x/sync/singleflight"
)

// materialized is a whole savings report, before it is cut into pages. It never changes.
type materialized struct {
	rows []*quantities
	// channels are those that occur in any row, in order.
	channels []string
}

// Bytes is about what the answer takes.
func (a *materialized) Bytes() int64 {
	size := int64(100)
	for _, r := range a.rows {
		size += 440 + 64*int64(len(r.channels)) + 100*int64(len(r.minimums))
		for _, k := range r.keys {
			size += 32 + int64(len(k.Text))
		}
	}
	return size
}

// shareAnswer computes an answer for all who ask for the same at the same time: they wait for the one who came first.
// When that one's own time is up, or nobody waits for it any more, one of those who have time left computes it anew.
func shareAnswer(ctx context.Context, group *singleflight.Group, key string,
	compute func() (*materialized, error)) (*materialized, error) {
	for {
		led := false
		// Beside an error comes whether its own context is the cause: the driver and ClickHouse have errors of their
		// own for that.
		shared, err, _ := group.Do(key, func() (any, error) {
			led = true
			answer, err := compute()
			if err != nil {
				return ctx.Err() != nil, err
			}
			return answer, nil
		})
		if err == nil {
			return shared.(*materialized), nil
		}
		if gaveUp := shared.(bool); led || !gaveUp || ctx.Err() != nil {
			return nil, err
		}
	}
}
