package rollup

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// MaxAnswerBytes bounds what the server remembers of answers.
const MaxAnswerBytes = 128 << 20

// Cache remembers answers by all that they depend on: what was requested, the visible editions, the price lists and
// the capabilities. So nothing in it is ever stale; what nobody asks for any more is forgotten. It is safe for
// concurrent use.
type Cache[A interface{ Bytes() int64 }] struct {
	mu sync.Mutex
	// recent knows which answers were asked for last. It counts answers, so the bytes are counted here.
	recent *simplelru.LRU[string, A]
	bytes  int64
	// Limit bounds what is remembered, in bytes; 0 stands for maxAnswerBytes.
	Limit int64
}

// Get returns an answer, the zero value where it is not remembered.
func (c *Cache[A]) Get(key string) (answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent != nil {
		answer, _ = c.recent.Get(key)
	}
	return answer
}

// Put remembers an answer in place of what it had, and forgets those that nobody has asked for the longest where there
// is no room.
func (c *Cache[A]) Put(key string, answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		// An error is a size of 0 alone.
		c.recent, _ = simplelru.NewLRU(math.MaxInt, func(_ string, forgotten A) { c.bytes -= forgotten.Bytes() })
	}
	limit := c.Limit
	if limit == 0 {
		limit = MaxAnswerBytes
	}
	bytes := answer.Bytes()
	if bytes > limit {
		return
	}
	if old, found := c.recent.Peek(key); found {
		c.bytes -= old.Bytes()
	}
	c.recent.Add(key, answer)
	for c.bytes += bytes; c.bytes > limit; {
		c.recent.RemoveOldest()
	}
}

// Held returns how much the answers take that are remembered, and how many they are.
func (c *Cache[A]) Held() (bytes int64, answers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent != nil {
		answers = c.recent.Len()
	}
	return c.bytes, answers
}
