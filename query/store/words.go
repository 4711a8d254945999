package store

import (
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// Words is a column of LowCardinality(String). Each text of a block is made once, however many rows have it.
type Words struct {
	proto.ColLowCardinalityRaw
	index proto.ColStr
	texts []string
}

// Result is the column as a statement fills it.
func (w *Words) Result() proto.ColResult {
	w.Index = &w.index
	return w
}

// DecodeColumn reads the column and makes its texts.
func (w *Words) DecodeColumn(r *proto.Reader, rows int) error {
	if err := w.ColLowCardinalityRaw.DecodeColumn(r, rows); err != nil {
		return err
	}
	for i := range w.index.Rows() {
		text := w.index.RowBytes(i)
		if i == len(w.texts) {
			w.texts = append(w.texts, string(text))
		} else {
			w.texts[i] = Kept(w.texts[i], text)
		}
	}
	return nil
}

// At returns the text of a row.
func (w *Words) At(row int) string {
	switch w.Key {
	case proto.KeyUInt8:
		return w.texts[w.Keys8[row]]
	case proto.KeyUInt16:
		return w.texts[w.Keys16[row]]
	case proto.KeyUInt32:
		return w.texts[w.Keys32[row]]
	default:
		return w.texts[w.Keys64[row]]
	}
}

// Kept is a text of its own: that of before where it says the same.
func Kept(before string, text []byte) string {
	if before == string(text) {
		return before
	}
	return string(text)
}

// Merged reads a column that is stored as a SimpleAggregateFunction into one of what that holds.
type Merged struct {
	proto.ColResult
	is proto.ColumnType
}

// Infer takes the type that ClickHouse names, and refuses one that holds something else.
func (m *Merged) Infer(t proto.ColumnType) error {
	m.is = t
	held := t
	if t.Base() == "SimpleAggregateFunction" {
		_, of, _ := strings.Cut(string(t.Elem()), ",")
		held = proto.ColumnType(strings.TrimSpace(of))
	}
	if held.Conflicts(m.ColResult.Type()) {
		return fmt.Errorf("read a column of %s: it is %s", m.ColResult.Type(), t)
	}
	return nil
}

// Type is the one that ClickHouse named.
func (m *Merged) Type() proto.ColumnType { return m.is }

// DecodeState reads what stands before the rows.
func (m *Merged) DecodeState(r *proto.Reader) error {
	if of, has := m.ColResult.(proto.StateDecoder); has {
		return of.DecodeState(r)
	}
	return nil
}
