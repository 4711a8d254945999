package forecast

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kaskad/query/answer"
	"kaskad/query/querytest"
)

// forecastBody writes the body of a forecast: A5 of the worked examples, with the given members instead or beside; ""
// leaves one out.
func forecastBody(members ...string) string {
	fields := append([]string{"messages", "1000000", "penetration", `"0.5"`, "delivery_rate", `"0.8"`, "sms_segments",
		"2", "sms_price", `"2.00"`,
		"channel_price", `"0.36"`, "billing", `"per_message_delivered"`, "currency", `"RUB"`}, members...)
	value, order := map[string]string{}, []string{}
	for i := 0; i < len(fields); i += 2 {
		if _, known := value[fields[i]]; !known {
			order = append(order, fields[i])
		}
		value[fields[i]] = fields[i+1]
	}
	var parts []string
	for _, k := range order {
		if value[k] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", k, value[k]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// The examples of the seeds, to the kopeck, each with the fields that it speaks of.
func TestForecasts_Savings_Examples(t *testing.T) {
	s := newRoom(nil)
	flash := []string{"messages", "10000", "penetration", "1", "sms_segments", "1", "channel_price", "0.80"}
	for name, c := range map[string]struct {
		members []string
		want    string
	}{
		"A1 to A5": {nil, `{"movable":400000,"channel_cost":"144000.00","moved_sms_cost":"1600000.00","saved":"1456000.00","sms_only_cost":"4000000.00",
			"cascade_cost":"2544000.00","saved_rate":0.364,"worth_it":true}`},
		"A6": {[]string{"billing", `"per_message_sent"`},
			`{"channel_cost":"180000.00","cascade_cost":"2580000.00","saved":"1420000.00","saved_rate":0.355,"worth_it":true}`},
		"A7": {[]string{"penetration", "0.40"},
			`{"movable":320000,"saved":"1164800.00","saved_rate":0.2912,"worth_it":true,"threshold":0.4}`},
		"A7 below the threshold": {[]string{"penetration", "0.39"}, `{"movable":312000,"worth_it":false}`},
		"A7, another threshold": {[]string{"penetration", "0.39", "threshold", `"0.39"`},
			`{"worth_it":true,"threshold":0.39}`},
		"A8": {append(flash, "delivery_rate", "1"),
			`{"saved":"12000.00","saved_rate":0.6,"sms_only_cost":"20000.00","channel_cost":"8000.00"}`},
		"A9": {append(flash, "delivery_rate", "0.98"),
			`{"movable":9800,"cascade_cost":"8240.00","saved":"11760.00"}`},
		"A10": {append(flash, "delivery_rate", "0.98", "billing", `"per_message_sent"`),
			`{"cascade_cost":"8400.00","saved":"11600.00"}`},
		"connect": {[]string{"billing", `"attempt_plus_connect"`, "connect_price", `"0.1"`},
			`{"channel_cost":"220000.00","connect_price":"0.10"}`},
		"a fraction of a message": {[]string{"messages", "1", "penetration", "0.6", "delivery_rate", "0.6"}, `{"movable":0.36,"channel_cost":"0.1296","moved_sms_cost":"1.44",
			"saved":"1.3104","sms_only_cost":"4.00","cascade_cost":"2.6896","saved_rate":0.3276}`},
		"an average of segments": {[]string{"sms_segments", "1.75"},
			`{"moved_sms_cost":"1400000.00","sms_segments":1.75}`},
		"whole with decimals": {[]string{"messages", "1000000.0"}, `{"messages":1000000,"movable":400000}`},
		"a third": {[]string{"messages", "3", "penetration", "1", "delivery_rate", "1", "sms_segments", "1",
			"sms_price", "1", "channel_price", "1", "sms_price", "3"}, `{"saved":"6.00","saved_rate":0.666667}`},
		"nobody": {[]string{"messages", "0"}, `{"movable":0,"saved":"0.00","saved_rate":null,"worth_it":false}`},
		"free SMS": {[]string{"sms_price", "0"},
			`{"saved":"-144000.00","saved_rate":null,"worth_it":false,"cascade_cost":"144000.00"}`},
		"a loss": {[]string{"channel_price", "5"},
			`{"saved":"-400000.00","saved_rate":-0.1,"worth_it":false,"cascade_cost":"4400000.00"}`},
		"inputs": {[]string{"currency", "null"}, `{"messages":1000000,"penetration":0.5,"delivery_rate":0.8,"sms_segments":2,"sms_price":"2.00","channel_price":"0.36",
			"connect_price":null,"billing":"per_message_delivered","threshold":0.4,"currency":null}`},
		"no digit is lost": {[]string{"messages", `"999999999999999"`, "penetration", "0.999999999999999999",
			"delivery_rate", `"0.000000000000000001"`},
			`{"movable":0.000999999999999998999000000000000001,"penetration":0.999999999999999999}`},
	} {
		var got, want map[string]any
		querytest.Decode(t, postJSON(s, "/v1/forecasts/savings", forecastBody(c.members...)), http.StatusOK, &got)
		decoder := json.NewDecoder(strings.NewReader(c.want))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(name, err)
		}
		for field, value := range want {
			if shown, found := got[field]; !found || shown != value {
				t.Errorf("%s: %s is %v, want %v", name, field, shown, value)
			}
		}
		if len(got) != 18 {
			t.Errorf("%s: %d fields: %v", name, len(got), got)
		}
	}
}

// A4: 91 % of what moved is saved, and an SMS costs 11.11 times as much.
func TestForecasts_Savings_OfMoved(t *testing.T) {
	s := newRoom(nil)
	var got struct {
		ChannelCost, MovedSMSCost, Saved string
	}
	var fields map[string]any
	querytest.Decode(t, postJSON(s, "/v1/forecasts/savings", forecastBody()), http.StatusOK, &fields)
	got.ChannelCost, got.MovedSMSCost, got.Saved = fields["channel_cost"].(string), fields["moved_sms_cost"].(string),
		fields["saved"].(string)
	rat := func(text string) *big.Rat {
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		return r
	}
	if share := new(big.Rat).Quo(rat(got.Saved), rat(got.MovedSMSCost)).FloatString(4); share != "0.9100" {
		t.Errorf("saved of moved: %s", share)
	}
	if ratio := new(big.Rat).Quo(rat(got.MovedSMSCost), rat(got.ChannelCost)).FloatString(2); ratio != "11.11" {
		t.Errorf("moved to channel: %s", ratio)
	}
}

// Every figure against rationals that are put together here from the formulas of docs/definitions.md alone.
func TestForecasts_Savings_Law(t *testing.T) {
	s := newRoom(nil)
	rapid.Check(t, func(t *rapid.T) {
		decimalText := func(name string, whole, decimals int) (literal string, exact *big.Rat) {
			text := rapid.StringMatching(fmt.Sprintf(`(0|[1-9][0-9]{0,%d})(\.[0-9]{1,%d})?`, whole-1, decimals)).Draw(t,
				name)
			exact, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatal(text)
			}
			if rapid.Bool().Draw(t, "quoted") {
				return `"` + text + `"`, exact
			}
			return text, exact
		}
		rateText := func(name string) (string, *big.Rat) {
			text := rapid.SampledFrom([]string{"0", "1", "1.000", "0.4", "0.40", "0.39999999", "0.5",
				"0.123456789012345678", "0.98"}).Draw(t, name)
			exact, _ := new(big.Rat).SetString(text)
			return text, exact
		}
		messages := rapid.Int64Range(0, 1e12).Draw(t, "messages")
		n := new(big.Rat).SetInt64(messages)
		penetrationText, penetration := rateText("penetration")
		rateOfText, delivered := rateText("delivery rate")
		thresholdText, threshold := rateText("threshold")
		smsText, smsPrice := decimalText("sms price", 6, 6)
		channelText, channelPrice := decimalText("channel price", 6, 6)
		connectText, connect := decimalText("connect price", 6, 6)
		segments := rapid.Int64Range(1, 255).Draw(t, "segments")
		billing := rapid.SampledFrom([]string{"per_message_delivered", "per_message_sent",
			"attempt_plus_connect"}).Draw(t, "billing")
		members := []string{"messages", fmt.Sprint(messages), "penetration", penetrationText, "delivery_rate",
			rateOfText, "threshold", thresholdText,
			"sms_segments", fmt.Sprint(segments), "sms_price", smsText, "channel_price", channelText, "billing",
			`"` + billing + `"`}
		if billing == "attempt_plus_connect" {
			members = append(members, "connect_price", connectText)
		}
		w := postJSON(s, "/v1/forecasts/savings", forecastBody(members...))
		var got map[string]any
		decoder := json.NewDecoder(strings.NewReader(w.Body.String()))
		decoder.UseNumber()
		if err := decoder.Decode(&got); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		product := func(factors ...*big.Rat) *big.Rat {
			p := big.NewRat(1, 1)
			for _, f := range factors {
				p.Mul(p, f)
			}
			return p
		}
		movable := product(n, penetration, delivered)
		cost := product(movable, channelPrice)
		if billing != "per_message_delivered" {
			cost = product(n, penetration, channelPrice)
		}
		if billing == "attempt_plus_connect" {
			cost.Add(cost, product(movable, connect))
		}
		perMessage := product(new(big.Rat).SetInt64(segments), smsPrice)
		saved := new(big.Rat).Sub(product(movable, perMessage), cost)
		only := product(n, perMessage)
		for field, want := range map[string]*big.Rat{"movable": movable, "channel_cost": cost,
			"moved_sms_cost": product(movable, perMessage), "saved": saved,
			"sms_only_cost": only, "cascade_cost": new(big.Rat).Sub(only, saved)} {
			text := fmt.Sprint(got[field])
			exact, ok := new(big.Rat).SetString(text)
			if !ok || exact.Cmp(want) != 0 {
				t.Fatalf("%s is %s, want %s", field, text, want.FloatString(20))
			}
			_, fraction, _ := strings.Cut(text, ".")
			switch {
			case strings.ContainsAny(text, "eE"), len(fraction) > 2 && strings.HasSuffix(fraction, "0"),
				field != "movable" && len(fraction) < 2, strings.HasPrefix(text, "-0.00") && exact.Sign() == 0:
				t.Fatalf("%s is printed as %s", field, text)
			}
		}
		if only.Sign() == 0 {
			if got["saved_rate"] != nil {
				t.Fatalf("saved_rate is %v of nothing", got["saved_rate"])
			}
		} else {
			shown, ok := new(big.Rat).SetString(fmt.Sprint(got["saved_rate"]))
			// FloatString rounds half away from zero, and prints the sign of what it rounded to nothing.
			want := strings.Replace(new(big.Rat).Quo(saved, only).FloatString(6), "-0.000000", "0.000000", 1)
			if !ok || shown.FloatString(6) != want || !new(big.Rat).Mul(shown, big.NewRat(answer.Million, 1)).IsInt() {
				t.Fatalf("saved_rate is %v, want %s", got["saved_rate"], want)
			}
		}
		if want := penetration.Cmp(threshold) >= 0 && saved.Sign() > 0; got["worth_it"] != want {
			t.Fatalf("worth_it is %v, want %v", got["worth_it"], want)
		}
	})
}

