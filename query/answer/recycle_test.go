package answer

import (
	"bytes"
	"testing"
)

// Memory that held something before is as good as new, whatever becomes of its size, and what lives keeps its own.
func TestRecycler(t *testing.T) {
	var r recycler
	fill := func(b []byte, with byte) []byte {
		for i := range b {
			b[i] = with
		}
		return b
	}
	others := fill(r.Allocate(100), 1)
	first := fill(r.Allocate(100), 2)
	r.Free(first)
	again := r.Allocate(70)
	if &again[0] != &first[0] {
		t.Error("freed memory is not used again")
	}
	if !bytes.Equal(again, make([]byte, 70)) {
		t.Errorf("memory comes as it was left: %v", again)
	}
	fill(again, 3)
	for _, size := range []int{90, 128, 200, 300, 150, 250, 64, 1000} {
		kept := bytes.Clone(again[:min(len(again), size)])
		again = r.Reallocate(size, again)
		if want := append(kept, make([]byte, size-len(kept))...); !bytes.Equal(again, want) {
			t.Fatalf("as %d bytes: %v, want %v", size, again, want)
		}
		fill(again, byte(size))
		if size == 200 {
			fill(r.Allocate(100), 4) // what was left behind has another owner
		}
	}
	if !bytes.Equal(others, bytes.Repeat([]byte{1}, 100)) {
		t.Errorf("another's memory was written: %v", others)
	}
	if empty := r.Allocate(0); len(empty) != 0 {
		t.Errorf("no bytes are %v", empty)
	}
	r.Free(nil)
}
