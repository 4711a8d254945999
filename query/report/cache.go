package report

import (
	"container/list"
	"sync"
)

// maxAnswerBytes bounds what the server remembers of answers.
const maxAnswerBytes = 128 << 20

// Cache remembers answers by all that they depend on: what was asked, the visible generations, the price lists
// and the routes. So nothing in it is ever stale; what nobody asks for any more is forgotten. It is safe for concurrent
// use.
type Cache[A interface{ Bytes() int64 }] struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	recent  list.List // the one that was asked for last comes first
	bytes   int64
	// Limit bounds what is remembered, in bytes; 0 stands for maxAnswerBytes.
	Limit int64
}

type cachedAnswer[A any] struct {
	key    string
	answer A
	bytes  int64
}

// Get returns an answer, the zero value where it is not remembered.
func (c *Cache[A]) Get(key string) (answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return answer
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cachedAnswer[A]).answer
}

// Put remembers an answer, and forgets those that nobody has asked for the longest where there is no room.
func (c *Cache[A]) Put(key string, answer A) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]*list.Element{}
	}
	limit := c.Limit
	if limit == 0 {
		limit = maxAnswerBytes
	}
	made := &cachedAnswer[A]{key, answer, answer.Bytes()}
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

// Held returns how much the answers take that are remembered, and how many they are.
func (c *Cache[A]) Held() (bytes int64, answers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes, len(c.entries)
}
