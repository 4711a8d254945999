package schema

import (
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"
)

// words is a column of few different texts, LowCardinality(String) in ClickHouse: it holds each text of a block once,
// and of each row which one it is. The text of most rows was met before, so a row costs a look and four bytes, here,
// on the wire one or two, and ClickHouse has no texts to compare.
type words struct {
	known  map[string]*word // of this block and of others before
	recent [1 << recentBits]*word
	block  []string // row i is the text rows[i]-1 of these, or empty
	rows   []uint32
	number uint32 // of blocks before this one
}

// word is a text, and where it stands in the block of that number, counted from 1; a block of 0 is none.
type word struct {
	text      string
	block, at uint32
}

const (
	recentBits = 7
	// maxWords bounds what is remembered of texts that turn out to be many.
	maxWords = 4096
)

func (w *words) append(v []byte) { w.appendString(unsafe.String(unsafe.SliceData(v), len(v))) }

// appendString keeps no reference to v.
func (w *words) appendString(v string) { w.rows = append(w.rows, w.key(v)) }

// key returns what stands for v in rows. It keeps no reference to v.
func (w *words) key(v string) uint32 {
	if v == "" {
		return 0
	}
	slot := &w.recent[slotOf(v)]
	known := *slot
	if known == nil || known.text != v {
		known = w.find(v)
		*slot = known
	}
	if known.block != w.number+1 {
		w.block = append(w.block, known.text)
		known.block, known.at = w.number+1, uint32(len(w.block))
	}
	return known.at
}

// slotOf spreads texts by their length and last bytes, in which names that are numbered differ.
func slotOf(v string) uint64 {
	n := len(v)
	var x uint64
	for i := max(0, n-8); i < n; i++ {
		x = x<<8 | uint64(v[i])
	}
	return (x + uint64(n)) * 0x9e3779b97f4a7c15 >> (64 - recentBits)
}

func (w *words) find(v string) *word {
	if known := w.known[v]; known != nil {
		return known
	}
	if w.known == nil || len(w.known) >= maxWords {
		// A text that is forgotten may stand in the block twice, which does no harm.
		w.known = make(map[string]*word)
	}
	added := &word{text: strings.Clone(v)}
	w.known[added.text] = added
	return added
}

// at returns row i.
func (w *words) at(i int) string {
	if w.rows[i] == 0 {
		return ""
	}
	return w.block[w.rows[i]-1]
}

// ranks returns the place of each text of the block among all of them in their order, by its number in rows.
func (w *words) ranks() []uint32 {
	sorted := make([]uint32, len(w.block))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(x, y uint32) int { return strings.Compare(w.block[x], w.block[y]) })
	ranks := make([]uint32, len(w.block)+1) // "" comes first
	for i, at := range sorted {
		ranks[at+1] = uint32(i) + 1
		if i > 0 && w.block[at] == w.block[sorted[i-1]] {
			ranks[at+1] = ranks[sorted[i-1]+1]
		}
	}
	return ranks
}

func (w *words) reset() {
	clear(w.block)
	w.block, w.rows = w.block[:0], w.rows[:0]
	w.number++
	if w.number == 1<<32-1 {
		*w = words{block: w.block, rows: w.rows}
	}
}

// Texts is a column of few different texts, LowCardinality(String) in ClickHouse, for who knows its texts by number:
// what a text is known by in the column has to be asked for once. The zero value is a column without rows.
type Texts struct{ words words }

// NewTexts returns a column with room for so many rows.
func NewTexts(rows int) *Texts { return &Texts{words{rows: make([]uint32, 0, rows)}} }

// Key returns what a text is known by in this column.
func (t *Texts) Key(text string) uint32 { return t.words.key(text) }

// Add adds a row, by the key of its text.
func (t *Texts) Add(key uint32) { t.words.rows = append(t.words.rows, key) }

// Strings returns the texts of all rows.
func (t *Texts) Strings() []string { return t.words.between(0, len(t.words.rows)).strings() }

// wordRange is the rows from lo to hi of a column.
type wordRange struct {
	*words
	lo, hi int
}

func (w *words) between(lo, hi int) wordRange { return wordRange{w, lo, hi} }

func (r wordRange) len() int { return r.hi - r.lo }

func (r wordRange) strings() []string {
	all := make([]string, 0, r.hi-r.lo)
	for i := r.lo; i < r.hi; i++ {
		all = append(all, r.at(i))
	}
	return all
}

// What ClickHouse's Native format says before a LowCardinality column: the texts come with it, and keys have 1, 2 or 4
// bytes.
const (
	wordsFollow = 1<<9 | 1<<10
	keys8       = 0
	keys16      = 1
	keys32      = 2
)

// appendNative appends the rows as ClickHouse's Native format has them: all texts of the block, then a key for each
// row.
func (r wordRange) appendNative(dst []byte) []byte {
	texts := len(r.block) + 1 // the first is ""
	size := uint64(keys8)
	switch {
	case texts > 1<<16:
		size = keys32
	case texts > 1<<8:
		size = keys16
	}
	dst = binary.LittleEndian.AppendUint64(dst, wordsFollow|size)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(texts))
	dst = binary.AppendUvarint(dst, 0)
	for _, text := range r.block {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	rows := r.rows[r.lo:r.hi]
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(rows)))
	start := len(dst)
	dst = slices.Grow(dst, len(rows)<<size)[:start+len(rows)<<size]
	to := dst[start:]
	switch size {
	case keys8:
		for i, key := range rows {
			to[i] = byte(key)
		}
	case keys16:
		for i, key := range rows {
			binary.LittleEndian.PutUint16(to[2*i:], uint16(key))
		}
	case keys32:
		for i, key := range rows {
			binary.LittleEndian.PutUint32(to[4*i:], key)
		}
	}
	return dst
}
