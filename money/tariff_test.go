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
