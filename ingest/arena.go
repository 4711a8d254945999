package ingest

import "bytes"

// slabBytes is how much an arena takes at a time.
const slabBytes = 1 << 20

// arena holds copies until it is reset, and keeps its memory for those that follow. What it has returned never moves.
type arena struct {
	slabs [][]byte
	last  int // the slab that is being filled
	size  int // of all copies
}

func (a *arena) copy(v []byte) []byte {
	a.size += len(v)
	if len(v) > slabBytes {
		return bytes.Clone(v) // rare, and not kept
	}
	if len(a.slabs) > 0 && cap(a.slabs[a.last])-len(a.slabs[a.last]) < len(v) {
		a.last++
	}
	if a.last == len(a.slabs) {
		a.slabs = append(a.slabs, make([]byte, 0, slabBytes))
	}
	slab := &a.slabs[a.last]
	start := len(*slab)
	*slab = append(*slab, v...)
	return (*slab)[start:len(*slab):len(*slab)]
}

func (a *arena) reset() {
	for i := range a.slabs[:min(a.last+1, len(a.slabs))] {
		a.slabs[i] = a.slabs[i][:0]
	}
	a.last, a.size = 0, 0
}
