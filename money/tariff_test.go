package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

// tariffForms are the forms of a list, each with what reads and writes it.
var tariffForms = []struct {
	name  string
	parse func([]byte) ([]Tariff, error)
	write func([]Tariff) ([]byte, error)
}{{"JSON", ParseTariffsJSON, TariffsJSON}, {"YAML", ParseTariffsYAML, TariffsYAML},
	{"CSV", ParseTariffsCSV, TariffsCSV}}

func at(s string) int64 {
	ms, _ := schema.ParseTime([]byte(s))
	return ms
}

// validKey draws a key of a tariff, mostly of few values, so that rows meet.
func validKey(values ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 19).Draw(t, "odd") == 0 && len(values) == 0 {
			return rapid.StringN(1, 40, schema.MaxTextBytes).Filter(func(s string) bool {
				bad := false
				listfile.CheckText("", s, func(string, string) { bad = true })
				return !bad
			}).Draw(t, "text")
		}
		if len(values) == 0 {
			values = []string{"mts", "0123", "250-01", "null", "~", " a", "no", "1e3", "'", `"`, "a,b;c", "#x",
				"2026-01-01"}
		}
		return rapid.SampledFrom(append([]string{Any, Any}, values...)).Draw(t, "key")
	})
}

// anyTariff draws a row that is right by itself.
func anyTariff() *rapid.Generator[Tariff] {
	return rapid.Custom(func(t *rapid.T) Tariff {
		price := rapid.OneOf(rapid.Int64Range(0, MaxPrice), rapid.Int64Range(0, 5_000_000))
		row := Tariff{
			Channel:  rapid.SampledFrom(schema.Channels.Names()).Draw(t, "channel"),
			Provider: validKey().Draw(t, "provider"), Operator: validKey().Draw(t, "operator"),
			Country: validKey("RU", "KZ", "NO").Draw(t, "country"),
			Traffic: validKey(schema.Traffics...).Draw(t, "traffic"),
			Sender:  validKey().Draw(t, "sender"), App: validKey().Draw(t, "app"),
			FromMS:   rapid.Int64Range(0, 3_000_000).Draw(t, "from") * quarterMS,
			ToMS:     schema.Never,
			Currency: rapid.SampledFrom([]string{"RUB", "USD", "KZT", "ZWG"}).Draw(t, "currency"),
			Billing:  rapid.SampledFrom(Billings).Draw(t, "billing"),
			Price:    price.Draw(t, "price"),
		}
		if rapid.Bool().Draw(t, "ends") {
			row.ToMS = row.FromMS + rapid.Int64Range(1, 50_000).Draw(t, "length")*quarterMS
		}
		if row.Channel == schema.SMS {
			row.Billing = rapid.SampledFrom(smsBillings).Draw(t, "sms billing")
		} else if slices.Contains(dialogBillings, row.Billing) && !schema.Channels.Find(row.Channel).Dialog {
			row.Billing = PerMessageDelivered
		}
		switch row.Billing {
		case Zero:
			row.Price = 0
		case AttemptPlusConnect:
			row.ConnectPrice = price.Draw(t, "connect price")
		}
		if rapid.IntRange(0, 3).Draw(t, "has minimum") == 0 {
			row.MonthlyMinimum = price.Draw(t, "minimum")
		}
		return row
	})
}

// anyTariffs draws a list that is right as a whole.
func anyTariffs(most int) *rapid.Generator[[]Tariff] {
	return rapid.Custom(func(t *rapid.T) []Tariff {
		rows := rapid.SliceOfN(anyTariff(), 0, most).Draw(t, "rows")
		good := []Tariff{}
		for _, row := range rows {
			if ValidateTariffs(append(slices.Clone(good), row)) == nil {
				good = append(good, row)
			}
		}
		return good
	})
}

func TestTariffs_RoundTrip(t *testing.T) {
	for _, form := range tariffForms {
		t.Run(form.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := anyTariffs(6).Draw(t, "tariffs")
				body, err := form.write(want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := form.parse(body)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s\nreads as %+v, %v\nwant %+v", body, got, err, want)
				}
			})
		})
	}
}

const documentedRow = `{"channel":"sms","provider":"*","operator":"*","country":"*","traffic":"*","sender":"*","app":"*","valid_from":"2026-01-01T00:00:00Z","valid_to":null,` +
	`"currency":"RUB","billing":"per_segment_sent","price":"2.00","connect_price":null,"monthly_minimum":null}`