func TestForecasts_Savings_Errors(t *testing.T) {
	s := newRoom(nil)
	for _, c := range []struct {
		members         []string
		parameter, word string
	}{
		{[]string{"messages", ""}, "messages", "is required"},
		{[]string{"messages", "null"}, "messages", "is required"},
		{[]string{"messages", "1.5"}, "messages", "whole number"},
		{[]string{"messages", "-1"}, "messages", "not negative"},
		{[]string{"messages", "1e6"}, "messages", "without exponent"},
		{[]string{"messages", `""`}, "messages", "plain decimal"},
		{[]string{"messages", "true"}, "messages", "string or a number"},
		{[]string{"messages", "1000000000000000"}, "messages", "below 10^15"},
		{[]string{"penetration", "1.000000000000000001"}, "penetration", "must be 0…1"},
		{[]string{"penetration", "40"}, "penetration", "must be 0…1"},
		{[]string{"penetration", `"40 %"`}, "penetration", "plain decimal"},
		{[]string{"delivery_rate", ""}, "delivery_rate", "is required"},
		{[]string{"delivery_rate", "0.1234567890123456789"}, "delivery_rate", "at most 18 decimals"},
		{[]string{"sms_segments", "0"}, "sms_segments", "must be 1…255"},
		{[]string{"sms_segments", "255.1"}, "sms_segments", "must be 1…255"},
		{[]string{"sms_price", "0.0000001"}, "sms_price", "at most 6 decimals"},
		{[]string{"sms_price", "-2"}, "sms_price", "not negative"},
		{[]string{"channel_price", "1000000000.01"}, "channel_price", "must be 0…1000000000"},
		{[]string{"channel_price", `"0,36"`}, "channel_price", "plain decimal"},
		{[]string{"billing", ""}, "billing",
			"must be one of per_message_delivered per_message_sent attempt_plus_connect"},
		{[]string{"billing", `"per_message_delivred"`}, "billing", "did you mean per_message_delivered?"},
		{[]string{"billing", `"per_segment_sent"`}, "billing", "is not known here"},
		{[]string{"billing", `"attempt_plus_connect"`}, "connect_price", "is required"},
		{[]string{"connect_price", "1"}, "connect_price", "leave it out"},
		{[]string{"threshold", "2"}, "threshold", "must be 0…1"},
		{[]string{"currency", `"rub"`}, "currency", "ISO 4217"},
		{[]string{"currency", "643"}, "currency", "must be a string"},
		{[]string{"chanel_price", "1"}, "chanel_price", "did you mean channel_price?"},
	} {
		w := postJSON(s, "/v1/forecasts/savings", forecastBody(c.members...))
		querytest.WantProblem(t, w, http.StatusBadRequest, c.parameter, c.word)
		var p answer.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || len(p.Errors) != 1 {
			t.Errorf("%v: %v %+v", c.members, err, p.Errors)
		}
	}
	// One answer names everything.
	var p answer.Problem
	if err := json.Unmarshal(postJSON(s, "/v1/forecasts/savings", "{}").Body.Bytes(), &p); err != nil ||
		len(p.Errors) != 7 {
		t.Errorf("%v %+v", err, p.Errors)
	}
	querytest.WantProblem(t, postJSON(s, "/v1/forecasts/savings",
		`{"messages":`+strings.Repeat("1", maxForecastBody)+`}`),
		http.StatusRequestEntityTooLarge, "", "KiB")
}

