package money

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

func TestParseTariffsJSON_FieldRules(t *testing.T) {
	type fields = map[string]string
	long := `"` + strings.Repeat("ж", 129) + `"`
	for _, c := range []struct {
		name   string
		fields fields
		field  string // "" when the row is good
		reason string
	}{
		{"good", nil, "", ""},
		{"channel missing", fields{"channel": ""}, "channel", "required"},
		{"channel null", fields{"channel": "null"}, "channel", "required"},
		{"channel empty", fields{"channel": `""`}, "channel", "one of sms push"},
		{"channel any", fields{"channel": `"*"`}, "channel", "one of sms push"},
		{"channel unknown", fields{"channel": `"Sms"`}, "channel", "one of sms push"},
		{"channel number", fields{"channel": `1`}, "channel", "text in quotes"},
		{"keys", fields{"provider": `"mts"`, "operator": `"250-01"`, "country": `"RU"`, "traffic": `"otp"`,
			"sender": `"Shop 24"`, "app": `"a"`}, "", ""},
		{"provider empty", fields{"provider": `""`}, "provider", `write "*"`},
		{"operator number", fields{"operator": `25001`}, "operator", "text in quotes"},
		{"sender object", fields{"sender": `{"a":[1,{}]}`}, "sender", "text in quotes"},
		{"app list", fields{"app": `[["a"]]`}, "app", "text in quotes"},
		{"app long", fields{"app": long}, "app", "256 bytes"},
		{"sender with a line break", fields{"sender": `"a\nb"`}, "sender", "control"},
		{"country small", fields{"country": `"ru"`}, "country", "two capitals"},
		{"country of three", fields{"country": `"RUS"`}, "country", "two capitals"},
		{"country unassigned", fields{"country": `"XX"`}, "country", "two capitals"},
		{"country of a union", fields{"country": `"EU"`}, "country", "two capitals"},
		{"country by custom", fields{"country": `"UK"`}, "country", "must be GB"},
		{"traffic unknown", fields{"traffic": `"sms"`}, "traffic", "otp transactional service promo"},
		{"currency missing", fields{"currency": ""}, "currency", "required"},
		{"currency no code", fields{"currency": `"XYZ"`}, "currency", "ISO 4217"},
		{"currency of old", fields{"currency": `"RUR"`}, "currency", "write RUB"},
		{"currency before a denomination", fields{"currency": `"BYR"`}, "currency", "write BYN"},
		{"currency small", fields{"currency": `"rub"`}, "currency", "ISO 4217"},
		{"billing missing", fields{"billing": ""}, "billing", "required"},
		{"billing unknown", fields{"billing": `"per_push"`}, "billing", "per_segment_sent"},
		{"price missing", fields{"price": ""}, "price", "required"},
		{"price null", fields{"price": "null"}, "price", "required"},
		{"price number", fields{"price": "0.36"}, "", ""},
		{"price with exponent", fields{"price": "36e-2"}, "price", "exponent"},
		{"price negative", fields{"price": "-0.36"}, "price", "negative"},
		{"price with 7 decimals", fields{"price": "0.3600000"}, "price", "6 decimals"},
		{"price with a comma", fields{"price": `"0,36"`}, "price", "comma"},
		{"price too high", fields{"price": "1000000001"}, "price", "at most 1000000000"},
		{"price not a number", fields{"price": `"NaN"`}, "price", "plain decimal"},
		{"price empty", fields{"price": `""`}, "price", "plain decimal"},
		{"price true", fields{"price": `true`}, "price", "decimal"},
		{"zero without price", fields{"billing": `"zero"`, "price": ""}, "", ""},
		{"zero with price 0", fields{"billing": `"zero"`, "price": `"0.000"`}, "", ""},
		{"zero with a price", fields{"billing": `"zero"`}, "price", "billing zero"},
		{"connect price", fields{"billing": `"attempt_plus_connect"`, "connect_price": `"0.7"`}, "", ""},
		{"connect price of 0", fields{"billing": `"attempt_plus_connect"`, "connect_price": `0`}, "", ""},
		{"connect price missing", fields{"billing": `"attempt_plus_connect"`}, "connect_price", "required"},
		{"connect price of another", fields{"connect_price": `"0"`}, "connect_price", "only for attempt_plus_connect"},
		{"connect price negative", fields{"billing": `"attempt_plus_connect"`, "connect_price": `"-1"`},
			"connect_price", "negative"},
		{"minimum", fields{"monthly_minimum": `"30000"`}, "", ""},
		{"minimum negative", fields{"monthly_minimum": `-1`}, "monthly_minimum", "negative"},
		{"sms per attempt", fields{"channel": `"sms"`, "billing": `"attempt_plus_connect"`, "connect_price": `"1"`},
			"billing", "of sms must be"},
		{"sms refunded", fields{"channel": `"sms"`, "billing": `"per_message_refunded"`}, "billing", "of sms must be"},
		{"sms by conversation", fields{"channel": `"sms"`, "billing": `"per_conversation_24h"`}, "billing",
			"of sms must be"},
		{"sms delivered", fields{"channel": `"sms"`, "billing": `"per_message_delivered"`}, "", ""},
		{"push by conversation", fields{"billing": `"per_conversation_24h"`}, "billing", "only for viber whatsapp rcs"},
		{"telegram outside window", fields{"channel": `"telegram"`, "billing": `"per_message_outside_window"`},
			"billing", "only for viber whatsapp rcs"},
		{"viber by conversation", fields{"channel": `"viber"`, "billing": `"per_conversation_24h"`}, "", ""},
		{"rcs outside window", fields{"channel": `"rcs"`, "billing": `"per_message_outside_window"`}, "", ""},
		{"rcs by segment", fields{"channel": `"rcs"`, "billing": `"per_segment_delivered"`}, "", ""},
		{"from missing", fields{"valid_from": ""}, "valid_from", "required"},
		{"from null", fields{"valid_from": "null"}, "valid_from", "required"},
		{"from a date", fields{"valid_from": `"2026-01-01"`}, "valid_from", "with its zone"},
		{"from without a zone", fields{"valid_from": `"2026-01-01T00:00:00"`}, "valid_from", "with its zone"},
		{"from Unix time", fields{"valid_from": `1767225600`}, "valid_from", "text in quotes"},
		{"from off the quarter hour", fields{"valid_from": `"2026-01-01T00:10:00Z"`}, "valid_from", "quarter hour"},
		{"from off by a millisecond", fields{"valid_from": `"2026-01-01T00:15:00.001Z"`}, "valid_from", "quarter hour"},
		{"from in Nepal", fields{"valid_from": `"2026-01-01T00:00:00+05:45"`}, "", ""},
		{"from before 1970", fields{"valid_from": `"1969-12-31T23:45:00Z"`}, "valid_from", "1970"},
		{"to null", fields{"valid_to": "null"}, "", ""},
		{"to empty", fields{"valid_to": `""`}, "valid_to", "with its zone"},
		{"to off the quarter hour", fields{"valid_to": `"2026-01-31T23:59:59Z"`}, "valid_to", "quarter hour"},
		{"to equal to from", fields{"valid_to": `"2026-01-01T00:00:00Z"`}, "valid_to", "later than valid_from"},
		{"to before from", fields{"valid_to": `"2025-01-01T00:00:00Z"`}, "valid_to", "later than valid_from"},
		{"to never", fields{"valid_to": `"9999-12-31T00:00:00Z"`}, "valid_to", "leave valid_to out"},
		{"unknown field", fields{"prize": `"1"`}, "prize", "unknown; the fields are channel provider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseTariffsJSON([]byte("{\"tariffs\":[\n" + tariffWith(c.fields) + "]}"))
			wantProblem(t, err, c.field, c.reason)
		})
	}
}

