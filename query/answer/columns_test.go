package answer

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// A decimal of Arrow is the one that was printed, with few digits as with many; what has no room is refused.
func TestAppendDecimal(t *testing.T) {
	for _, c := range []struct{ shown, millionths string }{
		{"0", "0"}, {"2.5", "2500000"}, {"-0.5", "-500000"}, {"-12", "-12000000"}, {"0.000001", "1"}, {"-0", "0"},
		{"007.10", "7100000"}, {"999999999999.999999", "999999999999999999"},
		{"-999999999999.999999", "-999999999999999999"}, {"1000000000000.5", "1000000000000500000"},
		{"12345678901234567890123456789012.345678", "12345678901234567890123456789012345678"},
		{"123456789012345678901234567890123", ""}, {"0.0000001", ""}, {"1e3", ""}, {"1.-5", ""}, {"one", ""},
	} {
		b := array.NewDecimal128Builder(memory.NewGoAllocator(),
			&arrow.Decimal128Type{Precision: decimalDigits, Scale: decimalScale})
		if err := AppendDecimal(b, c.shown); (err != nil) != (c.millionths == "") {
			t.Errorf("%q: %v", c.shown, err)
		} else if err == nil {
			if got := b.NewDecimal128Array().Value(0).BigInt().String(); got != c.millionths {
				t.Errorf("%q is %s millionths, want %s", c.shown, got, c.millionths)
			}
		}
	}
}