func TestTariff_MarshalJSON_ShowsTheDocumentedRow(t *testing.T) {
	rows, err := ParseTariffsJSON([]byte(`{"tariffs":[{"channel":"sms","valid_from":"2026-01-01T03:00:00+03:00","currency":"RUB","billing":"per_segment_sent","price":2.0,"app":null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := json.Marshal(rows); err != nil || string(body) != "["+documentedRow+"]" {
		t.Errorf("got  %s, %v\nwant [%s]", body, err, documentedRow)
	}
	again, err := ParseTariffsJSON([]byte(`{"tariffs":[` + documentedRow + `]}`))
	if err != nil || !slices.Equal(again, rows) {
		t.Errorf("the documented row reads as %+v, %v", again, err)
	}
	full := Tariff{Channel: "voice", Provider: "p", Operator: "25001", Country: "RU", Traffic: "otp", Sender: "A&B",
		App: "a", FromMS: at("2026-01-01T00:15:00Z"),
		ToMS: at("2026-02-01T00:00:00Z"), Currency: "USD", Billing: AttemptPlusConnect, Price: 7_500, ConnectPrice: 0,
		MonthlyMinimum: 30_000_000_000}
	body, err := TariffsJSON([]Tariff{full})
	want := `{"tariffs":[{"channel":"voice","provider":"p","operator":"25001","country":"RU","traffic":"otp","sender":"A\u0026B","app":"a","valid_from":"2026-01-01T00:15:00Z",` +
		`"valid_to":"2026-02-01T00:00:00Z","currency":"USD","billing":"attempt_plus_connect","price":"0.0075","connect_price":"0.00","monthly_minimum":"30000.00"}]}`
	if err != nil || string(body) != want {
		t.Errorf("got  %s, %v\nwant %s", body, err, want)
	}
}

// tariffWith is a good row as JSON with other fields.
func tariffWith(fields map[string]string) string {
	row := map[string]string{"channel": `"push"`, "valid_from": `"2026-01-01T00:00:00Z"`, "currency": `"RUB"`,
		"billing": `"per_message_sent"`, "price": `"0.36"`}
	for name, v := range fields {
		row[name] = v
		if v == "" {
			delete(row, name)
		}
	}
	var parts []string
	for name, v := range row {
		parts = append(parts, fmt.Sprintf("%q:%s", name, v))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}"
}

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

func TestTariffs_Overlaps(t *testing.T) {
	from := func(s string, end string, change func(*Tariff)) Tariff {
		row := Tariff{Channel: "sms", Provider: Any, Operator: Any, Country: Any, Traffic: Any, Sender: Any, App: Any,
			FromMS: at(s + "T00:00:00Z"), ToMS: schema.Never,
			Currency: "RUB", Billing: PerMessageSent}
		if end != "" {
			row.ToMS = at(end + "T00:00:00Z")
		}
		if change != nil {
			change(&row)
		}
		return row
	}
	country := func(t *Tariff) { t.Country = "RU" }
	for _, c := range []struct {
		name string
		rows []Tariff
		want []string
	}{
		{"neighbours", []Tariff{from("2026-02-01", "", nil), from("2026-01-01", "2026-02-01", nil)}, nil},
		{"other keys", []Tariff{from("2026-01-01", "", nil), from("2026-01-01", "", country),
			from("2026-01-01", "", func(t *Tariff) { t.Channel = "vk" })}, nil},
		{"the same twice", []Tariff{from("2026-01-01", "", nil), from("2026-01-01", "", nil)},
			[]string{"row 2: has the same keys as row 1 and overlaps its validity, from 2026-01-01T00:00:00Z without " +
				"an end"}},
		{"price is no key", []Tariff{from("2026-01-01", "", nil),
			from("2026-03-01", "", func(t *Tariff) { t.Billing, t.Currency = Zero, "USD" })},
			[]string{"row 2: has the same keys as row 1"}},
		{"inside a long one", []Tariff{from("2026-01-01", "2027-01-01", nil), from("2026-02-01", "2026-03-01", nil),
			from("2026-04-01", "2026-05-01", nil)},
			[]string{"row 2: has the same keys as row 1",
				"row 3: has the same keys as row 1 and overlaps its validity, from 2026-01-01T00:00:00Z to " +
					"2027-01-01T00:00:00Z"}},
		{"later row first", []Tariff{from("2026-02-01", "", country), from("2026-01-01", "2026-02-02", country)},
			[]string{"row 2: has the same keys as row 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ValidateTariffs(c.rows)
			var rows listfile.RowErrors
			errors.As(err, &rows)
			if len(rows) != len(c.want) {
				t.Fatalf("got %v, want %d problems", err, len(c.want))
			}
			for i := range rows {
				if !strings.HasPrefix(rows[i].Error(), c.want[i]) {
					t.Errorf("got %s, want %s", rows[i], c.want[i])
				}
			}
			body, err := TariffsCSV(c.rows)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseTariffsCSV(body); (err == nil) != (c.want == nil) {
				t.Errorf("parsed: %v", err)
			}
		})
	}
}

func TestTariffs_Limits(t *testing.T) {
	rows := make([]Tariff, MaxTariffs+1)
	for i := range rows {
		rows[i] = Tariff{Channel: "push", Provider: Any, Operator: Any, Country: Any, Traffic: Any,
			Sender: fmt.Sprint("s", i), App: Any, ToMS: schema.Never, Currency: "RUB", Billing: Zero}
	}
	for _, form := range tariffForms {
		body, err := form.write(rows)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = form.parse(body); err == nil || !strings.Contains(err.Error(), "more than 10000 rows") {
			t.Errorf("%s: %v", form.name, err)
		}
		if body, err = form.write(rows[:MaxTariffs]); err != nil {
			t.Fatal(err)
		}
		if got, err := form.parse(body); err != nil || len(got) != MaxTariffs {
			t.Errorf("%s: %d rows, %v", form.name, len(got), err)
		}
	}
	if err := ValidateTariffs(rows); err == nil {
		t.Error("too many rows are valid")
	}
	for i := range rows {
		rows[i].Price = 1
	}
	var wrong listfile.RowErrors
	if err := ValidateTariffs(rows[:200]); !errors.As(err, &wrong) || len(wrong) != listfile.MaxRowErrors ||
		wrong[99].Reason != "101 more problems are not listed" || wrong[98].Row != 99 {
		t.Errorf("got %v", err)
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
