package money

import (
	"errors"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"kaskad/schema"
)

// MaxPrice is the greatest price of a tariff, in micro-units: one thousand million units of the currency, as for the
// prices that events report (docs/events.md).
const MaxPrice int64 = 1_000_000_000 * microsPerUnit

const microsPerUnit = 1_000_000

// Amount is an exact amount of money in micro-units of its currency: a whole number of 128 bits in two's complement.
// The zero value is no money. Amounts with the same value are equal by ==.
//
// Bounds: one message costs at most 32 attempts × 65535 segments × 1e15 micro-units (a unit price of at most
// [MaxPrice]), which is below 2.1e21, or twice that with a connect price; an Amount holds up to 1.7e38 in either
// direction. So the sum over 4e16 of the dearest messages fits, and a count of up to 1e12 messages times the cost of
// one is far within. Beyond the bounds the methods saturate at the greatest or the least Amount instead of turning
// around, so a figure can never change its sign silently.
type Amount struct {
	hi int64
	lo uint64
}

var (
	maxAmount = Amount{hi: 1<<63 - 1, lo: 1<<64 - 1}
	minAmount = Amount{hi: -1 << 63}
)

// Micros returns n micro-units.
func Micros(n int64) Amount { return Amount{hi: n >> 63, lo: uint64(n)} }

// Wide returns the micro-units of a number of 128 bits in two's complement, as ClickHouse has it.
func Wide(hi int64, lo uint64) Amount { return Amount{hi: hi, lo: lo} }

// Add returns a + b.
func (a Amount) Add(b Amount) Amount {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(uint64(a.hi), uint64(b.hi), carry)
	sum := Amount{hi: int64(hi), lo: lo}
	// Only two amounts of one sign can leave the range, and then the sum has the other sign.
	if (a.hi < 0) == (b.hi < 0) && (sum.hi < 0) != (a.hi < 0) {
		return limit(a.hi < 0)
	}
	return sum
}

// Sub returns a − b.
func (a Amount) Sub(b Amount) Amount {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(uint64(a.hi), uint64(b.hi), borrow)
	difference := Amount{hi: int64(hi), lo: lo}
	if (a.hi < 0) != (b.hi < 0) && (difference.hi < 0) != (a.hi < 0) {
		return limit(a.hi < 0)
	}
	return difference
}

// Neg returns −a.
func (a Amount) Neg() Amount { return Amount{}.Sub(a) }

// Times returns a × n.
func (a Amount) Times(n int64) Amount {
	negative := (a.hi < 0) != (n < 0)
	hi, lo := a.magnitude()
	factor := uint64(n)
	if n < 0 {
		factor = -factor
	}
	highest, high := bits.Mul64(hi, factor)
	carry, low := bits.Mul64(lo, factor)
	high, over := bits.Add64(high, carry, 0)
	if highest != 0 || over != 0 || high > 1<<63-1 {
		if negative && highest == 0 && over == 0 && high == 1<<63 && low == 0 {
			return minAmount
		}
		return limit(negative)
	}
	return signed(high, low, negative)
}

// Cmp returns -1 when a is less than b, 0 when they are equal, 1 when a is greater.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a == b:
		return 0
	case a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo):
		return -1
	}
	return 1
}

// Int64 returns the amount as micro-units, false where they don't fit.
func (a Amount) Int64() (micros int64, fits bool) {
	return int64(a.lo), a.hi == int64(a.lo)>>63
}

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int { return a.Cmp(Amount{}) }

// String prints the amount in units as docs/definitions.md section 4 wants it: a decimal without exponent, at least 2
// decimals, zeros beyond cut, such as "1589.205", "2.00", "-0.36".
func (a Amount) String() string { return string(a.Append(make([]byte, 0, 48))) }

// Append appends what [Amount.String] returns.
func (a Amount) Append(dst []byte) []byte {
	hi, lo := a.magnitude()
	if a.hi < 0 {
		dst = append(dst, '-')
	}
	hi, lo, micros := divide(hi, lo, microsPerUnit)
	// The whole units are at most 1.7e32, so two steps of nineteen digits print them.
	const chunk = 1e19
	hi, lo, low := divide(hi, lo, chunk)
	if hi != 0 || lo != 0 {
		dst = strconv.AppendUint(dst, lo, 10)
		dst = appendPadded(dst, low, 19)
	} else {
		dst = strconv.AppendUint(dst, low, 10)
	}
	dst = append(dst, '.')
	digits := 6
	for digits > 2 && micros%10 == 0 {
		micros /= 10
		digits--
	}
	return appendPadded(dst, micros, digits)
}

