package rollup

import (
	"cmp"
	"encoding/binary"
	"strconv"
	"strings"

	"kaskad/query/answer"
)

// KeyValue is a row's value of a key.
type KeyValue struct {
	Text   string
	Number uint16
}

// Compare orders values as ClickHouse does.
func (k KeyValue) Compare(other KeyValue) int {
	return cmp.Or(cmp.Compare(k.Number, other.Number), strings.Compare(k.Text, other.Text))
}

// Value is the key as it is shown.
func (k KeyValue) Value(of Key) answer.Value {
	if of.Number {
		return answer.Count(uint64(k.Number))
	}
	return answer.Text(k.Text)
}

// Shown is the key as a text, for filters and cursors.
func (k KeyValue) Shown(of Key) string {
	if of.Number {
		return strconv.Itoa(int(k.Number))
	}
	return k.Text
}

// ParseKey reads what Shown wrote.
func ParseKey(shown string, of Key) (KeyValue, error) {
	if !of.Number {
		return KeyValue{Text: shown}, nil
	}
	n, err := strconv.ParseUint(shown, 10, 16)
	return KeyValue{Number: uint16(n)}, err
}

// AppendTo appends bytes that differ for different values.
func (k KeyValue) AppendTo(to []byte) []byte {
	to = binary.AppendUvarint(binary.AppendUvarint(to, uint64(k.Number)), uint64(len(k.Text)))
	return append(to, k.Text...)
}

// Values appends a row's values of the keys as they are shown.
func (s Keys) Values(line []answer.Value, values []KeyValue) []answer.Value {
	for i, k := range s {
		line = append(line, values[i].Value(k))
	}
	return line
}

// Shown returns a row's values of the keys as a cursor has them.
func (s Keys) Shown(values []KeyValue) [][]byte {
	shown := make([][]byte, len(s))
	for i, k := range s {
		shown[i] = []byte(values[i].Shown(k))
	}
	return shown
}

// KeyScan is where the columns of keys are scanned to.
type KeyScan struct {
	Keys    Keys
	texts   []string
	numbers []uint8
}

// Destinations are the places that the columns of the keys are scanned to.
func (k *KeyScan) Destinations() (to []any) {
	k.texts, k.numbers = make([]string, len(k.Keys)), make([]uint8, len(k.Keys))
	for i, key := range k.Keys {
		if key.Number {
			to = append(to, &k.numbers[i])
		} else {
			to = append(to, &k.texts[i])
		}
	}
	return to
}

// AppendTo appends what was scanned.
func (k *KeyScan) AppendTo(values []KeyValue) []KeyValue {
	for i := range k.Keys {
		values = append(values, KeyValue{Text: k.texts[i], Number: uint16(k.numbers[i])})
	}
	return values
}

// KeysText is a text that differs for different keys.
func KeysText(keys []KeyValue) string {
	var all []byte
	for _, k := range keys {
		all = k.AppendTo(all)
	}
	return string(all)
}
