package lists

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kaskad/query/querytest"
)

// A list with anything wrong in it is refused with the row, the line and the reason of each problem, and the list
// before it stays.
func TestLists_Tariffs_RefusedAsAWhole(t *testing.T) {
	s := newRoom(newConn(t))
	const path = "/v1/tariffs?account=acme"
	querytest.Put(t, s, path, `{"tariffs":[`+smsRow+`]}`)
	before, versions := querytest.Get(s, path).Body.String(),
		querytest.Get(s, "/v1/tariffs/versions?account=acme").Body.String()

	row := func(change ...string) map[string]string {
		r := map[string]string{"channel": "push", "valid_from": "2026-01-01T00:00:00Z", "currency": "RUB",
			"billing": "per_message_sent", "price": "0.36"}
		for i := 0; i < len(change); i += 2 {
			r[change[i]] = change[i+1]
		}
		return r
	}
	for _, c := range []struct {
		name string
		rows []map[string]string
		want []wrongRow
	}{
		{"OverlapOpen", []map[string]string{row(), row("valid_from", "2026-06-01T00:00:00Z")},
			[]wrongRow{{2, "", "overlap"}}},
		{"OverlapByAQuarterHour", []map[string]string{row("valid_to", "2026-06-01T00:15:00Z"),
			row("channel", "sms", "billing", "zero", "price", "0"),
			row("valid_from", "2026-06-01T00:00:00Z")}, []wrongRow{{3, "", "overlap"}}},
		{"SameTwice", []map[string]string{row(), row()}, []wrongRow{{2, "", "overlap"}}},
		{"UnknownChannel", []map[string]string{row(), row("channel", "pigeon")},
			[]wrongRow{{2, "channel", "sms push viber"}}},
		{"NoChannel", []map[string]string{row("channel", "")}, []wrongRow{{1, "channel", "required"}}},
		{"AnyChannel", []map[string]string{row("channel", "*")}, []wrongRow{{1, "channel", "sms push viber"}}},
		{"SevenDecimals", []map[string]string{row("price", "0.1234567")}, []wrongRow{{1, "price", "6 decimals"}}},
		{"SevenDecimalsOfConnect", []map[string]string{row("channel", "flash_call", "billing", "attempt_plus_connect",
			"connect_price", "0.1234567")}, []wrongRow{{1, "connect_price", "6 decimals"}}},
		{"Exponent", []map[string]string{row("price", "1e-3")}, []wrongRow{{1, "price", "exponent"}}},
		{"Comma", []map[string]string{row("price", "0,36")}, []wrongRow{{1, "price", "decimal"}}},
		{"Negative", []map[string]string{row("price", "-0.36")}, []wrongRow{{1, "price", "negative"}}},
		{"NegativeMinimum", []map[string]string{row("monthly_minimum", "-1")},
			[]wrongRow{{1, "monthly_minimum", "negative"}}},
		{"NotANumber", []map[string]string{row("price", "NaN")}, []wrongRow{{1, "price", "decimal"}}},
		{"NoPrice", []map[string]string{row("price", "")}, []wrongRow{{1, "price", "required"}}},
		{"UnknownCurrency", []map[string]string{row("currency", "RUBLE")}, []wrongRow{{1, "currency", "ISO 4217"}}},
		{"SmallCurrency", []map[string]string{row("currency", "rub")}, []wrongRow{{1, "currency", "ISO 4217"}}},
		{"UnknownBilling", []map[string]string{row("billing", "per_hour")},
			[]wrongRow{{1, "billing", "per_segment_sent"}}},
		{"BillingOfAnotherChannel", []map[string]string{row("billing", "per_conversation_24h")},
			[]wrongRow{{1, "billing", "viber whatsapp rcs"}}},
		{"ConnectOfSMS", []map[string]string{row("channel", "sms", "billing", "attempt_plus_connect", "connect_price",
			"1")}, []wrongRow{{1, "billing", "sms"}}},
		{"ConnectPriceAlone", []map[string]string{row("connect_price", "1")},
			[]wrongRow{{1, "connect_price", "attempt_plus_connect"}}},
		{"OffTheQuarterHour", []map[string]string{row("valid_from", "2026-01-01T00:07:00Z")},
			[]wrongRow{{1, "valid_from", "quarter hour"}}},
		{"DateAlone", []map[string]string{row("valid_from", "2026-01-01")}, []wrongRow{{1, "valid_from", "RFC 3339"}}},
		{"EndsBeforeItBegins", []map[string]string{row("valid_to", "2025-01-01T00:00:00Z")},
			[]wrongRow{{1, "valid_to", "later than valid_from"}}},
		{"UnknownField", []map[string]string{row("prise", "1")}, []wrongRow{{1, "prise", "unknown"}}},
		{"EverythingAtOnce", []map[string]string{row("channel", "pigeon", "price", "-1"), row(),
			row("currency", "XXZ", "valid_from", "2026-01-01T00:00:01Z")},
			[]wrongRow{{1, "channel", "one of"}, {1, "price", "negative"}, {3, "valid_from", "quarter"},
				{3, "currency", "ISO"}}},
	} {
		for form, write := range map[string]func([]map[string]string) (string,
			func(wrongRow) int){"application/json": tariffsAsJSON, "application/yaml": tariffsAsYAML,
			"text/csv": tariffsAsCSV} {
			if form == "text/csv" && (c.name == "UnknownField") {
				continue // of the header, below
			}
			t.Run(c.name+"/"+form, func(t *testing.T) {
				body, line := write(c.rows)
				status, answer := putList(t, s, path, body, "Content-Type", form)
				if status != http.StatusUnprocessableEntity {
					t.Fatalf("%d %+v of\n%s", status, answer, body)
				}
				if len(answer.Errors) != len(c.want) {
					t.Errorf("%d problems, want %d: %+v", len(answer.Errors), len(c.want), answer.Errors)
				}
				for _, want := range c.want {
					parameter := want.field
					if parameter == "" {
						parameter = "tariffs"
					}
					at := slices.IndexFunc(answer.Errors,
						func(e rowProblem) bool { return e.Row == want.row && e.Parameter == parameter })
					if at < 0 || !strings.Contains(answer.Errors[at].Reason, want.words) {
						t.Errorf("%+v do not say %+v", answer.Errors, want)
						continue
					}
					if got := answer.Errors[at].Line; got != line(want) {
						t.Errorf("%s of row %d is on line %d, want %d of\n%s", want.field, want.row, got, line(want),
							body)
					}
					if !strings.Contains(answer.Detail, answer.Errors[at].Reason) ||
						!strings.Contains(answer.Detail, "nothing was changed") {
						t.Errorf("detail %q", answer.Detail)
					}
				}
				if got := querytest.Get(s, path).Body.String(); got != before {
					t.Errorf("the list is now %s", got)
				}
				if got := querytest.Get(s, "/v1/tariffs/versions?account=acme").Body.String(); got != versions {
					t.Errorf("the versions are now %s", got)
				}
			})
		}
	}
	for _, c := range []struct{ contentType, body, words string }{
		{"application/json", "", "JSON"},
		{"application/json", "{", "JSON"},
		{"application/json", "[" + smsRow + "]", `{"tariffs"`},
		{"application/json", "{}", "tariffs"},
		{"application/json", `{"tariffs":null}`, "list"},
		{"application/json", `{"tariffs":[],"tarifs":[]}`, "tarifs"},
		{"application/json", `{"tariffs":[]} {}`, "JSON"},
		{"application/json", `{"account":"acme","tariffs":[],"tariffs":[]}`, "twice"},
		{"application/json", "{\"tariffs\":[]}\xff", "UTF-8"},
		{"application/yaml", "tarifs: []", "tariffs"},
		{"application/yaml", "a: [", "YAML"},
		{"text/csv", "", "fields"},
		{"text/csv", "channel,valid_from,currency,billing,prise\nsms,2026-01-01T00:00:00Z,RUB,zero,\n", "prise"},
		{"", "tariffs: []", "text/csv"},
	} {
		w := querytest.Call(s, http.MethodPut, path, strings.NewReader(c.body), "Content-Type", c.contentType)
		querytest.WantProblem(t, w, http.StatusBadRequest, "", "nothing was changed", c.words)
		if got := querytest.Get(s, path).Body.String(); got != before {
			t.Fatalf("%q changed the list to %s", c.body, got)
		}
	}
}