// MarshalText makes an Amount a string in JSON: `"1589.205"`.
func (a Amount) MarshalText() ([]byte, error) { return a.Append(nil), nil }

// PerUnit returns a ÷ n rounded half away from zero to micro-units, which are the 6 decimals of docs/definitions.md
// section 4, or false when n is 0.
func (a Amount) PerUnit(n uint64) (Amount, bool) {
	if n == 0 {
		return Amount{}, false
	}
	hi, lo := a.magnitude()
	hi, lo, rest := divide(hi, lo, n)
	if rest >= n-rest {
		var carry uint64
		lo, carry = bits.Add64(lo, 1, 0)
		hi += carry
	}
	return signed(hi, lo, a.hi < 0), true
}

// Rate returns num ÷ den in millionths, rounded half away from zero, which are the 6 decimals of docs/definitions.md
// section 3, exact at any size. It returns false when den is 0.
func Rate(num, den Amount) (millionths *big.Int, ok bool) {
	if den == (Amount{}) {
		return nil, false
	}
	n, d := num.Integer(), den.Integer()
	quotient, rest := n.QuoRem(n.Mul(n, big.NewInt(microsPerUnit)), d, new(big.Int))
	// The quotient is cut towards zero; half of the divisor or more is left over.
	if rest.Lsh(rest, 1).CmpAbs(d) >= 0 {
		quotient.Add(quotient, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return quotient, true
}

// ParsePrice reads a price into micro-units: a plain decimal such as "2.50" with at most 6 decimals, not negative,
// without exponent and superfluous zeros in front, up to 1 000 000 000. The error says how to write it.
func ParsePrice(s string) (micros int64, err error) {
	micros, ok := schema.ParseMicros([]byte(s))
	if ok && micros >= 0 && micros <= MaxPrice && s[0] != '-' && !paddedDecimal(s) {
		return micros, nil
	}
	return 0, errors.New(priceRule(s, ok))
}

// paddedDecimal finds zeros in front that YAML and spreadsheets read as something else: 010 is 8 to some of them.
func paddedDecimal(s string) bool { return len(s) > 1 && s[0] == '0' && s[1] != '.' }

func priceRule(s string, decimal bool) string {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := strings.Trim(whole, "0123456789") == "" && strings.Trim(fraction, "0123456789") == ""
	switch {
	case strings.Contains(s, ","):
		return `must have a decimal point, not a comma, and no thousands separator: write "2.50"`
	case strings.HasPrefix(s, "-"):
		return `must not be negative: write "0" for what is free`
	case decimal && paddedDecimal(s):
		return `must not begin with superfluous zeros: write "2.50"`
	case decimal, digits && len(whole) > 10:
		return "must be at most 1000000000"
	case digits && len(fraction) > 6:
		return "must have at most 6 decimals: round it"
	}
	return `must be a plain decimal without exponent, such as "2.50"`
}

func limit(negative bool) Amount {
	if negative {
		return minAmount
	}
	return maxAmount
}

// magnitude returns the absolute value, which fits without a sign even for the least Amount.
func (a Amount) magnitude() (hi, lo uint64) {
	if a.hi >= 0 {
		return uint64(a.hi), a.lo
	}
	lo, borrow := bits.Sub64(0, a.lo, 0)
	hi, _ = bits.Sub64(0, uint64(a.hi), borrow)
	return hi, lo
}

// Integer returns the micro-units as a number of any size.
func (a Amount) Integer() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.lo))
}

func signed(hi, lo uint64, negative bool) Amount {
	if !negative {
		return Amount{hi: int64(hi), lo: lo}
	}
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return Amount{hi: int64(hi), lo: lo}
}

// divide returns the quotient of 128 bits by a divisor above 0, and the rest.
func divide(hi, lo, by uint64) (qhi, qlo, rest uint64) {
	qhi, rest = hi/by, hi%by
	qlo, rest = bits.Div64(rest, lo, by)
	return qhi, qlo, rest
}

func appendPadded(dst []byte, n uint64, width int) []byte {
	var text [20]byte
	for i := width - 1; i >= 0; i-- {
		text[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, text[:width]...)
}
