package main

import (
	"runtime"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 100}, {100 << 20, 100}, {512 << 20, 100}, {1 << 30, 50}, {2 << 30, 25}, {4 << 30, 20}, {1 << 40, 20}} {
		if got := garbagePercent(c.live); got != c.want {
			t.Errorf("%d MB live: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}

// What looks after each collection does so again after the next one, and finds what lives.
func TestAfterCollections(t *testing.T) {
	found := make(chan uint64, 100)
	afterCollections(func() {
		select {
		case found <- liveBytes():
		default:
		}
	})
	held := make([]byte, 64<<20)
	for range 3 {
		deadline := time.After(time.Minute)
		runtime.GC()
		for {
			select {
			case live := <-found:
				if live >= uint64(len(held)) {
					break
				}
				continue
			case <-deadline:
				t.Fatal("nobody looked after a collection")
			}
			break
		}
	}
	runtime.KeepAlive(held)
}