// wantProblem wants exactly one problem, of row 1 on line 2, or none when the field is "".
func wantProblem(t *testing.T, err error, field, reason string) {
	t.Helper()
	var rows listfile.RowErrors
	if field == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	if !errors.As(err, &rows) || len(rows) != 1 {
		t.Fatalf("got %v, want one problem of %s", err, field)
	}
	if r := rows[0]; r.Row != 1 || r.Line != 2 || r.Field != field || !strings.Contains(r.Reason, reason) {
		t.Errorf("got %+v, want row 1, line 2, field %s, a reason with %q", r, field, reason)
	}
}

func TestParseTariffs_ListsAllProblemsWithTheirPlaces(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func([]byte) ([]Tariff, error)
		body  string
		want  []string
	}{
		{"JSON", ParseTariffsJSON, "\ufeff{\n \"tariffs\": [\n  {\"channel\": \"fax\",\n   \"currency\": \"RUB\", " +
			"\"currency\": \"USD\",\n   \"billing\": \"zero\", \"valid_from\": \"2026-01-01T00:00:00Z\"},\n  7,\n" +
			"  {\"channel\": \"push\", \"currency\": \"RUB\", \"billing\": \"zero\", \"valid_from\": " +
			"\"2026-01-01T00:00:00Z\", \"price\": 1}\n]}",
			[]string{"row 1 (line 3): channel: must be one of", "row 1 (line 4): currency: is there twice",
				"row 2 (line 6): must be an object", "row 3 (line 7): price: must be"}},
		{"YAML", ParseTariffsYAML, "# prices\ntariffs:\n- channel: fax\n  currency: RUB\n  currency: USD\n  billing: " +
			"zero\n  valid_from: 2026-01-01T00:00:00Z\n- 7\n" +
			"- {channel: push, currency: RUB, billing: zero, valid_from: 2026-01-01T00:00:00Z,\n   price: 1, " +
			"valid_to: !!binary aGk=}\n",
			[]string{"row 1 (line 3): channel: must be one of", "row 1 (line 5): currency: is there twice",
				"row 2 (line 8): must be fields", "row 3 (line 10): price: must be",
				"row 3 (line 10): valid_to: must be text"}},
		{"CSV", ParseTariffsCSV, "\ufeffchannel;currency;billing;price;valid_from\r\nfax;RUB;zero;;2026-01-01T00:00:00Z\r\npush;RUB;per_message_sent;0,36;2026-01-01T00:00:00Z\r\n;;;;\r\npush;RUB\r\nvk;\"R\nUB\";zero;1;2026-01-01T00:00:00Z\r\n",
			[]string{"row 1 (line 2): channel: must be one of",
				"row 2 (line 3): price: must have a decimal point, not a comma",
				"row 3 (line 5): has 2 cells where the header has 5",
				"row 4 (line 6): currency: must be an ISO", "row 4 (line 7): price: must be"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.parse([]byte(c.body))
			var rows listfile.RowErrors
			if !errors.As(err, &rows) {
				t.Fatalf("got %v", err)
			}
			slices.SortFunc(rows, func(a, b listfile.RowError) int { return strings.Compare(a.Error(), b.Error()) })
			if len(rows) != len(c.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(rows), len(c.want), err)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(rows[i].Error(), want) {
					t.Errorf("problem %d: %s\nwant %s", i+1, rows[i], want)
				}
			}
		})
	}
}

