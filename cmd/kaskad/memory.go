package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbageBytes is how much garbage may lie beside what lives before it is collected. Left to itself Go lets as much
	// gather as lives, so a backlog, whose blocks are most of what lives, would take twice the memory that it needs.
	garbageBytes = 512 << 20
	// leastGarbage bounds, in percent of what lives, how little that may be: collecting takes time by what lives.
	leastGarbage = 20
)

// boundGarbage has garbage collected by that from now on, after each collection anew. Who sets GOGC knows better.
func boundGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := 100
	afterCollections(func() {
		if now := garbagePercent(liveBytes()); now != percent {
			percent = now
			debug.SetGCPercent(now)
		}
	})
}

// garbagePercent is how much garbage may gather, in percent of what lives.
func garbagePercent(live uint64) int {
	if live <= garbageBytes {
		return 100
	}
	return max(leastGarbage, int(100*garbageBytes/live))
}

// liveBytes is what the last collection found in use.
func liveBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// afterCollections calls do after each collection, one call after the other.
func afterCollections(do func()) {
	type garbage struct{ _ *byte } // without a pointer it could share its place with something that lives
	runtime.AddCleanup(&garbage{}, func(struct{}) {
		do()
		afterCollections(do)
	}, struct{}{})
}
