package query

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/go-faster/jx"
	"pgregory.net/rapid"

	"kaskad/money"
)

func TestValue_Number_Rational(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(-2000, 2000), rapid.Int64Range(-math.MaxInt64, math.MaxInt64)).Draw(t, "n")
		digits := rapid.Uint8Range(0, 6).Draw(t, "digits")
		shown := decimal(n, digits).plain()
		got, ok := new(big.Rat).SetString(shown)
		want := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
		if !ok || got.Cmp(want) != 0 || !json.Valid([]byte(shown)) {
			t.Fatalf("%d ÷ 10^%d is shown as %q", n, digits, shown)
		}
		// A longer number has its digits, and the same form.
		wide := new(big.Int).Mul(big.NewInt(n), big.NewInt(math.MaxInt64))
		long := decimalOf(wide, digits)
		var e jx.Encoder
		long.json(&e)
		got, ok = new(big.Rat).SetString(e.String())
		if want.Mul(want, new(big.Rat).SetInt64(math.MaxInt64)); !ok || got.Cmp(want) != 0 ||
			long.plain() != e.String() || !json.Valid(e.Bytes()) ||
			strings.ContainsAny(e.String(), "eE") {
			t.Fatalf("%d × 2^63 ÷ 10^%d is shown as %s and %s", n, digits, long.plain(), e.String())
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
		text(s).json(&e)
		var got string
		if err := json.Unmarshal(e.Bytes(), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q became %s: %v", s, e.Bytes(), err)
		}
	})
}

func TestTextOrBase64_Cases(t *testing.T) {
	for raw, want := range map[string][2]string{"": {"", ""}, "{\"a\":1}": {"{\"a\":1}", ""},
		"\xff\x00": {"/wA=", "base64"}} {
		if shown, encoding := textOrBase64(raw); shown != want[0] || encoding != want[1] {
			t.Errorf("%q is shown as %q in %q", raw, shown, encoding)
		}
	}
}

// A rate is null when there is nothing to divide by, and at no size else (docs/definitions.md section 4).
func TestMoneyRate_AnySize(t *testing.T) {
	dearest := money.Micros(money.MaxPrice).Times(65535).Times(32)
	for _, c := range []struct {
		num, den money.Amount
		want     string
	}{
		{money.Micros(1), money.Micros(0), ""}, {money.Micros(0), money.Micros(7), "0"},
		{money.Micros(-1), money.Micros(8), "-0.125"},
		{money.Micros(9_223_372_036_854), money.Micros(1), "9223372036854"},
		{money.Micros(9_223_372_036_855), money.Micros(1), "9223372036855"},
		{dearest, money.Micros(-3), "-699040000000000000000"},
		{dearest, money.Micros(7), "299588571428571428571.428571"},
	} {
		if got := moneyRate(c.num, c.den); got.plain() != c.want || (c.want == "") != (got == null) {
			t.Errorf("%s ÷ %s is shown as %q, want %q", c.num, c.den, got.plain(), c.want)
		}
	}
}
