package door

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/schema/keys"
)

// Two hundred clients with one key are answered so many at a time, and those of another key are not kept waiting.
func TestMeter_Begin_ManyClients(t *testing.T) {
	m, err := newMeter(Limits{PerSecond: 1_000_000, Burst: 1_000_000, Running: 5})
	if err != nil {
		t.Fatal(err)
	}
	var most, running, refused atomic.Int64
	var clients sync.WaitGroup
	let := make(chan struct{})
	for range 200 {
		clients.Go(func() {
			end, err := m.begin("a")
			if err != nil {
				var p *answer.Problem
				if !errors.As(err, &p) || p.Status != 429 {
					t.Errorf("%v", err)
				}
				if refused.Add(1) == 195 {
					close(let)
				}
				return
			}
			n := running.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			<-let
			end()
		})
	}
	clients.Wait()
	if most.Load() != 5 || refused.Load() != 195 {
		t.Errorf("%d ran at a time, %d were refused", most.Load(), refused.Load())
	}
	for _, key := range []string{"a", "b"} {
		end, err := m.begin(key)
		if err != nil {
			t.Errorf("%s afterwards: %v", key, err)
			continue
		}
		end()
	}
}

func TestMeter_Begin_Rate(t *testing.T) {
	m, err := newMeter(Limits{PerSecond: 1, Burst: 3, Running: 10})
	if err != nil {
		t.Fatal(err)
	}
	let := 0
	for range 10 {
		if end, err := m.begin("a"); err == nil {
			let++
			end()
		}
	}
	if let < 3 || let > 4 {
		t.Errorf("%d of a burst of 3 were let in", let)
	}
}

// An IPv6 network is one address, and an IPv4 address is the same in both forms.
func TestNetwork_Cases(t *testing.T) {
	for remote, want := range map[string]string{"127.0.0.1:80": "127.0.0.1", "[::ffff:10.0.0.1]:1": "10.0.0.1",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "odd": "odd"} {
		if got := network(remote); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

func TestStrangers_Wrong_Minute(t *testing.T) {
	s, err := newStrangers()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range 12 {
		if p := s.wrong("10.0.0.1:5", now); (p != nil) != (i >= wrongKeys) {
			t.Errorf("try %d: %v", i+1, p)
		}
	}
	if p := s.wrong("10.0.0.2:5", now); p != nil {
		t.Errorf("another address: %v", p)
	}
	if p := s.wrong("10.0.0.1:5", now.Add(wrongSpan)); p != nil {
		t.Errorf("a minute later: %v", p)
	}
}

// Many who ask at the same time read once, a change is seen by the next who asks, and while nothing can be read what
// was read before is told to be old.
func TestRing_Get_Ages(t *testing.T) {
	var reads, broken atomic.Int64
	r := &ring{read: func(context.Context) (*known, error) {
		reads.Add(1)
		if broken.Load() > 0 {
			return nil, errors.New("away")
		}
		return &known{keys: map[string]*keys.Key{}}, nil
	}}
	var asking sync.WaitGroup
	for range 100 {
		asking.Go(func() {
			if k, fresh := r.get(t.Context(), freshFor); !fresh || k == nil {
				t.Error("no keys")
			}
		})
	}
	asking.Wait()
	if n := reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
	r.changed()
	if k, fresh := r.get(t.Context(), freshFor); !fresh || k == nil || reads.Load() != 2 {
		t.Errorf("after a change: %v, %d reads", fresh, reads.Load())
	}
	broken.Store(1)
	r.changed()
	for range 50 {
		if k, fresh := r.get(t.Context(), freshFor); fresh || k == nil {
			t.Errorf("while nothing can be read: %v %v", k, fresh)
		}
	}
	if n := reads.Load(); n > 5 {
		t.Errorf("%d reads while nothing can be read", n)
	}
}
