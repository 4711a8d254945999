package numbers

import (
	"github.com/ClickHouse/ch-go/proto"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// words is a column LowCardinality(String) as it comes: the texts of the block, each once, and of each row which one
// it is. To read a text of its own for each row takes longer than what is then done with it.
type words struct {
	proto.ColLowCardinalityRaw // Index is &texts

	texts proto.ColStr
	made  [][]byte
}

// place returns which of the texts row i is.
func (w *words) place(i int) int {
	switch w.Key {
	case proto.KeyUInt8:
		return int(w.Keys8[i])
	case proto.KeyUInt16:
		return int(w.Keys16[i])
	case proto.KeyUInt32:
		return int(w.Keys32[i])
	default:
		return int(w.Keys64[i])
	}
}

// RowBytes returns row i, until the next block.
func (w *words) RowBytes(i int) []byte { return w.texts.RowBytes(w.place(i)) }

// appendTo appends what is made of each row's text, which is made once for each text.
func (w *words) appendTo(to *array.StringBuilder, of func(text []byte) []byte) {
	w.made = w.made[:0]
	for i := range w.texts.Rows() {
		w.made = append(w.made, of(w.texts.RowBytes(i)))
	}
	rows, size := w.Rows(), 0
	for i := range rows {
		size += len(w.made[w.place(i)])
	}
	to.Reserve(rows)
	to.ReserveData(size)
	for i := range rows {
		to.BinaryBuilder.Append(w.made[w.place(i)])
	}
}

// Row, Append and AppendArr make it a column of which there are arrays; nothing is ever sent by it.
func (w *words) Row(i int) string { return string(w.RowBytes(i)) }

// Append does nothing.
func (w *words) Append(string) {}

// AppendArr does nothing.
func (w *words) AppendArr([]string) {}