func TestParseTariffs_RefusesWhatIsNoList(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func([]byte) ([]Tariff, error)
		body  string
		want  string
	}{
		{"JSON empty", ParseTariffsJSON, "", "line 1: is not JSON"},
		{"JSON broken", ParseTariffsJSON, "{\"tariffs\":[\n{\"channel\" \"sms\"}]}", "line 2: is not JSON"},
		{"JSON more", ParseTariffsJSON, `{"tariffs":[]} {}`, "line 1: is not JSON"},
		{"JSON list", ParseTariffsJSON, `[]`, `line 1: must be an object {"tariffs"`},
		{"JSON without rows", ParseTariffsJSON, `{}`, "line 1: tariffs: is required"},
		{"JSON null", ParseTariffsJSON, `{"tariffs":null}`, "line 1: tariffs: must be a list"},
		{"JSON object", ParseTariffsJSON, `{"tariffs":{"a":[1]}}`, "line 1: tariffs: must be a list"},
		{"JSON twice", ParseTariffsJSON, "{\"tariffs\":[],\n\"tariffs\":[]}", "line 2: tariffs: is there twice"},
		{"JSON other field", ParseTariffsJSON, `{"tariff":[{}],"tariffs":[]}`, "line 1: tariff: is unknown"},
		{"JSON not UTF-8", ParseTariffsJSON, "{\n\"tariffs\xff\":[]}", "line 2: is not UTF-8"},
		{"YAML empty", ParseTariffsYAML, "# nothing\n", "line 1: tariffs: is required"},
		{"YAML list", ParseTariffsYAML, "- channel: sms\n", "line 1: tariffs: is required"},
		{"YAML other", ParseTariffsYAML, "tariff: []\ntariffs: []\n", "line 1: tariff: is unknown"},
		{"YAML text", ParseTariffsYAML, "tariffs: all\n", "line 1: tariffs: must be a list"},
		{"YAML twice", ParseTariffsYAML, "tariffs: []\ntariffs: []\n", "line 2: tariffs: is there twice"},
		{"YAML broken", ParseTariffsYAML, "tariffs:\n  - channel: [\n", "is not YAML"},
		{"YAML documents", ParseTariffsYAML, "tariffs: []\n---\ntariffs: []\n", "line 2: is a second document"},
		{"CSV empty", ParseTariffsCSV, "\n\n", "line 1: is empty"},
		{"CSV without a column", ParseTariffsCSV, "channel,valid_from,currency\n",
			"line 1: billing: is missing in the header"},
		{"CSV unknown column", ParseTariffsCSV, "channel,valid_from,currency,billing,cost\n",
			"line 1: cost: is unknown in the header"},
		{"CSV column twice", ParseTariffsCSV, "channel,valid_from,currency,billing,billing\n",
			"line 1: billing: is twice in the header"},
		{"CSV broken", ParseTariffsCSV, "channel,valid_from,currency,billing\nsms,\"a\n", "line 2: is not CSV"},
		{"CSV of a code page", ParseTariffsCSV,
			"channel,sender,valid_from,currency,billing\nsms,\xcc\xe0\xe3,2026-01-01T00:00:00Z,RUB,zero\n",
			"line 2: is not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := c.parse([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %q", rows, err, c.want)
			}
		})
	}
	for _, form := range tariffForms {
		body, err := form.write(nil)
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := form.parse(body); err != nil || rows == nil || len(rows) != 0 {
			t.Errorf("%s: an empty list reads as %#v, %v", form.name, rows, err)
		}
	}
}

