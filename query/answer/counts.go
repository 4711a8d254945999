package answer

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
)

// SortCounts brings packed counts into the order of their names, so that an answer does not depend on how they were
// written.
func SortCounts(packed string) string {
	names := 0
	sorted, last := true, ""
	for name := range EachCount(packed) {
		sorted = sorted && (names == 0 || last < name)
		last = name
		names++
	}
	if sorted {
		return packed
	}
	counts := maps.Collect(EachCount(packed))
	var again []byte
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		again = PackCount(again, name, counts[name])
	}
	return string(again)
}

// EachCount reads packed counts: for each name its count (4 bytes), its length (2), and the name.
func EachCount(packed string) iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for len(packed) >= 6 {
			n, end := LE32(packed), 6+int(LE16(packed[4:]))
			if len(packed) < end || !yield(packed[6:end], n) {
				return
			}
			packed = packed[end:]
		}
	}
}

// PackCount packs one count as eachCount reads it.
func PackCount(to []byte, name string, n uint32) []byte {
	to = binary.LittleEndian.AppendUint32(to, n)
	to = binary.LittleEndian.AppendUint16(to, uint16(len(name)))
	return append(to, name...)
}

// LE64 reads a little-endian number from the start of a text, as le32 and le16 do. The compiler makes one load of each.
func LE64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 |
		uint64(s[6])<<48 | uint64(s[7])<<56
}

func LE32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func LE16(s string) uint16 { return uint16(s[0]) | uint16(s[1])<<8 }
