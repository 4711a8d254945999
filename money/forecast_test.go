package money

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func dec(t interface{ Fatal(...any) }, s string) *big.Rat {
	r, err := ParseDecimal(s, MaxDecimals)
	if err != nil {
		t.Fatal(s, err)
	}
	return r
}

func TestForecast_Examples(t *testing.T) {
	for name, c := range map[string]struct {
		messages, penetration, delivery, segments, sms, channel, connect string
		billing                                                          Billing
		movable, channelCost, moved, saved, only, cascade                string
		rate                                                             int64
		worth                                                            bool
	}{
		"A1 to A5": {"1000000", "0.5", "0.8", "2", "2.00", "0.36", "0", PerMessageDelivered, "400000", "144000.00",
			"1600000.00", "1456000.00", "4000000.00", "2544000.00", 364_000, true},
		"A6": {"1000000", "0.5", "0.8", "2", "2.00", "0.36", "0", PerMessageSent, "400000", "180000.00",
			"1600000.00", "1420000.00", "4000000.00", "2580000.00", 355_000, true},
		"A7": {"1000000", "0.40", "0.8", "2", "2", "0.36", "0", PerMessageDelivered, "320000", "115200.00",
			"1280000.00", "1164800.00", "4000000.00", "2835200.00", 291_200, true},
		"A7 below": {"1000000", "0.39", "0.8", "2", "2", "0.36", "0", PerMessageDelivered, "312000", "112320.00",
			"1248000.00", "1135680.00", "4000000.00", "2864320.00", 283_920, false},
		"A8": {"10000", "1", "1", "1", "2.00", "0.80", "0", PerMessageSent, "10000", "8000.00", "20000.00",
			"12000.00", "20000.00", "8000.00", 600_000, true},
		"A9": {"10000", "1", "0.98", "1", "2.00", "0.80", "0", PerMessageDelivered, "9800", "7840.00", "19600.00",
			"11760.00", "20000.00", "8240.00", 588_000, true},
		"A10": {"10000", "1", "0.98", "1", "2.00", "0.80", "0", PerMessageSent, "9800", "8000.00", "19600.00",
			"11600.00", "20000.00", "8400.00", 580_000, true},
		"connect": {"3", "0.5", "0.5", "1.5", "2", "0.1", "0.000001", AttemptPlusConnect, "0.75", "0.15000075", "2.25",
			"2.09999925", "9.00", "6.90000075", 233_333, true},
		"loss": {"1", "1", "1", "1", "1", "3", "0", PerMessageSent, "1", "3.00", "1.00", "-2.00", "1.00", "3.00",
			-2_000_000, false},
		"no gain": {"1", "1", "1", "1", "1", "1", "0", PerMessageSent, "1", "1.00", "1.00", "0.00", "1.00", "1.00", 0,
			false},
		"nobody": {"0", "1", "1", "1", "1", "1", "0", PerMessageSent, "0", "0.00", "0.00", "0.00", "0.00", "0.00", -1,
			false},
	} {
		r, err := Forecast{dec(t, c.messages), dec(t, c.penetration), dec(t, c.delivery), dec(t, c.segments),
			dec(t, c.sms), dec(t, c.channel), dec(t, c.connect),
			c.billing, dec(t, DefaultThreshold)}.Forecast()
		if err != nil {
			t.Fatal(name, err)
		}
		got := []string{DecimalString(r.Movable, 0), DecimalString(r.ChannelCost, 2), DecimalString(r.MovedSMSCost, 2),
			DecimalString(r.Saved, 2),
			DecimalString(r.SMSOnlyCost, 2), DecimalString(r.CascadeCost, 2)}
		want := []string{c.movable, c.channelCost, c.moved, c.saved, c.only, c.cascade}
		if strings.Join(got, " ") != strings.Join(want, " ") || r.WorthIt != c.worth {
			t.Errorf("%s: %v %v, want %v %v", name, got, r.WorthIt, want, c.worth)
		}
		if c.messages == "0" {
			if r.SavedRate != nil {
				t.Errorf("%s: a rate of nothing is %v", name, r.SavedRate)
			}
		} else if r.SavedRate.Cmp(big.NewInt(c.rate)) != 0 {
			t.Errorf("%s: rate %v, want %d", name, r.SavedRate, c.rate)
		}
	}
	if _, err := (Forecast{Messages: new(big.Rat), Penetration: new(big.Rat), DeliveryRate: new(big.Rat),
		Billing: Zero}).Forecast(); err == nil {
		t.Error("an unknown billing is accepted")
	}
}

