package query

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/forecast"
	"kaskad/query/numbers"
	"kaskad/query/querytest"
	"kaskad/query/report"
	"kaskad/query/rollup"
	"kaskad/query/savings"
	"kaskad/schema"
	"kaskad/schema/rules"
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

func names(columns []answer.Column) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// outputs are the fields of an answer that are not among its inputs.
func outputs(t *testing.T, body []byte, inputs []string) []string {
	t.Helper()
	var reply map[string]any
	if err := json.Unmarshal(body, &reply); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var names []string
	for name := range reply {
		if !slices.Contains(inputs, name) {
			names = append(names, name)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// Every figure about money that some answer has is defined, and no other.
func TestReadRules_Money_Complete(t *testing.T) {
	r, err := readDefinitions()
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, noConn{})
	figures := querytest.PostJSON(handler(s), "/v1/forecasts/savings",
		`{"messages":1,"penetration":1,"delivery_rate":1,"sms_segments":1,"sms_price":1,"channel_price":1,"billing":"per_message_sent"}`)
	breakEven := get(s, "/v1/forecasts/break-even?channel_price=1&sms_price=1")
	if figures.Code != http.StatusOK || breakEven.Code != http.StatusOK {
		t.Fatalf("%s %s", figures.Body, breakEven.Body)
	}
	inputs := forecast.Inputs()
	for name, c := range map[string]struct{ defined, shown []string }{
		"savings":    {figureNames(t, r.Money.Savings), names(savings.Columns(nil, answer.FormatJSON, nil))},
		"forecast":   {figureNames(t, r.Money.Forecast), outputs(t, figures.Body.Bytes(), inputs)},
		"break_even": {figureNames(t, r.Money.BreakEven), outputs(t, breakEven.Body.Bytes(), inputs)},
	} {
		if want := slices.Sorted(slices.Values(c.shown)); !slices.Equal(c.defined, want) {
			t.Errorf("%s: defined are %v\nshown are %v", name, c.defined, want)
		}
	}
	for name := range r.Money.SavingsKeys {
		if _, found := savings.Keys.Find(name); !found {
			t.Errorf("savings_keys: %s is no name", name)
		}
	}
	for _, k := range savings.Keys {
		_, general := r.Keys[k.Name]
		_, own := r.Money.SavingsKeys[k.Name]
		if _, dimension := rollup.ChannelKeys.Find(k.Name); !general && !own && !dimension {
			t.Errorf("savings_keys: %s is not defined", k.Name)
		}
	}
	if !slices.Equal(r.Money.GroupBy["savings"], savings.Keys.Names()) {
		t.Errorf("group_by: %v", r.Money.GroupBy)
	}
}

// Every figure about numbers and people that some answer has is defined, and no other; so is every class.
func TestReadRules_Numbers_Complete(t *testing.T) {
	r, err := readDefinitions()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ defined, shown []string }{
		"fields":       {figureNames(t, r.Numbers.Fields), names(numbers.Columns)},
		"best_channel": {figureNames(t, r.Numbers.BestChannel), names(numbers.BestChannelColumns)},
		"audience":     {figureNames(t, r.Numbers.Audience), names(numbers.AudienceColumns)},
	} {
		if want := slices.Sorted(slices.Values(c.shown)); !slices.Equal(c.defined, want) {
			t.Errorf("%s: defined are %v\nshown are %v", name, c.defined, want)
		}
	}
	if len(r.Numbers.Classes) < 20 || len(r.Numbers.States) != 6 || r.Numbers.Defaults != rules.Default {
		t.Errorf("classes %v, states %v, defaults %+v", r.Numbers.Classes, r.Numbers.States, r.Numbers.Defaults)
	}
	for _, text := range []string{r.Numbers.Evidence, r.Numbers.Failure, r.Numbers.Success, r.Numbers.Mailing,
		r.Numbers.Class, r.Numbers.Streak, r.Numbers.Changes,
		r.Numbers.OptOuts, r.Numbers.Lost, r.Numbers.SelectionBias} {
		if text == "" {
			t.Error("a definition is missing")
		}
	}
}

// The figures of every report are defined, in its section and beside the section's own members, and so are its names.
func TestServer_Definitions_Reports(t *testing.T) {
	r, err := readDefinitions()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Metrics []struct{ Fields []string }
		Money   map[string]json.RawMessage
		Numbers map[string]json.RawMessage
		Curves  map[string]json.RawMessage
	}
	if err := json.Unmarshal(printed, &shown); err != nil {
		t.Fatal(err)
	}
	for _, of := range append(report.All(), report.Compare) {
		var fields []string
		section := shown.Money
		switch of.Section {
		case rollup.Metrics:
			for _, m := range shown.Metrics {
				fields = append(fields, m.Fields...)
			}
		case rollup.Numbers:
			section = shown.Numbers
		case rollup.Curves:
			section = shown.Curves
		}
		if name := strings.ReplaceAll(of.Name, "-", "_"); of.Section != rollup.Metrics {
			var figures []figure
			var groupBy map[string][]string
			if err := errors.Join(json.Unmarshal(section[name], &figures),
				json.Unmarshal(section["group_by"], &groupBy)); err != nil {
				t.Fatalf("%s: %v", of.Name, err)
			}
			figureNames(t, figures)
			for _, f := range figures {
				fields = append(fields, f.Name)
			}
			if !slices.Equal(groupBy[name], of.Keys.Names()) {
				t.Errorf("%s: group_by %v, want %v", of.Name, groupBy[name], of.Keys.Names())
			}
		}
		if !slices.Equal(fields, of.Columns()) {
			t.Errorf("%s: defined are %v\nshown are %v", of.Name, fields, of.Columns())
		}
	}
}

// What is said of each billing model is what the validation of tariffs allows.
func TestReadRules_Billings_Allowed(t *testing.T) {
	r, err := readDefinitions()
	if err != nil {
		t.Fatal(err)
	}
	var names []money.Billing
	for _, b := range r.Money.Billings {
		names = append(names, b.Name)
		if b.Units == "" || b.Cost == "" {
			t.Errorf("%s lacks something: %+v", b.Name, b)
		}
		for _, channel := range schema.Channels.Names() {
			said := slices.Contains(strings.Fields(b.Channels), channel)
			switch b.Channels {
			case "all":
				said = true
			case "all but sms":
				said = channel != "sms"
			}
			row := money.Tariff{Channel: channel, Provider: money.Any, Operator: money.Any, Country: money.Any,
				Traffic: money.Any, Sender: money.Any, App: money.Any,
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
