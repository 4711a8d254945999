package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// rowWriter writes the fields of a row one by one. The first value that cannot be encoded ends the row.
type rowWriter struct {
	out     bytes.Buffer
	failure error
}

func (w *rowWriter) field(name string, value any) {
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

func (w *rowWriter) keys(keys []Key) {
	for _, key := range keys {
		if key.Numeric {
			w.field(key.Name, key.Number)
		} else {
			w.field(key.Name, key.Text)
		}
	}
}

func (w *rowWriter) time(name string, t time.Time) {
	if t.IsZero() {
		w.field(name, nil)
		return
	}
	w.field(name, instantText(t))
}

func (w *rowWriter) rate(name string, r Rate) {
	millionths, known := r.Millionths()
	if !known {
		w.field(name, nil)
		return
	}
	w.field(name, json.RawMessage(appendDecimal(nil, millionths, 6)))
}

// share writes a quotient and its interval, by the names NAME, NAME_low and NAME_high.
func (w *rowWriter) share(name string, r Rate) {
	w.rate(name, r)
	w.interval(name, r)
}

// interval writes the bounds of a rate, which is named without them.
func (w *rowWriter) interval(name string, r Rate) {
	low, high, known := r.Wilson()
	for i, bound := range [...]int64{low, high} {
		field := name + [...]string{"_low", "_high"}[i]
		if !known {
			w.field(field, nil)
			continue
		}
		w.field(field, json.RawMessage(appendDecimal(nil, min(max(bound, 0), 1_000_000), 6)))
	}
}

func (w *rowWriter) finish() ([]byte, error) {
	w.out.WriteByte('}')
	return w.out.Bytes(), w.failure
}

// MarshalJSON writes the fields of testdata/examples/numbers.json, then the others of docs/definitions.md section 5 and
// of the latest lookup. History and DeadSpans are left out.
func (v NumberVerdict) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("account", v.Account)
	w.field("number", v.Number)
	w.field("state", v.State)
	w.field("rule", v.Rule)
	w.time("since", v.Since)
	w.field("reasons", v.Reasons)
	w.field("guessed", v.Guessed)
	w.field("failed_mailings", v.FailedMailings)
	w.field("failed_days", v.FailedDays)
	w.time("last_delivered_at", v.LastDeliveredAt)
	w.time("last_failed_at", v.LastFailedAt)
	w.time("first_failed_at", v.FirstFailedAt)
	w.field("wasted_cost", writeMoney(v.WastedCost))
	w.field("currency", v.Currency)
	w.field("possible_reassignment", v.PossibleReassignment)
	w.field("reachable_on", v.ReachableOn)
	w.field("opt_outs", v.OptOuts)
	w.time("looked_up_at", v.LookedUpAt)
	w.field("operator", v.Operator)
	w.field("ported", v.Ported)
	w.field("valid", v.Valid)
	w.time("owner_changed_at", v.OwnerChangedAt)
	return w.finish()
}

// MarshalJSON writes a change as the feed of changes does, its number aside.
func (c NumberChange) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("from", c.From)
	w.field("to", c.To)
	w.time("at", c.At)
	w.field("rule", c.Rule)
	return w.finish()
}

// CompareRows is Compare for rows of any report: every field must be equal, times and money as they are printed. The
// fields that are named are looked at in neither.
func CompareRows[Row json.Marshaler](want []Row, got json.RawMessage, unlooked ...string) error {
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.UseNumber()
	var rows []map[string]any
	if err := decoder.Decode(&rows); err != nil {
		return fmt.Errorf("decode rows: %w", err)
	}
	expected := make([]map[string]any, len(want))
	texts := make([]string, len(want))
	for i, row := range want {
		encoded, err := row.MarshalJSON()
		if err != nil {
			return err
		}
		if expected[i], err = decodeRow(encoded); err != nil {
			return err
		}
		texts[i] = string(encoded)
	}
	for _, list := range [...][]map[string]any{expected, rows} {
		for _, row := range list {
			for _, name := range unlooked {
				delete(row, name)
			}
		}
	}
	return compareRows(expected, rows, func(i int) string { return texts[i] })
}
