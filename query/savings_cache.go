package query

import (
	"container/list"
	"context"
	"sync"

	"golang.org/x/sync/singleflight"
)

// maxAnswerBytes bounds what the server remembers of answers.
const maxAnswerBytes = 128 << 20

// savingsAnswer is a whole savings report, before it is cut into pages. It never changes.
type savingsAnswer struct {
	rows []*savingsRow
	// channels are those that occur in any row, in order.
	channels []string
}

// bytes is about what the answer takes.
func (a *savingsAnswer) bytes() int64 {
	size := int64(100)
	for _, r := range a.rows {
		size += 400 + 64*int64(len(r.channels)) + 100*int64(len(r.minimums))
		for _, k := range r.keys {
			size += 32 + int64(len(k.text))
		}
	}
	return size
}

// answerCache remembers answers by all that they depend on: what was asked, the visible generations, the price lists
// and the routes. So nothing in it is ever stale; what nobody asks for any more is forgotten. It is safe for concurrent
// use.
type answerCache[A interface{ bytes() int64 }] struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	recent  list.List // the one that was asked for last comes first
	bytes   int64
	// limit is maxAnswerBytes but in tests.
	limit int64
}

type cachedAnswer[A any] struct {
	key    string
	answer A
	bytes  int64
}

func (c *answerCache[A]) get(key string) (answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return answer
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cachedAnswer[A]).answer
}

func (c *answerCache[A]) put(key string, answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]*list.Element{}
	}
	limit := c.limit
	if limit == 0 {
		limit = maxAnswerBytes
	}
	made := &cachedAnswer[A]{key, answer, answer.bytes()}
	if c.entries[key] != nil || made.bytes > limit {
		return
	}
	c.entries[key] = c.recent.PushFront(made)
	for c.bytes += made.bytes; c.bytes > limit; {
		oldest := c.recent.Remove(c.recent.Back()).(*cachedAnswer[A])
		delete(c.entries, oldest.key)
		c.bytes -= oldest.bytes
	}
}

// shareAnswer computes an answer for all who ask for the same at the same time: they wait for the one who came first.
// When that one's own time is up, or nobody waits for it any more, one of those who have time left computes it anew.
func shareAnswer(ctx context.Context, group *singleflight.Group, key string,
	compute func() (*savingsAnswer, error)) (*savingsAnswer, error) {
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
			return shared.(*savingsAnswer), nil
		}
		if gaveUp := shared.(bool); led || !gaveUp || ctx.Err() != nil {
			return nil, err
		}
	}
}
