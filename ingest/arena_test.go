package ingest

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Copies stay what they were, however many follow, until the arena is reset; then its memory serves again.
func TestArena_Copy(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var a arena
	slabs := 0
	for round := range 3 {
		var copies, want [][]byte
		size := 0
		for range 200 {
			v := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(slabBytes/20))
			if random.IntN(50) == 0 {
				v = bytes.Repeat([]byte{7}, slabBytes+random.IntN(9))
			}
			size += len(v)
			copies, want = append(copies, a.copy(v)), append(want, bytes.Clone(v))
			clear(v)
		}
		for i := range copies {
			if !bytes.Equal(copies[i], want[i]) {
				t.Fatalf("round %d: copy %d has changed", round, i)
			}
		}
		if a.size != size {
			t.Errorf("size %d, want %d", a.size, size)
		}
		if slabs = max(slabs, len(a.slabs)); round > 0 && len(a.slabs) > slabs+1 {
			t.Errorf("%d slabs, want about the %d of the round before", len(a.slabs), slabs)
		}
		a.reset()
	}
	if v := a.copy(nil); len(v) != 0 || a.size != 0 {
		t.Errorf("an empty copy is %q", v)
	}
}
