package answer

import "math/big"

// newcombePrecision is how many bits the intervals of differences are computed with, so that no digit which is shown
// depends on how roots are rounded.
const newcombePrecision = 256

// wideZ is z of Wilson, in units of 10⁻¹⁵.
const wideZ = 1_959_963_984_540_054

// Newcombe returns num1 ÷ den1 − num2 ÷ den2 and its 95 % interval, rounded half away from zero to 6 decimals, and null
// where a denominator is 0. The proportions are independent: the interval is the hybrid score interval, method 10 of
// R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
// methods", Statistics in Medicine 17 (1998) 873–890. With the Wilson intervals l…u of both it is
//
//	d − √((p1−l1)² + (u2−p2)²) … d + √((u1−p1)² + (p2−l2)²)
func Newcombe(num1, den1, num2, den2 uint64) (difference, low, high Value) {
	if den1 == 0 || den2 == 0 {
		return Null, Null, Null
	}
	return scoreInterval(newShare(num1, den1), newShare(num2, den2), wide())
}

// PairedNewcombe does so for two proportions of the same people: both, onlyFirst, onlySecond and neither are the cells
// of their table. The interval is method 10 of R. G. Newcombe, "Improved confidence intervals for the difference
// between binomial proportions based on paired data", Statistics in Medicine 17 (1998) 2635–2650: the above with the
// correlation φ of the two, corrected for continuity:
//
//	d − √((p1−l1)² − 2φ(p1−l1)(u2−p2) + (u2−p2)²) … d + √((u1−p1)² − 2φ(u1−p1)(p2−l2) + (p2−l2)²)
func PairedNewcombe(both, onlyFirst, onlySecond, neither uint64) (difference, low, high Value) {
	all := both + onlyFirst + onlySecond + neither
	if all == 0 {
		return Null, Null, Null
	}
	return scoreInterval(newShare(both+onlyFirst, all), newShare(both+onlySecond, all),
		phi(both, onlyFirst, onlySecond, neither))
}

// phi is the correlation of a table: its numerator e·h − f·g is lowered by half of all, to 0 at least, where it is
// above 0. It is 0 where a margin is.
func phi(e, f, g, h uint64) *big.Float {
	product := func(a, b uint64) *big.Int {
		return new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
	}
	margins := new(big.Int).Mul(product(e+f, g+h), product(e+g, f+h))
	if margins.Sign() == 0 {
		return wide()
	}
	twice := new(big.Int).Sub(product(e, h), product(f, g))
	if twice.Lsh(twice, 1); twice.Sign() > 0 {
		if twice.Sub(twice, new(big.Int).SetUint64(e+f+g+h)); twice.Sign() < 0 {
			twice.SetInt64(0)
		}
	}
	root := wide().SetInt(margins)
	return wide().Quo(wide().SetInt(twice), root.Mul(root.Sqrt(root), wide().SetInt64(2)))
}

// share is a proportion with how far its Wilson interval reaches below and above it.
type share struct {
	num, den     uint64
	below, above *big.Float
}

// newShare computes, with p = num ÷ den, the bounds (num + z²/2 ∓ z·√(num·(den−num)/den + z²/4)) ÷ (den + z²).
func newShare(num, den uint64) share {
	var (
		k, n    = wide().SetUint64(num), wide().SetUint64(den)
		z       = wide().Quo(wide().SetInt64(wideZ), wide().SetInt64(1_000_000_000_000_000))
		z2      = wide().Mul(z, z)
		half    = wide().Quo(z2, wide().SetInt64(2))
		quarter = wide().Quo(z2, wide().SetInt64(4))
		p       = wide().Quo(k, n)
		middle  = wide().Add(k, half)
		spread  = wide().Quo(wide().Mul(k, wide().Sub(n, k)), n)
		divisor = wide().Add(n, z2)
	)
	spread.Mul(z, spread.Sqrt(spread.Add(spread, quarter)))
	low := wide().Quo(wide().Sub(middle, spread), divisor)
	high := wide().Quo(middle.Add(middle, spread), divisor)
	return share{num, den, low.Sub(p, low), high.Sub(high, p)}
}

// scoreInterval combines two shares whose correlation is phi.
func scoreInterval(first, second share, phi *big.Float) (difference, low, high Value) {
	cross := func(a, b uint64) *big.Int {
		return new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
	}
	num := new(big.Int).Sub(cross(first.num, second.den), cross(second.num, first.den))
	exact := new(big.Rat).SetFrac(num, cross(first.den, second.den))
	d := wide().SetRat(exact)
	below, above := reach(first.below, second.above, phi), reach(first.above, second.below, phi)
	return millionths(exact), shownBound(d, below.Neg(below)), shownBound(d, above)
}

// reach is √(a² − 2φab + b²).
func reach(a, b, phi *big.Float) *big.Float {
	sum := wide().Add(wide().Mul(a, a), wide().Mul(b, b))
	twice := wide().Mul(wide().SetInt64(2), wide().Mul(a, b))
	if sum.Sub(sum, twice.Mul(twice, phi)); sum.Sign() < 0 {
		sum.SetInt64(0) // by a last bit
	}
	return sum.Sqrt(sum)
}

// shownBound is a bound as it is shown, within −1…1.
func shownBound(d, by *big.Float) Value {
	exact, _ := wide().Add(d, by).Rat(nil)
	one := big.NewRat(1, 1)
	if exact.Cmp(one) > 0 {
		exact = one
	} else if least := big.NewRat(-1, 1); exact.Cmp(least) < 0 {
		exact = least
	}
	return millionths(exact)
}

// millionths rounds half away from zero to 6 decimals.
func millionths(exact *big.Rat) Value {
	num := new(big.Int).Mul(new(big.Int).Abs(exact.Num()), big.NewInt(2*Million))
	den := new(big.Int).Lsh(exact.Denom(), 1)
	n := new(big.Int).Div(num.Add(num, exact.Denom()), den).Int64()
	if exact.Sign() < 0 {
		n = -n
	}
	return Decimal(n, 6)
}

func wide() *big.Float { return new(big.Float).SetPrec(newcombePrecision) }

// Below0 and Above0 tell on which side of 0 a decimal is as it is shown.
func (v Value) Below0() bool { return v.kind == kindNumber && v.n < 0 }

// Above0 is the other side.
func (v Value) Above0() bool { return v.kind == kindNumber && v.n > 0 }