func TestParseTariffsYAML_TakesTextAsWritten(t *testing.T) {
	rows, err := ParseTariffsYAML([]byte(`
tariffs:
  - channel: &c sms
    sender: 0123
    country: NO
    operator: 250_01
    app: ~
    provider: yes
    valid_from: 2026-01-01T00:00:00Z
    valid_to:
    currency: RUB
    billing: per_message_sent
    price: 2.10
  - channel: *c
    valid_from: 2026-01-01T00:00:00Z
    currency: RUB
    billing: per_message_sent
    price: 3
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Tariff{Channel: "sms", Sender: "0123", Country: "NO", Operator: "250_01", App: Any, Provider: "yes",
		Traffic: Any, FromMS: at("2026-01-01T00:00:00Z"),
		ToMS: schema.Never, Currency: "RUB", Billing: PerMessageSent, Price: 2_100_000}
	if rows[0] != want || rows[1].Channel != "sms" || rows[1].Price != 3_000_000 {
		t.Errorf("got %+v", rows)
	}
	for _, price := range []string{"010", "0x10", "1_000", "2.", "1:30", ".inf", "1e2"} {
		if _, err := ParseTariffsYAML([]byte("tariffs: [{channel: push, valid_from: 2026-01-01T00:00:00Z, currency: " +
			"RUB, billing: per_message_sent, price: " + price + "}]")); err == nil {
			t.Errorf("price %s: not refused", price)
		}
	}
}

// Whatever a parser accepts is valid by the other way in, and reads the same when it is written again.
func FuzzParseTariffs(f *testing.F) {
	good := []Tariff{{Channel: "sms", Provider: "mts", Operator: Any, Country: "RU", Traffic: "otp", Sender: "x",
		App: Any, ToMS: schema.Never, Currency: "RUB", Billing: PerMessageSent, Price: 1}}
	for i, form := range tariffForms {
		body, err := form.write(good)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), body)
		f.Add(uint8(i), body[:len(body)/2])
	}
	f.Add(uint8(0), []byte(`{"tariffs":[{"channel":{"a":[{}]},"price":1e9}],"x":[[1]]}`))
	f.Add(uint8(1), []byte("a: &a [*a]\ntariffs: *a\n"))
	f.Add(uint8(1), []byte("tariffs:\n- &r {channel: sms}\n- *r\n- <<: *r\n- ? [a]\n  : b\n"))
	f.Add(uint8(2), []byte("channel;valid_from;currency;billing\n\"a\"\"\n"))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		form := tariffForms[int(which)%len(tariffForms)]
		rows, err := form.parse(body)
		if err != nil {
			var wrong listfile.RowErrors
			if !errors.As(err, &wrong) || len(wrong) == 0 || len(wrong) > listfile.MaxRowErrors {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if err := ValidateTariffs(rows); err != nil {
			t.Fatalf("parsed, but %v", err)
		}
		for _, other := range tariffForms {
			again, err := other.write(rows)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := other.parse(again); err != nil || !slices.Equal(got, rows) {
				t.Fatalf("%s reads as %+v, %v; want %+v", again, got, err, rows)
			}
		}
	})
}
