package answer

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"pgregory.net/rapid"
)

func TestValue_Number_Rational(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(-2000, 2000), rapid.Int64Range(-math.MaxInt64, math.MaxInt64)).Draw(t, "n")
		digits := rapid.Uint8Range(0, 6).Draw(t, "digits")
		shown := Decimal(n, digits).Plain()
		got, ok := new(big.Rat).SetString(shown)
		want := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
		if !ok || got.Cmp(want) != 0 || !json.Valid([]byte(shown)) {
			t.Fatalf("%d ÷ 10^%d is shown as %q", n, digits, shown)
		}
		// A longer number has its digits, and the same form.
		wide := new(big.Int).Mul(big.NewInt(n), big.NewInt(math.MaxInt64))
		long := BigDecimal(wide, digits)
		var e jx.Encoder
		long.Encode(&e)
		got, ok = new(big.Rat).SetString(e.String())
		if want.Mul(want, new(big.Rat).SetInt64(math.MaxInt64)); !ok || got.Cmp(want) != 0 ||
			long.Plain() != e.String() || !json.Valid(e.Bytes()) ||
			strings.ContainsAny(e.String(), "eE") {
			t.Fatalf("%d × 2^63 ÷ 10^%d is shown as %s and %s", n, digits, long.Plain(), e.String())
		}
		if strings.Contains(shown, ".") && strings.HasSuffix(shown, "0") {
			t.Fatalf("%q has a zero too many", shown)
		}
	})
}

func TestValue_JSON_AnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(),
			rapid.Custom(func(t *rapid.T) string {
				return string(rapid.SliceOf(rapid.Byte()).Draw(t,
					"bytes"))
			})).Draw(t, "s")
		var e jx.Encoder
		Text(s).Encode(&e)
		var got string
		if err := json.Unmarshal(e.Bytes(), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q became %s: %v", s, e.Bytes(), err)
		}
	})
}

func TestTextOrBase64_Cases(t *testing.T) {
	for raw, want := range map[string][2]string{"": {"", ""}, "{\"a\":1}": {"{\"a\":1}", ""},
		"\xff\x00": {"/wA=", "base64"}} {
		if shown, encoding := TextOrBase64(raw); shown != want[0] || encoding != want[1] {
			t.Errorf("%q is shown as %q in %q", raw, shown, encoding)
		}
	}
}
