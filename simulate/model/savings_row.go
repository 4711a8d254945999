package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// SavingsRow is a row of the savings report. Fields are those of docs/definitions.md section 4, amounts in micro-units
// of the currency; nil is null.
type SavingsRow struct {
	Keys     []Key
	Currency string

	Messages, Reached, Read, Unpriced, Estimated, PricedMessages, PricedReached, PricedRead, SMSSegments,
	ReportedAttempts int64

	SMSOnlyCost, ActualCost, Saved, SavedUnreached, DoublePaid, DoublePaidUnread, WastedCost, ReportedCost,
	Drift *big.Int

	SavedReached, CostPerReached, CostPerRead, MinimumTopUp, SavedAfterMinimum *big.Int

	ByChannel       []ChannelCost
	UnpricedReasons []UnpricedReason

	Mature bool
}

// ChannelCost is what the attempts on a channel took.
type ChannelCost struct {
	Channel         string
	Attempts, Units int64
	Cost            *big.Int
}

// UnpricedReason tells why messages have no price, and on which channel where that is one step's fault.
type UnpricedReason struct {
	Reason   string `json:"reason"`
	Channel  string `json:"channel"`
	Messages int64  `json:"messages"`
}

// MarshalJSON writes the keys, then the fields of testdata/examples/savings.json and, after them, those that the
// example lacks. With sms_segments among the keys the sum of that name is left out.
func (r SavingsRow) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	var failure error
	field := func(name string, value any) {
		encoded, isJSON := value.(json.RawMessage)
		if !isJSON {
			text, err := json.Marshal(value)
			if s, isText := value.(string); isText {
				text, err = jsonText(s)
			}
			if err != nil {
				failure = fmt.Errorf("encode %s: %w", name, err)
			}
			encoded = text
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%q:%s", name, encoded)
	}
	out.WriteByte('{')
	segmentsAreKey := false
	for _, key := range r.Keys {
		segmentsAreKey = segmentsAreKey || key.Name == "sms_segments"
		if key.Numeric {
			field(key.Name, key.Number)
		} else {
			field(key.Name, key.Text)
		}
	}
	byChannel := []string{}
	for _, c := range r.ByChannel {
		byChannel = append(byChannel, fmt.Sprintf(`{"channel":%q,"attempts":%d,"units":%d,"cost":%s}`, c.Channel,
			c.Attempts, c.Units, WriteMoney(c.Cost)))
	}
	field("currency", r.Currency)
	field("messages", r.Messages)
	field("reached", r.Reached)
	field("read", r.Read)
	field("wasted_cost", WriteMoney(r.WastedCost))
	field("unpriced", r.Unpriced)
	field("estimated", r.Estimated)
	if !segmentsAreKey {
		field("sms_segments", r.SMSSegments)
	}
	field("sms_only_cost", WriteMoney(r.SMSOnlyCost))
	field("actual_cost", WriteMoney(r.ActualCost))
	field("double_paid", WriteMoney(r.DoublePaid))
	field("double_paid_unread", WriteMoney(r.DoublePaidUnread))
	field("saved_unreached", WriteMoney(r.SavedUnreached))
	field("by_channel", json.RawMessage("["+strings.Join(byChannel, ",")+"]"))
	field("saved", WriteMoney(r.Saved))
	field("saved_reached", WriteMoney(r.SavedReached))
	field("cost_per_reached", WriteMoney(r.CostPerReached))
	field("cost_per_read", WriteMoney(r.CostPerRead))
	field("saved_rate", r.savedRate())
	field("reported_cost", WriteMoney(r.ReportedCost))
	field("drift", WriteMoney(r.Drift))
	field("unpriced_reasons", append([]UnpricedReason{}, r.UnpricedReasons...))
	field("minimum_top_up", WriteMoney(r.MinimumTopUp))
	field("saved_after_minimum", WriteMoney(r.SavedAfterMinimum))
	field("priced_messages", r.PricedMessages)
	field("priced_reached", r.PricedReached)
	field("priced_read", r.PricedRead)
	field("reported_attempts", r.ReportedAttempts)
	field("mature", r.Mature)
	out.WriteByte('}')
	return out.Bytes(), failure
}

// CompareSavings is Compare for savings reports: every field must be equal, money as it is printed.
func CompareSavings(want []SavingsRow, got json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.UseNumber()
	var rows []map[string]any
	if err := decoder.Decode(&rows); err != nil {
		return fmt.Errorf("decode rows: %w", err)
	}
	expected := make([]map[string]any, len(want))
	for i, row := range want {
		encoded, err := row.MarshalJSON()
		if err != nil {
			return err
		}
		if expected[i], err = decodeRow(encoded); err != nil {
			return err
		}
	}
	return compareRows(expected, rows, func(i int) string { return fmt.Sprint(want[i].Keys, want[i].Currency) })
}

// WriteMoney encodes micro-units as a decimal with at least 2 decimals, trailing zeros beyond them cut; nil as null.
func WriteMoney(micros *big.Int) json.RawMessage {
	if micros == nil {
		return json.RawMessage("null")
	}
	sign := ""
	if micros.Sign() < 0 {
		sign = "-"
	}
	digits := new(big.Int).Abs(micros).String()
	for len(digits) < 7 {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-6], digits[len(digits)-6:]
	for len(fraction) > 2 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	return json.RawMessage(`"` + sign + whole + "." + fraction + `"`)
}

// perUnit returns amount ÷ n in micro-units, rounded half away from zero, nil when n is 0.
func perUnit(amount *big.Int, n int64) *big.Int {
	if n == 0 {
		return nil
	}
	return divide(amount, big.NewInt(n))
}

// savedRate encodes saved ÷ sms_only_cost, rounded half away from zero to 6 decimals, null when that was nothing.
func (r SavingsRow) savedRate() json.RawMessage {
	if r.SMSOnlyCost == nil || r.SMSOnlyCost.Sign() == 0 {
		return json.RawMessage("null")
	}
	millionths := divide(new(big.Int).Mul(r.Saved, big.NewInt(1_000_000)), r.SMSOnlyCost)
	return json.RawMessage(bytes.Trim(WriteMoney(millionths), `"`))
}

// divide returns a ÷ b, b > 0, rounded half away from zero.
func divide(a, b *big.Int) *big.Int {
	twice := new(big.Int).Abs(a)
	twice.Mul(twice, big.NewInt(2)).Add(twice, b)
	quotient := twice.Quo(twice, new(big.Int).Mul(b, big.NewInt(2)))
	if a.Sign() < 0 {
		quotient.Neg(quotient)
	}
	return quotient
}
