package cells

import "slices"

// table keeps a value for each key, in the order in which the keys came. A key that is asked for again at once, as
// those of a message's old and new state are, is found without a look at the others.
type table[K comparable, V any] struct {
	keys   []K
	values []V
	// from is where the keys begin that are looked for. Where they are more than few, at finds them.
	from int
	at   map[K]uint32
	last uint32
}

// few is up to how many keys are compared faster one by one than found in a map.
const few = 16

func (t *table[K, V]) index(key K) uint32 {
	if int(t.last) < len(t.keys) && t.keys[t.last] == key {
		return t.last
	}
	i, known := uint32(0), false
	if among := t.keys[t.from:]; len(among) > few {
		i, known = t.at[key]
	} else if at := slices.Index(among, key); at >= 0 {
		i, known = uint32(t.from+at), true
	}
	if !known {
		i = t.add(key)
	}
	t.last = i
	return i
}

// add adds a key that is not among those that are looked for.
func (t *table[K, V]) add(key K) uint32 {
	i := len(t.keys)
	var zero V
	t.keys, t.values = append(t.keys, key), append(t.values, zero)
	switch n := len(t.keys) - t.from; {
	case n == few+1:
		if t.at == nil {
			t.at = map[K]uint32{}
		}
		for at := t.from; at <= i; at++ {
			t.at[t.keys[at]] = uint32(at)
		}
	case n > few:
		t.at[key] = uint32(i)
	}
	return uint32(i)
}

// leave has no key looked for that is there by now.
func (t *table[K, V]) leave() {
	t.forget(len(t.keys))
}

// forget has keys looked for from there on.
func (t *table[K, V]) forget(from int) {
	const maxCleared = 1 << 12 // To clear a large map takes longer than to make a small one.
	switch n := len(t.keys) - t.from; {
	case n > maxCleared:
		t.at = nil
	case n > few:
		clear(t.at)
	}
	t.from = from
}

// of returns the value of a key, and whether the key is new. The pointer holds until the next key comes.
func (t *table[K, V]) of(key K) (*V, bool) {
	known := len(t.keys)
	i := t.index(key)
	return &t.values[i], len(t.keys) > known
}

func (t *table[K, V]) reset() {
	if len(t.keys) > maxKept {
		*t = table[K, V]{}
		return
	}
	t.forget(0)
	t.keys, t.values = t.keys[:0], t.values[:0]
}
