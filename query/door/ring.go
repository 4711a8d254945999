package door

import (
	"context"
	"sync"
	"time"

	"kaskad/schema/keys"
)

const (
	// renewAfter is how old keys are when they are read again, while requests go on with those that are known, and
	// freshFor how old they may be without waiting for that. Where reading takes long, those are good that were read
	// holdFor ago: a revocation holds after five seconds.
	renewAfter = time.Second
	freshFor   = 3 * time.Second
	holdFor    = 4500 * time.Millisecond
	// readPace lies between two readings at least: a key that nobody knows is looked for, for it may have been made on
	// another server just now, and strangers could make us read all the time.
	readPace = 50 * time.Millisecond
	// readPatience is how long a request waits for keys that are being read, and readTime how long reading takes at
	// most. A reading that failed is tried again after readAgain.
	readPatience = 1500 * time.Millisecond
	readTime     = 3 * time.Second
	readAgain    = 500 * time.Millisecond
	// outage is how long events are taken by keys that cannot be read again.
	outage = 5 * time.Minute
)

// known are the keys and sessions that there were at a moment. It never changes.
type known struct {
	at       time.Time // before they were read
	keys     map[string]*keys.Key
	sessions map[keys.Hash]keys.Session
}

// key returns the live key with a hash, nil when there is none. It takes as long for one that nobody knows.
func (k *known) key(h keys.Hash, nowMS int64) *keys.Key {
	found := k.keys[h.ID()]
	if found == nil {
		found = &keys.Key{}
	}
	if !h.Equal(found.Hash) || !found.Live(nowMS) {
		return nil
	}
	return found
}

// ring keeps them, and reads them again when they are asked for and old. It is safe for concurrent use.
type ring struct {
	read func(context.Context) (*known, error)

	mu        sync.Mutex
	last      *known
	notBefore time.Time     // something has changed then
	reading   chan struct{} // closed when the reading that is under way is over
	began     time.Time
	failed    time.Time
}

// changed tells that what is known is not right any more.
func (r *ring) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notBefore = time.Now()
}

// get returns keys that were read at most age ago, or, where that takes too long, false and those that were read last:
// nil before any were.
func (r *ring) get(ctx context.Context, age time.Duration) (*known, bool) {
	since := time.Now().Add(-age)
	for range 2 { // a reading may have begun before the change that it is to show
		last, fresh, reading, began := r.look(since)
		if fresh || reading == nil {
			return last, fresh
		}
		timer := time.NewTimer(time.Until(began.Add(readPatience)))
		select {
		case <-reading:
			timer.Stop()
			continue
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		break
	}
	last, fresh, _, _ := r.look(time.Now().Add(-max(age, holdFor)))
	return last, fresh
}

// look returns what is known, whether that is no older than since, and the reading that may bring what is.
func (r *ring) look(since time.Time) (last *known, fresh bool, reading <-chan struct{}, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if since.Before(r.notBefore) {
		since = r.notBefore
	}
	fresh = r.last != nil && !r.last.at.Before(since)
	if r.reading == nil && time.Since(r.failed) >= readAgain && (!fresh || time.Since(r.last.at) >= renewAfter) {
		r.began, r.reading = time.Now(), make(chan struct{})
		pace := time.Duration(0)
		if r.last != nil {
			pace = readPace - time.Since(r.last.at)
		}
		go r.renew(pace, r.reading)
	}
	return r.last, fresh, r.reading, r.began
}

// renew reads for all who wait.
func (r *ring) renew(pace time.Duration, over chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	time.Sleep(pace)
	began := time.Now()
	read, err := r.read(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failed = time.Now()
	} else {
		read.at, r.last, r.failed = began, read, time.Time{}
	}
	r.reading = nil
	close(over)
}