func TestForecasts_BreakEven_Examples(t *testing.T) {
	s := newRoom(nil)
	for query, want := range map[string]string{
		// A11: a dialog of 4.50 is cheaper from 3 segments of 2.00 on.
		"channel_price=4.50&sms_price=2.00&currency=RUB": `{"channel_price":"4.50","sms_price":"2.00","currency":"RUB","segments":3,"ratio":2.25}`,
		// A14: 80 % are about four times 21 %.
		"channel_price=80&sms_price=21": `{"channel_price":"80.00","sms_price":"21.00","currency":null,"segments":4,"ratio":3.809524}`,
		// A8: 2.5 times cheaper.
		"channel_price=2.00&sms_price=0.80": `{"channel_price":"2.00","sms_price":"0.80","currency":null,"segments":3,"ratio":2.5}`,
		// What costs the same is not cheaper.
		"channel_price=4&sms_price=2":                 `{"channel_price":"4.00","sms_price":"2.00","currency":null,"segments":3,"ratio":2}`,
		"channel_price=0&sms_price=2":                 `{"channel_price":"0.00","sms_price":"2.00","currency":null,"segments":1,"ratio":0}`,
		"channel_price=0.36&sms_price=0":              `{"channel_price":"0.36","sms_price":"0.00","currency":null,"segments":null,"ratio":null}`,
		"channel_price=1000000000&sms_price=0.000001": `{"channel_price":"1000000000.00","sms_price":"0.000001","currency":null,"segments":1000000000000001,"ratio":1000000000000000}`,
	} {
		w := querytest.Get(s, "/v1/forecasts/break-even?"+query)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %s, want %s", query, w.Code, got, want)
		}
	}
	for query, c := range map[string][2]string{
		"sms_price=2":                                 {"channel_price", "is required"},
		"channel_price=2":                             {"sms_price", "is required"},
		"channel_price=2&sms_price=x":                 {"sms_price", "plain decimal"},
		"channel_price=2&sms_price=1&sms=1":           {"sms", "is unknown here"},
		"channel_price=2&sms_price=1&tz=UTC":          {"tz", "is unknown here"},
		"channel_price=2&channel_price=2&sms_price=1": {"channel_price", "more than once"},
		"channel_price=2&sms_price=1&currency=XXQ":    {"currency", "ISO 4217"},
	} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/forecasts/break-even?"+query), http.StatusBadRequest, c[0], c[1])
	}
}
