package money

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func (a Amount) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.lo))
}

// ofBig is what exact arithmetic gives, held within the range of an Amount.
func ofBig(n *big.Int) Amount {
	switch {
	case n.Cmp(maxAmount.big()) > 0:
		return maxAmount
	case n.Cmp(minAmount.big()) < 0:
		return minAmount
	}
	return Amount{hi: new(big.Int).Rsh(n, 64).Int64(),
		lo: new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()}
}

// halfAwayFromZero rounds num ÷ den, the way that people round on paper.
func halfAwayFromZero(num, den *big.Int) *big.Int {
	sign := num.Sign() * den.Sign()
	n, d := new(big.Int).Abs(num), new(big.Int).Abs(den)
	n.Add(n.Lsh(n, 1), d)
	n.Quo(n, new(big.Int).Lsh(d, 1))
	return n.Mul(n, big.NewInt(int64(sign)))
}

// anyAmount draws small numbers, whole words, borders of words and of the range.
func anyAmount() *rapid.Generator[Amount] {
	return rapid.Custom(func(t *rapid.T) Amount {
		a := Amount{hi: rapid.Int64().Draw(t, "hi"), lo: rapid.Uint64().Draw(t, "lo")}
		switch rapid.IntRange(0, 4).Draw(t, "size") {
		case 0:
			return Micros(a.hi)
		case 1:
			a.hi %= 1 << 20
		case 2:
			a.lo = rapid.SampledFrom([]uint64{0, 1, math.MaxUint64}).Draw(t, "edge")
		case 3:
			return rapid.SampledFrom([]Amount{maxAmount, minAmount, {hi: math.MinInt64, lo: 1}, {},
				{hi: -1, lo: math.MaxUint64}}).Draw(t, "extreme")
		}
		return a
	})
}

func TestAmount_Arithmetic_AgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmount().Draw(t, "a"), anyAmount().Draw(t, "b")
		n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.Just(int64(math.MinInt64))).Draw(t, "n")
		x, y := a.big(), b.big()
		for _, c := range []struct {
			name string
			got  Amount
			want *big.Int
		}{
			{"add", a.Add(b), new(big.Int).Add(x, y)},
			{"sub", a.Sub(b), new(big.Int).Sub(x, y)},
			{"neg", a.Neg(), new(big.Int).Neg(x)},
			{"times", a.Times(n), new(big.Int).Mul(x, big.NewInt(n))},
			{"micros", Micros(n), big.NewInt(n)},
		} {
			if want := ofBig(c.want); c.got != want {
				t.Fatalf("%s of %v, %v, %d = %v, want %v", c.name, x, y, n, c.got.big(), want.big())
			}
		}
		if a.Cmp(b) != x.Cmp(y) || a.Sign() != x.Sign() {
			t.Fatalf("Cmp(%v, %v) = %d, Sign = %d", x, y, a.Cmp(b), a.Sign())
		}
	})
}

func TestAmount_PerUnit_RoundsHalfAwayFromZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAmount().Draw(t, "a")
		n := rapid.OneOf(rapid.Uint64Min(1), rapid.Uint64Range(1, 20)).Draw(t, "n")
		got, ok := a.PerUnit(n)
		if want := halfAwayFromZero(a.big(), new(big.Int).SetUint64(n)); !ok || got.big().Cmp(want) != 0 {
			t.Fatalf("%v ÷ %d = %v, %v; want %v", a.big(), n, got.big(), ok, want)
		}
	})
	if _, ok := Micros(1).PerUnit(0); ok {
		t.Error("a ÷ 0 must have no value")
	}
}

func TestRate_RoundsHalfAwayFromZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num, den := anyAmount().Draw(t, "num"), anyAmount().Draw(t, "den")
		got, ok := Rate(num, den)
		if den.Sign() == 0 {
			if ok {
				t.Fatalf("%v ÷ 0 = %v", num.big(), got)
			}
			return
		}
		want := halfAwayFromZero(new(big.Int).Mul(num.big(), big.NewInt(1_000_000)), den.big())
		if !ok || got.Cmp(want) != 0 {
			t.Fatalf("%v ÷ %v = %v, %v; want %v", num.big(), den.big(), got, ok, want)
		}
	})
}