// wrongRow is a problem that is expected: in which row and field ("" is the row as a whole), and what it says.
type wrongRow struct {
	row   int
	field string
	words string
}

// tariffsAsJSON writes a field a line. Like the other forms it tells on which line a problem must be.
func tariffsAsJSON(rows []map[string]string) (string, func(wrongRow) int) {
	lines := []string{`{"tariffs": [`}
	at := map[wrongRow]int{}
	for i, r := range rows {
		lines = append(lines, "{")
		at[wrongRow{row: i + 1}] = len(lines)
		for j, name := range fieldsOf(r) {
			encoded, _ := json.Marshal(map[string]string{name: r[name]})
			comma := ","
			if j == len(fieldsOf(r))-1 {
				comma = ""
			}
			lines = append(lines, strings.Trim(string(encoded), "{}")+comma)
			at[wrongRow{row: i + 1, field: name}] = len(lines)
		}
		lines = append(lines, "}")
		if i < len(rows)-1 {
			lines = append(lines, ",")
		}
	}
	return strings.Join(append(lines, "]}"), "\n"), lineOf(at)
}

func tariffsAsYAML(rows []map[string]string) (string, func(wrongRow) int) {
	lines := []string{"# prices", "tariffs:"}
	at := map[wrongRow]int{}
	for i, r := range rows {
		begin := "- "
		for _, name := range fieldsOf(r) {
			lines = append(lines, begin+name+": "+fmt.Sprintf("%q", r[name]))
			at[wrongRow{row: i + 1, field: name}] = len(lines)
			if begin == "- " {
				at[wrongRow{row: i + 1}] = len(lines)
			}
			begin = "  "
		}
	}
	return strings.Join(lines, "\n"), lineOf(at)
}

func tariffsAsCSV(rows []map[string]string) (string, func(wrongRow) int) {
	header := []string{"channel", "valid_from", "valid_to", "currency", "billing", "price", "connect_price",
		"monthly_minimum"}
	lines := []string{strings.Join(header, ";")}
	at := map[wrongRow]int{}
	for i, r := range rows {
		cells := make([]string, len(header))
		for j, name := range header {
			cells[j] = r[name]
		}
		lines = append(lines, strings.Join(cells, ";"))
		at[wrongRow{row: i + 1}] = len(lines)
	}
	return strings.Join(lines, "\r\n"), lineOf(at)
}

// fieldsOf are the names of the fields that are not left out.
func fieldsOf(r map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r)), func(name string) bool { return r[name] == "" })
}

// lineOf finds the line of a field, or of its row when the field is left out.
func lineOf(at map[wrongRow]int) func(wrongRow) int {
	return func(w wrongRow) int {
		if line, found := at[wrongRow{row: w.row, field: w.field}]; found {
			return line
		}
		return at[wrongRow{row: w.row}]
	}
}
