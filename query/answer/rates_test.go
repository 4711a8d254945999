package answer

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawRate draws a numerator up to its denominator, small and huge ones.
func drawRate(t *rapid.T) (num, den uint64) {
	den = rapid.OneOf(rapid.Uint64Range(1, 40), rapid.Uint64Range(1, 100_000_000),
		rapid.Uint64Range(1, math.MaxInt64)).Draw(t, "den")
	return rapid.OneOf(rapid.Uint64Range(0, den), rapid.Just(den), rapid.Just(uint64(0))).Draw(t, "num"), den
}

// roundHalfAway rounds a rational that is not negative to 6 decimals, by the definition.
func roundHalfAway(x *big.Rat) int64 {
	x = new(big.Rat).Add(new(big.Rat).Mul(x, big.NewRat(1_000_000, 1)), big.NewRat(1, 2))
	return new(big.Int).Div(x.Num(), x.Denom()).Int64()
}

func TestRateOf_Rational(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num, den := drawRate(t)
		want := roundHalfAway(new(big.Rat).SetFrac(new(big.Int).SetUint64(num), new(big.Int).SetUint64(den)))
		if got := Rate(num, den); got != Decimal(want, 6) {
			t.Fatalf("%d/%d = %s, want %d millionths", num, den, got.Plain(), want)
		}
	})
}

func TestRateOf_Cases(t *testing.T) {
	for _, c := range []struct {
		num, den uint64
		want     string
	}{{0, 0, ""}, {0, 7, "0"}, {7, 7, "1"}, {1, 3, "0.333333"}, {2, 3, "0.666667"}, {1, 2_000_000, "0.000001"},
		{1, 2_000_001, "0"},
		{344, 461, "0.746204"}, {1, 8, "0.125"}, {5, 10_000_000, "0.000001"}, {math.MaxInt64, math.MaxInt64, "1"}} {
		if got := Rate(c.num, c.den).Plain(); got != c.want {
			t.Errorf("%d/%d = %q, want %q", c.num, c.den, got, c.want)
		}
	}
}

// wilsonByFloat is the textbook formula with 300 bits.
func wilsonByFloat(num, den uint64) (low, high *big.Float) {
	f := func() *big.Float { return new(big.Float).SetPrec(300) }
	z, _ := f().SetString("1.959963984540054")
	k, n := f().SetUint64(num), f().SetUint64(den)
	p := f().Quo(k, n)
	zz := f().Mul(z, z)
	variance := f().Quo(f().Mul(p, f().Sub(f().SetInt64(1), p)), n)
	variance.Add(variance, f().Quo(zz, f().Mul(f().SetInt64(4), f().Mul(n, n))))
	spread := f().Mul(z, f().Sqrt(variance))
	center := f().Add(p, f().Quo(zz, f().Mul(f().SetInt64(2), n)))
	scale := f().Add(f().SetInt64(1), f().Quo(zz, n))
	return f().Quo(f().Sub(center, spread), scale), f().Quo(f().Add(center, spread), scale)
}

func TestWilson_BigFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num, den := drawRate(t)
		low, high := Wilson(num, den)
		wantLow, wantHigh := wilsonByFloat(num, den)
		for _, c := range []struct {
			got  Value
			want *big.Float
		}{{low, wantLow}, {high, wantHigh}} {
			// The rounded value is right when it is no further than half a unit from the true one.
			distance, _ := new(big.Float).Sub(new(big.Float).Mul(c.want, big.NewFloat(Million)),
				new(big.Float).SetInt64(c.got.n)).Float64()
			if math.Abs(distance) > 0.5+1e-9 || c.got.n < 0 || c.got.n > Million {
				t.Fatalf("Wilson of %d/%d: %s, want %s", num, den, c.got.Plain(), c.want.Text('f', 12))
			}
		}
	})
}

func TestWilson_Cases(t *testing.T) {
	for _, c := range []struct {
		num, den  uint64
		low, high string
	}{{0, 0, "", ""}, {107, 183, "0.512279", "0.653637"}, {3, 18, "0.058366", "0.39222"}, {0, 10, "0", "0.277533"},
		{10, 10, "0.722467", "1"}, {1, 1, "0.206549", "1"}} {
		low, high := Wilson(c.num, c.den)
		if low.Plain() != c.low || high.Plain() != c.high {
			t.Errorf("Wilson of %d/%d: %s…%s, want %s…%s", c.num, c.den, low.Plain(), high.Plain(), c.low, c.high)
		}
	}
}

func TestLatencyRanks_Seconds(t *testing.T) {
	// Whatever the latency, its cell and back is at most 2 % off, and exact up to 50 ms.
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.OneOf(rapid.Int64Range(0, 100), rapid.Int64Range(0, 30*86_400_000)).Draw(t, "ms")
		cell := uint16(0)
		if ms > 0 {
			cell = uint16(1 + math.Ceil(math.Log(float64(ms))/math.Log(1.02)))
		}
		shown := LatencyRanks{[]uint16{cell, cell, cell}, true}.AppendSeconds(nil)
		off := math.Abs(float64(shown[0].n - ms))
		if off > 0.02*float64(ms) || (ms <= 50 && off > 0) {
			t.Fatalf("%d ms is shown as %s s", ms, shown[0].Plain())
		}
	})
	if got := (LatencyRanks{[]uint16{0, 0, 0}, false}).AppendSeconds(nil); !slices.Equal(got,
		[]Value{Null, Null, Null}) {
		t.Errorf("no latency is shown as %v", got)
	}
	if got := (LatencyRanks{[]uint16{0, 1, 2}, true}).AppendSeconds(nil); got[0].Plain() != "0" ||
		got[1].Plain() != "0.001" {
		t.Errorf("cells 0 and 1 are shown as %v", got)
	}
}

func BenchmarkWilson(b *testing.B) {
	for b.Loop() {
		Wilson(1_234_567, 7_654_321)
	}
}