func TestBreakEven_Examples(t *testing.T) {
	for _, c := range []struct {
		channel, sms    string
		segments, ratio int64
	}{
		{"4.50", "2.00", 3, 2_250_000}, {"4", "2", 3, 2_000_000}, {"3.999999", "2", 2, 2_000_000}, {"0", "2", 1, 0},
		{"0.36", "2", 1, 180_000},
		{"80", "21", 4, 3_809_524}, {"1", "3", 1, 333_333}, {"2", "3", 1, 666_667},
		{"1000000000", "0.1", 1e10 + 1, 1e16},
	} {
		segments, ratio := BreakEven(dec(t, c.channel), dec(t, c.sms))
		if segments.Cmp(big.NewInt(c.segments)) != 0 || ratio.Cmp(big.NewInt(c.ratio)) != 0 {
			t.Errorf("%s to %s: %v %v, want %d %d", c.channel, c.sms, segments, ratio, c.segments, c.ratio)
		}
	}
	if segments, ratio := BreakEven(dec(t, "1"), dec(t, "0")); segments != nil || ratio != nil {
		t.Errorf("a free SMS: %v %v", segments, ratio)
	}
}

// The number of segments is what the words say: that many cost more than the channel, one fewer do not.
func TestBreakEven_Law(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channel := big.NewRat(rapid.Int64Range(0, 1e12).Draw(t, "channel"), 1_000_000)
		sms := big.NewRat(rapid.Int64Range(1, 1e12).Draw(t, "sms"), 1_000_000)
		n, _ := BreakEven(channel, sms)
		cost := new(big.Rat).Mul(new(big.Rat).SetInt(n), sms)
		if cost.Cmp(channel) <= 0 || cost.Sub(cost, sms).Cmp(channel) > 0 {
			t.Fatalf("%v segments at %v against %v", n, sms, channel)
		}
	})
}

// Rounding half away from zero, against the definition in words: no other multiple of a millionth is nearer, and of two
// the farther one.
func TestMillionths_Law(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num := big.NewRat(rapid.Int64Range(-1e15, 1e15).Draw(t, "num"),
			rapid.SampledFrom([]int64{1, 2, 3, 1_000_000, 2_000_000}).Draw(t, "by"))
		den := big.NewRat(rapid.SampledFrom([]int64{1, 3, 7, 8, 2_000_000, 1e12}).Draw(t, "den"), 1)
		n := millionths(num, den)
		exact := new(big.Rat).Quo(num, den)
		off := new(big.Rat).Sub(new(big.Rat).SetFrac(n, big.NewInt(1_000_000)), exact)
		switch off.Abs(off).Cmp(big.NewRat(1, 2_000_000)) {
		case 1:
			t.Fatalf("%v ÷ %v: %v is %v off", num, den, n, off)
		case 0:
			if back := new(big.Rat).SetFrac(n, big.NewInt(1_000_000)); back.Abs(back).Cmp(exact.Abs(exact)) < 0 {
				t.Fatalf("%v ÷ %v: half was rounded towards zero", num, den)
			}
		}
	})
}

func TestDecimal_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,14})(\.[0-9]{1,18})?`).Draw(t, "text")
		want := text
		if strings.Contains(want, ".") {
			want = strings.TrimRight(strings.TrimRight(want, "0"), ".")
		}
		if got := DecimalString(dec(t, text), 0); got != want {
			t.Fatalf("%s: %s, want %s", text, got, want)
		}
	})
}

func TestParseDecimal_Errors(t *testing.T) {
	for text, word := range map[string]string{
		"": "plain decimal", ".5": "plain decimal", "5.": "plain decimal", "-1": "plain decimal", "+1": "plain decimal",
		"1e3": "exponent", " 1": "plain decimal", "1,5": "plain decimal",
		"0x1": "plain decimal", "1_000": "plain decimal", "NaN": "plain decimal", "1/2": "plain decimal",
		"1.2.3": "plain decimal", "٣": "plain decimal",
		"1000000000000000": "below 10^15", "0.1234567": "at most 6 decimals",
	} {
		if _, err := ParseDecimal(text, 6); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want %q", text, err, word)
		}
	}
	if _, err := ParseDecimal("1.5", 0); err == nil || !strings.Contains(err.Error(), "whole number") {
		t.Error(err)
	}
	for _, text := range []string{"000000000000000000001.500000000", "1000.000", "0"} {
		if _, err := ParseDecimal(text, 1); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
