package model

import (
	"math/big"
	"math/bits"
	"strconv"
)

// Rate is a quotient that is kept undivided, so that sums over any grouping stay exact.
type Rate struct {
	Num, Den int64
}

// Millionths returns Num ÷ Den in millionths, rounded half away from zero (docs/definitions.md section 3), and false
// when Den is 0.
func (r Rate) Millionths() (int64, bool) {
	if r.Den == 0 {
		return 0, false
	}
	// Counts are not negative, so half away from zero is half up: floor((2·10⁶·num + den) ÷ (2·den)).
	hi, lo := bits.Mul64(uint64(r.Num), 2_000_000)
	lo, carry := bits.Add64(lo, uint64(r.Den), 0)
	quotient, _ := bits.Div64(hi+carry, lo, 2*uint64(r.Den))
	return int64(quotient), true
}

// Wilson returns the 95 % Wilson interval of the rate in millionths, rounded half away from zero, and false when Den is
// 0. Both bounds are exact: the square root is taken of an integer and never rounded to a float. z is
// 1.959963984540054, of which the 1.959964 of docs/definitions.md is the rounded form: the examples tell the two apart.
//
// With p = k ÷ n the bounds are (k + z²/2 ∓ z·√(k(n−k)/n + z²/4)) ÷ (n + z²). Multiplied by 2n·10³⁰ they read
// (P ∓ √S) ÷ R with integers P, S and R.
func (r Rate) Wilson() (low, high int64, ok bool) {
	if r.Den == 0 {
		return 0, 0, false
	}
	integer := func(v int64) *big.Int { return big.NewInt(v) }
	times := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	plus := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }

	k, n := integer(r.Num), integer(r.Den)
	scale := times(integer(1_000_000_000_000_000), integer(1_000_000_000_000_000))
	zz := times(integer(1_959_963_984_540_054), integer(1_959_963_984_540_054)) // z², times 10³⁰.
	nzz := times(n, zz)

	p := times(n, plus(times(times(integer(2), k), scale), zz))
	d := times(times(integer(2), n), plus(times(n, scale), zz))
	spread := plus(times(times(integer(4), times(k, integer(r.Den-r.Num))), scale), nzz)
	s := times(nzz, spread)

	// floor(10⁶·(P ∓ √S) ÷ R + ½) = floor((2·10⁶·P + R ∓ √(4·10¹²·S)) ÷ 2R).
	x := plus(times(integer(2_000_000), p), d)
	square := times(integer(4_000_000_000_000), s)
	root := new(big.Int).Sqrt(square)
	ceiling := new(big.Int).Set(root)
	if times(root, root).Cmp(square) != 0 {
		ceiling.Add(ceiling, integer(1))
	}
	divisor := times(integer(2), d)
	// Euclidean division is the floor here, for the divisor is positive.
	lower := new(big.Int).Div(new(big.Int).Sub(x, ceiling), divisor)
	upper := new(big.Int).Div(plus(x, root), divisor)
	return lower.Int64(), upper.Int64(), true
}

// appendDecimal writes value ÷ 10^digits with at least one digit after the point and without trailing zeros beyond it.
func appendDecimal(dst []byte, value int64, digits int) []byte {
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, value/unit, 10)
	dst = append(dst, '.')
	fraction := strconv.AppendInt(nil, unit+value%unit, 10)[1:]
	for len(fraction) > 1 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	return append(dst, fraction...)
}