func TestRate_Examples(t *testing.T) {
	for _, c := range []struct {
		num, den, want int64
	}{
		{1, 2_000_000, 1}, {-1, 2_000_000, -1}, {1, 2_000_001, 0}, {1, -2_000_000, -1},
		{392_225_000, 602_000_000, 651_537}, {0, 7, 0}, {7, 7, 1_000_000},
	} {
		if got, ok := Rate(Micros(c.num), Micros(c.den)); !ok || got.Cmp(big.NewInt(c.want)) != 0 {
			t.Errorf("Rate(%d, %d) = %v, %v; want %d", c.num, c.den, got, ok, c.want)
		}
	}
	// The dearest message against the cheapest.
	if got, ok := Rate(Micros(MaxPrice).Times(65535).Times(32), Micros(-1)); !ok ||
		got.String() != "-2097120000000000000000000000" {
		t.Errorf("the dearest message in millionths of the cheapest: %v, %v", got, ok)
	}
}

func TestAmount_String_Examples(t *testing.T) {
	million := Micros(MaxPrice).Times(1_000_000)
	for _, c := range []struct {
		amount Amount
		want   string
	}{
		{Micros(0), "0.00"}, {Micros(2_000_000), "2.00"}, {Micros(1_589_205_000), "1589.205"},
		{Micros(1_589_205), "1.589205"},
		{Micros(-360_000), "-0.36"}, {Micros(-1), "-0.000001"}, {Micros(10), "0.00001"},
		{Micros(math.MinInt64), "-9223372036854.775808"},
		{million, "1000000000000000.00"},
		{million.Times(1_000_000_000).Add(Micros(100_000)), "1000000000000000000000000.10"},
		{maxAmount, "170141183460469231731687303715884.105727"},
		{minAmount, "-170141183460469231731687303715884.105728"},
	} {
		if got := c.amount.String(); got != c.want {
			t.Errorf("%v prints as %s, want %s", c.amount.big(), got, c.want)
		}
	}
	body, err := json.Marshal(map[string]Amount{"cost": Micros(500_000)})
	if err != nil || string(body) != `{"cost":"0.50"}` {
		t.Errorf("JSON: %s, %v", body, err)
	}
}

func TestAmount_String_IsTheDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAmount().Draw(t, "a")
		s := a.String()
		r, ok := new(big.Rat).SetString(s)
		if want := new(big.Rat).SetFrac(a.big(), big.NewInt(1_000_000)); !ok || r.Cmp(want) != 0 {
			t.Fatalf("%v prints as %s", a.big(), s)
		}
		_, fraction, _ := strings.Cut(s, ".")
		if len(fraction) < 2 || len(fraction) > 6 || (len(fraction) > 2 && fraction[len(fraction)-1] == '0') {
			t.Fatalf("%s has the wrong decimals", s)
		}
	})
}

// The bounds that the type promises: the dearest message, a million million times.
func TestAmount_Bounds(t *testing.T) {
	dearest := Micros(MaxPrice).Times(65535).Times(32)
	total := dearest.Times(1_000_000_000_000)
	want, _ := new(big.Int).SetString("2097120000000000000000000000000000", 10)
	if total.big().Cmp(want) != 0 {
		t.Errorf("dearest message × 1e12 = %v, want %v", total.big(), want)
	}
	if total.Times(40_000) == maxAmount {
		t.Error("4e16 of the dearest messages do not fit")
	}
}

func TestParsePrice(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "2": 2_000_000, "2.00": 2_000_000, "0.0075": 7_500, "0.000001": 1,
		"1000000000": MaxPrice, "1000000000.000000": MaxPrice} {
		if got, err := ParsePrice(s); err != nil || got != want {
			t.Errorf("ParsePrice(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for s, reason := range map[string]string{"": "plain decimal", "-1": "negative", "-0": "negative", "1e3": "exponent",
		"1E3": "exponent", "NaN": "plain decimal", "Inf": "plain decimal",
		"2,50": "not a comma", "1.234,50": "not a comma", "0.0000001": "at most 6 decimals",
		"1000000000.000001": "at most 1000000000", "9999999999": "at most 1000000000",
		"010": "zeros", "00.5": "zeros", ".5": "plain decimal", "5.": "plain decimal", "+1": "plain decimal",
		" 1": "plain decimal", "1 000": "plain decimal", "1_000": "plain decimal",
		"0x10": "plain decimal", "٣": "plain decimal", "1.2.3": "plain decimal",
		"99999999999999999999999999": "at most 1000000000", "0.1e-3": "plain decimal"} {
		if got, err := ParsePrice(s); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("ParsePrice(%q) = %d, %v; want an error that says %q", s, got, err, reason)
		}
	}
}

func TestParsePrice_ReadsWhatIsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(0, MaxPrice).Draw(t, "micros")
		if got, err := ParsePrice(Micros(micros).String()); err != nil || got != micros {
			t.Fatalf("ParsePrice(%s) = %d, %v", Micros(micros), got, err)
		}
	})
}
