package answer

import (
	"math"
	"math/big"
	"math/bits"

	"kaskad/money"
	"kaskad/schema"
)

// Million is the scale of rates: 6 decimals.
const Million = 1_000_000

// Rate divides num by den, rounded half away from zero to 6 decimals, and is null when den is 0 (docs/definitions.md
// section 3). Both are counts, and num is at most den.
func Rate(num, den uint64) Value {
	if den == 0 {
		return Null
	}
	// round(10⁶·num ÷ den) = quotient, and one more when twice the remainder reaches den.
	hi, lo := bits.Mul64(num, Million)
	quotient, rest := bits.Div64(hi, lo, den)
	if rest >= den-rest {
		quotient++
	}
	return Decimal(int64(quotient), 6)
}

// Wilson returns the 95 % Wilson interval of num ÷ den, rounded half away from zero to 6 decimals, and null when den is
// 0. With z = 1.959963984540054, which docs/definitions.md rounds to 1.959964 and the examples do not, and p = num ÷
// den its bounds are
//
//	(num + z²/2 ∓ z·√(num·(den−num)/den + z²/4)) ÷ (den + z²)
//
// They are computed in integers: scaled by 2·den·10³⁰ a bound is (a ∓ √b) ÷ c, so that no digit depends on a float.
func Wilson(num, den uint64) (low, high Value) {
	if den == 0 {
		return Null, Null
	}
	var (
		k, n  = new(big.Int).SetUint64(num), new(big.Int).SetUint64(den)
		mul   = func(x, y *big.Int) *big.Int { return new(big.Int).Mul(x, y) }
		z     = big.NewInt(1_959_963_984_540_054) // in units of 10⁻¹⁵
		z2    = mul(z, z)
		unit  = new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil)
		add   = func(x, y *big.Int) *big.Int { return new(big.Int).Add(x, y) }
		two   = big.NewInt(2)
		a     = mul(n, add(mul(two, mul(k, unit)), z2))
		c     = mul(two, mul(n, add(mul(n, unit), z2)))
		inner = add(mul(big.NewInt(4), mul(mul(k, new(big.Int).Sub(n, k)), unit)), mul(n, z2))
		b     = mul(mul(n, z2), inner)
	)
	// round(10⁶·(a ∓ √b) ÷ c) = ⌊(2·10⁶·a + c ∓ √(4·10¹²·b)) ÷ 2c⌋, where the root may be replaced by its ceiling when
	// it is subtracted and by its floor when it is added.
	b.Mul(b, big.NewInt(4*Million*Million))
	floor := new(big.Int).Sqrt(b)
	ceiling := new(big.Int).Set(floor)
	if mul(floor, floor).Cmp(b) < 0 {
		ceiling.Add(ceiling, big.NewInt(1))
	}
	base := add(mul(big.NewInt(2*Million), a), c)
	c.Mul(c, two)
	bound := func(x *big.Int) Value {
		// Div rounds down for a positive divisor. Clamped to [0, 1].
		return Decimal(min(max(new(big.Int).Div(x, c).Int64(), 0), Million), 6)
	}
	return bound(new(big.Int).Sub(base, ceiling)), bound(base.Add(base, floor))
}

// Share is a quotient with its Wilson interval.
func Share(num, den uint64) []Value {
	low, high := Wilson(num, den)
	return []Value{Rate(num, den), low, high}
}

// LatencyRanks are the cells of a latency histogram at the nearest ranks of 50, 90 and 99 %; known is false when it is
// empty.
type LatencyRanks struct {
	Cells []uint16
	Known bool
}

// AppendSeconds appends the percentiles in seconds with three significant digits, above 100 s whole ones, or nulls.
// Rounding keeps the error within the 2 % of docs/definitions.md section 3: a cell is 1 % wide either way, and up to 50
// ms the rounded value is the latency itself.
func (l LatencyRanks) AppendSeconds(row []Value) []Value {
	if !l.Known || len(l.Cells) != 3 {
		return append(row, Null, Null, Null)
	}
	for _, cell := range l.Cells {
		row = append(row, Decimal(threeDigits(int64(math.Round(schema.LatencyCellMS(cell)))), 3))
	}
	return row
}

// threeDigits rounds milliseconds to three significant digits, from 100 s on to whole seconds, half away from zero.
func threeDigits(ms int64) int64 {
	unit := int64(1)
	for ms >= 1000*unit && unit < 1000 {
		unit *= 10
	}
	return (ms + unit/2) / unit * unit
}

// PerUnit is a ÷ n as money, null when n is 0.
func PerUnit(a money.Amount, n uint64) Value {
	each, ok := a.PerUnit(n)
	if !ok {
		return Null
	}
	return Amount(each)
}
