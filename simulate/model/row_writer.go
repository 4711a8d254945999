package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// RowWriter writes the fields of a row one by one. The first value that cannot be encoded ends the row.
type RowWriter struct {
	out     bytes.Buffer
	failure error
}

// Field writes a value as encoding/json does, without the escapes that are for HTML alone.
func (w *RowWriter) Field(name string, value any) {
	encoded, isJSON := value.(json.RawMessage)
	if !isJSON {
		var err error
		if text, isText := value.(string); isText {
			encoded, err = jsonText(text)
		} else {
			encoded, err = json.Marshal(value)
		}
		if err != nil && w.failure == nil {
			w.failure = fmt.Errorf("encode %s: %w", name, err)
		}
	}
	separator := byte(',')
	if w.out.Len() == 0 {
		separator = '{'
	}
	w.out.WriteByte(separator)
	fmt.Fprintf(&w.out, "%q:%s", name, encoded)
}

// Keys writes the group keys of a row.
func (w *RowWriter) Keys(keys []Key) {
	for _, key := range keys {
		if key.Numeric {
			w.Field(key.Name, key.Number)
		} else {
			w.Field(key.Name, key.Text)
		}
	}
}

// Time writes an instant, null for the zero time.
func (w *RowWriter) Time(name string, t time.Time) {
	if t.IsZero() {
		w.Field(name, nil)
		return
	}
	w.Field(name, instantText(t))
}

// Rate writes a quotient with six decimals, null while its denominator is 0.
func (w *RowWriter) Rate(name string, r Rate) {
	millionths, known := r.Millionths()
	if !known {
		w.Field(name, nil)
		return
	}
	w.Field(name, json.RawMessage(appendDecimal(nil, millionths, 6)))
}

// Share writes a quotient and its interval, by the names NAME, NAME_low and NAME_high.
func (w *RowWriter) Share(name string, r Rate) {
	w.Rate(name, r)
	w.Interval(name, r)
}

// Interval writes the bounds of a rate, which is named without them.
func (w *RowWriter) Interval(name string, r Rate) {
	low, high, known := r.Wilson()
	for i, bound := range [...]int64{low, high} {
		field := name + [...]string{"_low", "_high"}[i]
		if !known {
			w.Field(field, nil)
			continue
		}
		w.Field(field, json.RawMessage(appendDecimal(nil, min(max(bound, 0), 1_000_000), 6)))
	}
}

// Finish ends the row and returns it, or the first error.
func (w *RowWriter) Finish() ([]byte, error) {
	w.out.WriteByte('}')
	return w.out.Bytes(), w.failure
}

func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
