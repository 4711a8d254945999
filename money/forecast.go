package money

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// DefaultThreshold is the penetration from which a channel is worth moving to: 40 % (docs/definitions.md section 4,
// Forecasts).
const DefaultThreshold = "0.40"

// Forecast asks what moving a mailing from SMS to a cascade would save (docs/definitions.md section 4, Forecasts). All
// numbers are exact and none may be nil but ConnectPrice, which counts with [AttemptPlusConnect] alone. Rates are 0…1,
// prices in units of one currency.
type Forecast struct {
	Messages     *big.Rat // messages to send
	Penetration  *big.Rat // share of the people whom the channel can reach at all
	DeliveryRate *big.Rat // share of the attempts on the channel that are delivered
	SMSSegments  *big.Rat // segments of a message as SMS; an average may be fractional
	SMSPrice     *big.Rat // of a segment
	ChannelPrice *big.Rat // of a message on the channel, by Billing
	ConnectPrice *big.Rat
	Billing      Billing  // one of ForecastBillings
	Threshold    *big.Rat // penetration from which moving is worth it
}

// ForecastBillings are the billing models that a forecast knows.
var ForecastBillings = []Billing{PerMessageDelivered, PerMessageSent, AttemptPlusConnect}

// ForecastResult is what follows from a Forecast, exact but for SavedRate. Money is in units of the currency.
type ForecastResult struct {
	Movable      *big.Rat // messages expected to be delivered on the channel
	ChannelCost  *big.Rat // what the channel charges
	MovedSMSCost *big.Rat // what the movable messages would cost as SMS
	Saved        *big.Rat // MovedSMSCost − ChannelCost
	SMSOnlyCost  *big.Rat // all messages as SMS
	CascadeCost  *big.Rat // SMSOnlyCost − Saved
	// SavedRate is Saved ÷ SMSOnlyCost in millionths, rounded half away from zero; nil when SMSOnlyCost is 0.
	SavedRate *big.Int
	WorthIt   bool // the penetration reaches the threshold, and something is saved
}

// Forecast computes what would be saved. The error says that the billing model is none that a forecast knows.
func (f Forecast) Forecast() (ForecastResult, error) {
	var r ForecastResult
	times := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	tried := times(f.Messages, f.Penetration)
	r.Movable = times(tried, f.DeliveryRate)
	switch f.Billing {
	case PerMessageDelivered:
		r.ChannelCost = times(r.Movable, f.ChannelPrice)
	case PerMessageSent:
		r.ChannelCost = times(tried, f.ChannelPrice)
	case AttemptPlusConnect:
		r.ChannelCost = times(tried, f.ChannelPrice)
		r.ChannelCost.Add(r.ChannelCost, times(r.Movable, f.ConnectPrice))
	default:
		return ForecastResult{}, fmt.Errorf("billing %q: a forecast knows %v", f.Billing, ForecastBillings)
	}
	message := times(f.SMSSegments, f.SMSPrice)
	r.MovedSMSCost = times(r.Movable, message)
	r.Saved = new(big.Rat).Sub(r.MovedSMSCost, r.ChannelCost)
	r.SMSOnlyCost = times(f.Messages, message)
	r.CascadeCost = new(big.Rat).Sub(r.SMSOnlyCost, r.Saved)
	r.SavedRate = millionths(r.Saved, r.SMSOnlyCost)
	r.WorthIt = f.Penetration.Cmp(f.Threshold) >= 0 && r.Saved.Sign() > 0
	return r, nil
}

// BreakEven tells from how many SMS segments a message on the channel is cheaper: the smallest number of segments that
// costs more than the channel, and channelPrice ÷ smsPrice in millionths, rounded half away from zero. Both are nil
// when an SMS costs nothing. Prices are not negative.
func BreakEven(channelPrice, smsPrice *big.Rat) (segments, ratio *big.Int) {
	ratio = millionths(channelPrice, smsPrice)
	if ratio == nil {
		return nil, nil
	}
	quotient := new(big.Rat).Quo(channelPrice, smsPrice)
	segments = new(big.Int).Quo(quotient.Num(), quotient.Denom())
	return segments.Add(segments, big.NewInt(1)), ratio
}

// millionths returns num ÷ den rounded half away from zero to 6 decimals, as docs/definitions.md section 3 rounds
// rates; nil when den is 0.
func millionths(num, den *big.Rat) *big.Int {
	if den.Sign() == 0 {
		return nil
	}
	q := new(big.Rat).Quo(num, den)
	// Half away from zero is the sign times floor(|q|·10⁶ + ½), in integers floor((2·10⁶·n + d) ÷ 2d).
	n := new(big.Int).Mul(new(big.Int).Abs(q.Num()), big.NewInt(2*microsPerUnit))
	n.Add(n, q.Denom())
	n.Quo(n, new(big.Int).Lsh(q.Denom(), 1))
	if q.Sign() < 0 {
		n.Neg(n)
	}
	return n
}

// Limits of a decimal that ParseDecimal reads. They keep every product of a forecast short.
const (
	maxWholeDigits = 15
	// MaxDecimals is how many decimals a rate may have.
	MaxDecimals = 18
)

var errDecimal = errors.New(`must be a plain decimal such as "0.36", not negative, without exponent`)

// ParseDecimal reads a plain decimal that is not negative: at most 15 digits, a point, and at most `decimals` digits
// more, zeros at the end aside.
func ParseDecimal(s string, decimals int) (*big.Rat, error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return nil, errDecimal
		}
	}
	if whole == "" || (dotted && fraction == "") {
		return nil, errDecimal
	}
	fraction = strings.TrimRight(fraction, "0")
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > maxWholeDigits {
		return nil, fmt.Errorf("must be below 10^%d", maxWholeDigits)
	}
	if len(fraction) > decimals {
		if decimals == 0 {
			return nil, errors.New("must be a whole number")
		}
		return nil, fmt.Errorf("must have at most %d decimals", decimals)
	}
	r, ok := new(big.Rat).SetString("0" + whole + "." + fraction + "0")
	if !ok {
		return nil, errDecimal
	}
	return r, nil
}

// DecimalString prints a rational exactly as a plain decimal with at least `decimals` decimals, zeros beyond them cut.
// Its denominator may have no prime factors but 2 and 5, as sums and products of decimals do; else the result is
// rounded to 100 decimals.
func DecimalString(r *big.Rat, decimals int) string {
	// A denominator of 2^a · 5^b needs max(a, b) decimals, which is less than the denominator's bits.
	needed := 0
	for power := big.NewInt(1); needed < 100; needed++ {
		if new(big.Int).Rem(power, r.Denom()).Sign() == 0 {
			break
		}
		power.Mul(power, big.NewInt(10))
	}
	return r.FloatString(max(needed, decimals))
}
