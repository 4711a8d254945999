package query

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kaskad/money"
	"kaskad/schema"
)

func figureNames(t *testing.T, figures []figure) []string {
	t.Helper()
	names := make([]string, len(figures))
	for i, f := range figures {
		if f.Formula == "" || f.Null == "" {
			t.Errorf("%s lacks something: %+v", f.Name, f)
		}
		names[i] = f.Name
	}
	return slices.Sorted(slices.Values(names))
}

// outputs are the fields of an answer that are not among its inputs.
func outputs(t *testing.T, body []byte, inputs []string) []string {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var names []string
	for name := range answer {
		if !slices.Contains(inputs, name) {
			names = append(names, name)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// Every figure about money that some answer has is defined, and no other.
func TestReadRules_Money_Complete(t *testing.T) {
	r, err := readRules()
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, noConn{})
	forecast := postJSON(s, "/v1/forecasts/savings", `{"messages":1,"penetration":1,"delivery_rate":1,"sms_segments":1,"sms_price":1,"channel_price":1,"billing":"per_message_sent"}`)
	breakEven := get(s, "/v1/forecasts/break-even?channel_price=1&sms_price=1")
	if forecast.Code != http.StatusOK || breakEven.Code != http.StatusOK {
		t.Fatalf("%s %s", forecast.Body, breakEven.Body)
	}
	var inputs []string
	for _, f := range forecastFields {
		inputs = append(inputs, f.name)
	}
	for name, c := range map[string]struct{ defined, shown []string }{
		"savings":       {figureNames(t, r.Money.Savings), savingsColumns(nil, formatJSON, nil)},
		"segment_waste": {figureNames(t, r.Money.SegmentWaste), wasteColumns},
		"forecast":      {figureNames(t, r.Money.Forecast), outputs(t, forecast.Body.Bytes(), inputs)},
		"break_even":    {figureNames(t, r.Money.BreakEven), outputs(t, breakEven.Body.Bytes(), inputs)},
	} {
		if want := slices.Sorted(slices.Values(c.shown)); !slices.Equal(c.defined, want) {
			t.Errorf("%s: defined are %v\nshown are %v", name, c.defined, want)
		}
	}
	for name := range r.Money.SavingsKeys {
		if _, found := savingsKeys.find(name); !found {
			t.Errorf("savings_keys: %s is no name", name)
		}
	}
	for _, k := range savingsKeys {
		_, general := r.Keys[k.name]
		_, own := r.Money.SavingsKeys[k.name]
		if _, dimension := channelKeys.find(k.name); !general && !own && !dimension {
			t.Errorf("savings_keys: %s is not defined", k.name)
		}
	}
	if !slices.Equal(r.Money.GroupBy["savings"], savingsKeys.names()) || !slices.Equal(r.Money.GroupBy["segment_waste"], wasteKeys.names()) {
		t.Errorf("group_by: %v", r.Money.GroupBy)
	}
}

// What is said of each billing model is what the validation of tariffs allows.
func TestReadRules_Billings_Allowed(t *testing.T) {
	r, err := readRules()
	if err != nil {
		t.Fatal(err)
	}
	var names []money.Billing
	for _, b := range r.Money.Billings {
		names = append(names, b.Name)
		if b.Units == "" || b.Cost == "" {
			t.Errorf("%s lacks something: %+v", b.Name, b)
		}
		for _, channel := range schema.Channels {
			said := slices.Contains(strings.Fields(b.Channels), channel)
			switch b.Channels {
			case "all":
				said = true
			case "all but sms":
				said = channel != "sms"
			}
			row := money.Tariff{Channel: channel, Provider: money.Any, Operator: money.Any, Country: money.Any, Traffic: money.Any, Sender: money.Any, App: money.Any,
				ToMS: schema.Never, Currency: "RUB", Billing: b.Name}
			if err := money.ValidateTariffs([]money.Tariff{row}); said != (err == nil) {
				t.Errorf("%s for %s: said %v, and validation says %v", b.Name, channel, said, err)
			}
		}
	}
	if !slices.Equal(names, money.Billings) {
		t.Errorf("defined are %v, known %v", names, money.Billings)
	}
}
