package answer

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// recycler gives what was freed to who asks next, as all batches of a stream need the same. What it gives is zero, as
// it is from Go. One goroutine uses it.
type recycler struct {
	memory.GoAllocator

	free [bits.UintSize][][]byte // by the power of two that is their room
}

// Allocate returns size bytes.
func (r *recycler) Allocate(size int) []byte {
	class := bits.Len(uint(max(size, 1) - 1))
	free := r.free[class]
	if len(free) == 0 {
		return r.GoAllocator.Allocate(1 << class)[:size]
	}
	b := free[len(free)-1][:size]
	r.free[class] = free[:len(free)-1]
	clear(b)
	return b
}

// Reallocate returns what b holds with another size; b is not used again.
func (r *recycler) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		if size > len(b) {
			clear(b[len(b):size])
		}
		return b[:size]
	}
	grown := r.Allocate(size)
	copy(grown, b)
	r.Free(b)
	return grown
}

// Free takes b back.
func (r *recycler) Free(b []byte) {
	if room := cap(b); room > 0 {
		class := bits.Len(uint(room)) - 1
		r.free[class] = append(r.free[class], b[:0])
	}
}
