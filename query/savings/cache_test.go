package savings

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/singleflight"

	"kaskad/money"
	"kaskad/money/stored"
	"kaskad/query/prices"
	"kaskad/query/store"
	"kaskad/schema"
)

// Who waits for an answer that another computes does not fail with that other's deadline or leaving, whatever error the
// driver makes of it, but with an error of the answer itself, without asking anew.
func TestShareAnswer_LeaderGivesUp(t *testing.T) {
	failure := errors.New("read tcp: i/o timeout")
	for _, c := range []struct {
		name     string
		leader   time.Duration // 0: it leaves
		err      error         // of the leader's computation; nil: its context's
		computed int
		follower error
	}{
		{"deadline", time.Minute, nil, 2, nil},
		{"deadline as the driver says it", time.Minute, failure, 2, nil},
		{"left", 0, nil, 2, nil},
		{"broken", time.Hour, failure, 1, failure},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var group singleflight.Group
				computed := 0
				leading, leave := context.WithTimeout(t.Context(), max(c.leader, time.Second))
				defer leave()
				first := make(chan error)
				go func() {
					_, err := shareAnswer(leading, &group, "key", func() (*materialized, error) {
						computed++
						select {
						case <-leading.Done():
						case <-time.After(2 * time.Minute):
						}
						if c.err != nil {
							return nil, c.err
						}
						return nil, leading.Err()
					})
					first <- err
				}()
				synctest.Wait()
				if c.leader == 0 {
					time.AfterFunc(time.Millisecond, leave)
				}
				// Of the followers one computes for all.
				type result struct {
					answer *materialized
					err    error
				}
				const followers = 5
				results, made := make(chan result), &materialized{channels: []string{"sms"}}
				for range followers {
					go func() {
						reply, err := shareAnswer(t.Context(), &group, "key", func() (*materialized, error) {
							computed++
							time.Sleep(time.Second)
							return made, nil
						})
						results <- result{reply, err}
					}()
				}
				if err := <-first; err == nil {
					t.Error("the leader has an answer")
				}
				for range followers {
					r := <-results
					if !errors.Is(r.err, c.follower) || (c.follower == nil && r.answer != made) {
						t.Errorf("a follower got %v, %v", r.answer, r.err)
					}
				}
				if computed != c.computed {
					t.Errorf("computed %d times, want %d", computed, c.computed)
				}
			})
		})
	}
}

// Who has no time left himself does not begin anew.
func TestShareAnswer_FollowerOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group singleflight.Group
		compute := func(ctx context.Context) func() (*materialized, error) {
			return func() (*materialized, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		both, leave := context.WithTimeout(t.Context(), time.Minute)
		defer leave()
		done := make(chan error)
		for range 2 {
			go func() {
				_, err := shareAnswer(both, &group, "key", compute(both))
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
	})
}

// A cell that is not priced is never left out silently.
func TestFold_TakeAll_Unpriced(t *testing.T) {
	cache := &accountSignatures{account: "acme", index: map[uint64]uint32{}}
	own := cache.pricing(prices.Account{Lists: stored.Lists{List: money.NewPriceList(nil, nil)}},
		store.NewCapabilities(nil))
	f := newFold(&Savings{}, nil, nil, 0)
	err := f.takeAll(&cellRow{store: cache, pricing: own, cells: strings.Repeat("x", 3*cellBytes)})
	if err == nil || !strings.Contains(err.Error(), `3 of 3 cells of account "acme"`) {
		t.Errorf("three cells of unknown shapes: %v", err)
	}
}

// Shapes are priced alike with few and with many borders of tariffs, and with many borders memory follows what was met,
// not borders × shapes.
func TestAccountSignatures_Price_ManyBorders(t *testing.T) {
	const shapes, day = 20_000, 24 * schema.HourMS
	for _, rows := range []int{3, maxPlain - 1, maxPlain, 3000} {
		cache := &accountSignatures{account: "acme", index: map[uint64]uint32{}, steps: []money.Step{{Channel: "sms"}}}
		for id := range uint64(shapes) {
			cache.index[id] = uint32(id)
			cache.signatures = append(cache.signatures,
				storedSignature{first: uint32(id), count: 1, smsSegments: uint16(id % 2)})
			cache.refs = append(cache.refs, stepRef{code: 1})
		}
		var tariffs []money.Tariff
		for i := range rows {
			to := int64(i+1) * day
			if i == rows-1 {
				to = schema.Never
			}
			tariffs = append(tariffs, money.Tariff{Channel: "sms", Provider: money.Any, Operator: money.Any,
				Country: money.Any, Traffic: money.Any, Sender: money.Any, App: money.Any,
				FromMS: int64(i) * day, ToMS: to, Currency: "RUB", Billing: money.PerMessageSent, Price: int64(i + 1)})
		}
		lists := stored.Lists{List: money.NewPriceList(tariffs, nil), Tariffs: tariffs}
		p := cache.pricing(prices.Account{Lists: lists}, store.NewCapabilities(nil))
		for i := range rows {
			interval := p.interval(store.Storable(int64(i)*day + 1000))
			if err := cache.price(p, []uint64{shapes - 2, shapes - 1}, interval, 0); err != nil {
				t.Fatal(err)
			}
			if err := cache.price(p, []uint64{shapes - 2}, interval, 7); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				id       uint64
				template uint8
				priced   bool
				messages int64
			}{{shapes - 1, 0, true, 1}, {shapes - 1, 9, true, 1}, {shapes - 2, 0, false, 0}, {shapes - 2, 7, true, 1}} {
				place, known := cache.outcomeOf(p, c.id, interval, c.template)
				if !known {
					t.Fatalf("%d rows: shape %d with template %d is not known on day %d", rows, c.id, c.template, i)
				}
				if o := &p.outcomes[place]; o.priced != c.priced || o.actual != money.Micros(c.messages*int64(i+1)) {
					t.Fatalf("%d rows: shape %d with template %d costs %s on day %d", rows, c.id, c.template, o.actual,
						i)
				}
			}
			for _, unmet := range []uint8{0, 8} {
				if _, known := cache.outcomeOf(p, shapes-4, interval, unmet); known {
					t.Fatal("a shape is known that nobody priced")
				}
			}
		}
		places := 0
		for _, interval := range p.plain {
			places += cap(interval)
		}
		if places > maxPlain*shapes*3/2 || (rows == 3000 && p.bytes > 10<<20) {
			t.Errorf("%d rows: %d places for shapes, %d bytes", rows, places, p.bytes)
		}
	}
}
