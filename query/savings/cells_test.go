package savings

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
	"kaskad/schema"
)

func TestCellsQuery_SQL_Golden(t *testing.T) {
	hostile := "x' OR '1'='1 {id:String}"
	filterOf := func(name string, values ...string) rollup.Filter {
		return rollup.Filter{Key: named(t, name)[0], Values: values}
	}
	template := func(name string, segments uint16, fromMS, toMS int64) money.Template {
		return money.Template{Template: name, SMSSegments: segments, FromMS: fromMS, ToMS: toMS}
	}
	const from, to = 1790812800000, 1793491200000 // October 2026
	seen := &answer.Snapshot{Edition: 7, NowMS: to + 1_000_000}
	plain := &cellsQuery{tz: "UTC", fromMS: -1, toMS: 1 << 60, seen: seen}
	all := &cellsQuery{tz: "Asia/Kathmandu", fromMS: from, toMS: to, seen: seen,
		keys:     named(t, "campaign", "hour", "weekday"),
		accounts: []string{"acme", hostile},
		filters: []rollup.Filter{filterOf("account", "acme", hostile), filterOf("day", "2026-10-20"),
			filterOf("hour_of_day", "7"),
			filterOf("path", "sms"), filterOf("template", hostile)},
		borders: []uint32{1791000000, 1792000800}, monthEnds: map[string][]int64{"acme": {from + 86_400_000, to}},
		templates: newTemplateRows(map[string][]money.Template{"acme": {template("a", 2, 0, schema.Never),
			template(hostile, 3, from+900_000, to)}, hostile: {template("a", 1, 0, to-900_000)}}, false, from, to)}
	single := &cellsQuery{tz: "UTC", fromMS: from, toMS: to, seen: seen, keys: named(t, "month"),
		accounts: []string{"acme"}, filters: []rollup.Filter{filterOf("account", "acme")},
		templates: newTemplateRows(map[string][]money.Template{"acme": {template("b", 2, 0, schema.Never),
			template("a", 3, from, to), template("old", 4, 0, from)}}, true, from, to)}
	cut := *all
	cut.keys = named(t, "campaign")
	cut.filters = []rollup.Filter{filterOf("account", "acme", hostile), filterOf("template", hostile),
		filterOf("campaign", "c")}
	for name, q := range map[string]querytest.Statement{"total": plain, "days_cut": &cut, "all": all,
		"single": single} {
		querytest.Golden(t, *update, name, q, hostile)
	}
}

// What the statement looks up in the lists is what the price list says, at every quarter hour of the period.
func TestTemplateRows_Law(t *testing.T) {
	const quarters, quarter = 40, answer.QuarterMS
	rapid.Check(t, func(t *rapid.T) {
		const start = 1_790_000_100_000
		names := []string{"a", "b", "ab", ""}
		templates := map[string][]money.Template{}
		for _, account := range []string{"1", "x", "x1"} {
			for _, name := range names {
				at := rapid.Int64Range(-10, quarters).Draw(t, "first")
				for range rapid.IntRange(0, 4).Draw(t, "rows") {
					end := at + rapid.Int64Range(1, 20).Draw(t, "length")
					row := money.Template{Template: name,
						SMSSegments: uint16(rapid.IntRange(1, 255).Draw(t, "segments")), FromMS: start + at*quarter,
						ToMS: start + end*quarter}
					if rapid.IntRange(0, 9).Draw(t, "open") == 0 {
						row.ToMS = schema.Never
					}
					templates[account] = append(templates[account], row)
					if at = end + rapid.Int64Range(0, 2).Draw(t, "gap"); row.ToMS == schema.Never {
						break
					}
				}
			}
		}
		single := rapid.Bool().Draw(t, "single")
		if single {
			templates = map[string][]money.Template{"x": templates["x"]}
		}
		from, to := int64(start), int64(start+quarters*quarter)
		rows := newTemplateRows(templates, single, from, to)
		if len(rows.names) > 0 && len(rows.segments) != max(len(rows.names), len(rows.starts)) ||
			!slices.IsSorted(rows.starts) {
			t.Fatalf("%+v", rows)
		}
		for account, list := range templates {
			prices := money.NewPriceList(nil, list)
			for _, name := range append(names, "c") {
				for q := range int64(quarters) {
					at := start + q*quarter
					shown := name
					if !single {
						shown = fmt.Sprint(len(account), "/", account) + name
					}
					if got, want := lookUp(rows, shown, at), prices.TemplateSegments(name, at); got != want {
						t.Fatalf("template %q of %q at %d: %d segments, want %d in %+v", name, account, q, got, want,
							rows)
					}
				}
			}
		}
	})
}

// lookUp does what the SQL of templateRows.cell does.
func lookUp(r templateRows, name string, cohortMS int64) uint16 {
	i := slices.Index(r.names, name)
	if r.starts == nil {
		if i < 0 {
			return 0
		}
		return r.segments[i]
	}
	at := uint64(i+1)<<32 + uint64(cohortMS/1000)
	found := 0
	for j, start := range r.starts {
		if start <= at {
			found = j
		}
	}
	return r.segments[found]
}

func TestWideAmount_Law(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hi, lo := rapid.Int64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo")
		want := new(big.Int).Lsh(big.NewInt(hi), 64)
		want.Add(want, new(big.Int).SetUint64(lo))
		got, ok := new(big.Rat).SetString(money.Wide(hi, lo).String())
		if !ok || got.Cmp(new(big.Rat).SetFrac(want, big.NewInt(1_000_000))) != 0 {
			t.Fatalf("%d %d became %s, want %s millionths", hi, lo, got, want)
		}
	})
}

// Outcomes are one when all that the report wants to know of them is the same, and only then.
func TestOutcome_Key_Law(t *testing.T) {
	tariffs := []*money.Tariff{{Price: 1}, {Price: 2}}
	draw := func(t *rapid.T, label string) outcome {
		pick := func(name string) string { return rapid.SampledFrom([]string{"", "a", "a b", "b"}).Draw(t, label+name) }
		flag := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, label+name) == 0 }
		amount := func(name string) money.Amount { return money.Micros(rapid.Int64Range(-1, 1).Draw(t, label+name)) }
		few := func(name string) uint64 { return rapid.Uint64Range(0, 1).Draw(t, label+name) }
		o := outcome{priced: flag("priced"), estimated: flag("estimated"), reached: flag("reached"), read: flag("read"),
			currency: pick("currency"), segments: uint16(few("segments")),
			sender: pick("sender"), traffic: pick("traffic"), country: pick("country"), firstChannel: pick("first"),
			reachedBy: pick("by"), path: pick("path"),
			smsOnly: amount("only"), actual: amount("actual"), doublePaid: amount("double"),
			doublePaidUnread: amount("unread"), wasted: amount("wasted"),
			reportedAttempts: few("attempts"), reportedComputed: amount("computed"), settlingMS: int64(few("settling"))}
		for range few("channels") {
			o.channels = append(o.channels, channelCost{pick("channel"), few("a"), few("u"), amount("c")})
		}
		for range few("minimums") {
			o.minimums = append(o.minimums, minimumCost{tariffs[few("tariff")], pick("s"), amount("m")})
		}
		return o
	}
	rapid.Check(t, func(t *rapid.T) {
		a := draw(t, "a ")
		b := a
		other := draw(t, "b ")
		// One field may differ.
		reflected, others := reflect.ValueOf(&b).Elem(), reflect.ValueOf(&other).Elem()
		field := rapid.IntRange(0, reflected.NumField()-1).Draw(t, "field")
		reflect.NewAt(reflected.Field(field).Type(), reflected.Field(field).Addr().UnsafePointer()).Elem().Set(
			reflect.NewAt(others.Field(field).Type(), others.Field(field).Addr().UnsafePointer()).Elem())
		if same := string(a.appendKey(nil)) == string(b.appendKey(nil)); same != reflect.DeepEqual(a, b) {
			t.Fatalf("keys are the same: %v, of\n%+v\n%+v", same, a, b)
		}
	})
}

func TestSavings_Formats(t *testing.T) {
	conn, _, versions := newSavings(t, 29, 800, 3)
	s := newRoom(t, conn)
	const query = "group_by=campaign,sms_segments&limit=60"
	want := savingsReport(t, s, query)
	w := querytest.Get(s, "/v1/reports/savings?format=csv&"+query)
	for name, value := range map[string]string{"Kaskad-Report": "savings",
		"Kaskad-Tariff-Version":   fmt.Sprint(versions.Tariffs),
		"Kaskad-Template-Version": fmt.Sprint(versions.Templates),
		"Kaskad-Mature":           fmt.Sprint(want.Mature), "Content-Type": "text/csv; charset=utf-8; header=present"} {
		if got := w.Header().Get(name); got != value {
			t.Errorf("header %s is %q, want %q", name, got, value)
		}
	}
	next := w.Header().Get("Kaskad-Next-Cursor")
	records, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	channels := map[string]bool{}
	for _, row := range savingsReport(t, s, "group_by=campaign,sms_segments&limit=10000").Rows {
		for _, c := range row["by_channel"].([]any) {
			channels[c.(map[string]any)["channel"].(string)] = true
		}
	}
	var wantHeader []string
	for _, c := range append([]answer.Column{{Name: "campaign"}, {Name: "sms_segments"}},
		Columns(named(t, "sms_segments"), answer.FormatJSON, nil)...) {
		name := c.Name
		if name != "by_channel" {
			wantHeader = append(wantHeader, name)
			continue
		}
		for _, c := range slices.Sorted(slices.Values(schema.Channels.Names())) {
			if channels[c] {
				wantHeader = append(wantHeader, c+"_attempts", c+"_units", c+"_cost")
			}
		}
	}
	if !slices.Equal(records[0], wantHeader) || len(records) != len(want.Rows)+1 {
		t.Fatalf("%d records, header %v\nwant %v", len(records), records[0], wantHeader)
	}
	negative, guarded := 0, 0
	for i, row := range want.Rows {
		cells := map[string]any{}
		for _, c := range row["by_channel"].([]any) {
			line := c.(map[string]any)
			name := line["channel"].(string)
			cells[name+"_attempts"], cells[name+"_units"], cells[name+"_cost"] = line["attempts"], line["units"],
				line["cost"]
		}
		for j, name := range wantHeader {
			got := strings.ToValidUTF8(records[i+1][j], "\ufffd")
			expected, known := row[name]
			switch {
			case name == "unpriced_reasons":
				var reasons []string
				for _, r := range expected.([]any) {
					reason := r.(map[string]any)
					reasons = append(reasons,
						strings.Join(strings.Fields(fmt.Sprint(reason["reason"], " ", reason["channel"], " ",
							reason["messages"])), " "))
				}
				expected = strings.Join(reasons, "; ")
			case known && expected == nil:
				expected = ""
			case !known:
				if expected, known = cells[name]; !known {
					expected = "0"
					if strings.HasSuffix(name, "_cost") {
						expected = "0.00"
					}
				}
			case name == "campaign" && strings.IndexAny(fmt.Sprint(expected), "=+-@") == 0:
				expected = "'" + fmt.Sprint(expected)
				guarded++
			}
			if got != fmt.Sprint(expected) {
				t.Errorf("row %d: %s is %q, want %v", i, name, got, expected)
			}
			if strings.HasPrefix(got, "-") {
				negative++
				if _, err := json.Number(got).Float64(); err != nil {
					t.Errorf("row %d: %s is %q, which is no number", i, name, got)
				}
			}
		}
	}
	if negative == 0 || guarded == 0 {
		t.Errorf("%d negative numbers and %d formulas were tried", negative, guarded)
	}

	second := querytest.Get(s, "/v1/reports/savings?format=csv&"+query+"&cursor="+next)
	if header, _, _ := strings.Cut(second.Body.String(), "\r\n"); second.Code != http.StatusOK ||
		header != strings.Join(wantHeader, ",") {
		t.Errorf("the second page has the header %q", header)
	}
	w = querytest.Get(s, "/v1/reports/savings?"+query, "Accept", "application/x-ndjson")
	var rows []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n") {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var row map[string]any
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	querytest.SameRows(t, "ndjson", rows, want.Rows)
}

// A monthly minimum is of a tariff row, a sender and a month of the billing zone, counts once a sent attempt exists,
// and shows only where no key or filter cuts through a sender's month.
func TestSavings_Minimum(t *testing.T) {
	conn := newConn(t)
	message := func(at string, sender string, sent, delivered bool) cascade {
		cohort, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		return cascade{account: "a", cohortMS: cohort.UnixMilli(), edition: 1, shape: money.Signature{SMSSegments: 1,
			Steps: []money.Step{{Channel: "viber", Sender: sender, Sent: sent, Delivered: delivered},
				{Channel: "sms", Sender: sender, Sent: true}}}}
	}
	insertCascades(t, conn, []cascade{
		message("2026-09-30T23:59:59.999Z", "A", true, true), // September: 60 − 0.75
		message("2026-10-01T00:00:00Z", "A", true, true),     // October, A: 60 − 2 × 0.75
		message("2026-10-31T23:59:59Z", "A", true, true),
		message("2026-10-05T00:00:00Z", "B", true, false),  // October, B: 60, for it was sent
		message("2026-10-05T00:00:00Z", "C", false, false), // C: nothing was sent
	})
	row := querytest.TariffRow("viber", "per_message_delivered", "0.75", "monthly_minimum", "60")
	version := querytest.PutTariffs(t, conn, "a", row, querytest.TariffRow("sms", "per_message_sent", "1"))
	s := newRoom(t, conn)
	const october = "from=2026-10-01&to=2026-11-01"
	for query, want := range map[string][]any{
		october: {"118.50"},
		october + "&tz=UTC&account=a&currency=RUB":       {"118.50"},
		"from=2026-09-01&to=2026-11-01":                  {"177.75"},
		"from=2026-09-01&to=2026-11-01&group_by=month":   {"59.25", "118.50"},
		october + "&group_by=sender":                     {"58.50", "60.00", "0.00"},
		october + "&sender=A":                            {"58.50"},
		october + "&group_by=sender,account,month":       {"58.50", "60.00", "0.00"},
		october + "&group_by=campaign":                   {nil},
		october + "&template=":                           {nil},
		october + "&group_by=day&sender=B":               {nil},
		october + "&tz=Europe/London":                    {nil},
		"from=2026-10-01&to=2026-10-31":                  {nil},
		"from=2026-10-01T00:15:00Z&to=2026-11-01":        {nil},
		"from=2026-10-01T03:00:00%2B03:00&to=2026-11-01": {"118.50"},
		"": {nil},
	} {
		reply := savingsReport(t, s, query)
		var got []any
		for _, row := range reply.Rows {
			got = append(got, row["minimum_top_up"])
		}
		if !slices.Equal(got, want) || reply.TariffVersion != version {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	// Where steps of one message have different senders, nobody can say whose month a cut by sender shows.
	mixed := message("2026-10-20T00:00:00Z", "B", true, false)
	mixed.shape.Steps[1].Sender = "A"
	insertCascades(t, conn, []cascade{mixed})
	for query, want := range map[string]any{october: "118.50", october + "&group_by=sender": nil,
		october + "&sender=B": nil} {
		for _, row := range savingsReport(t, s, query).Rows {
			if row["minimum_top_up"] != want && row["messages"] != json.Number("0") &&
				(want != nil || row["sender"] == "B" || row["sender"] == nil) {
				t.Errorf("%s: %v", query, row)
			}
		}
	}
	// Without a minimum in the list it is known to be nothing.
	querytest.PutTariffs(t, conn, "a", querytest.TariffRow("viber", "per_message_delivered", "0.75"),
		querytest.TariffRow("sms", "per_message_sent", "1"))
	if got := savingsReport(t, s, october).Rows[0]["minimum_top_up"]; got != "0.00" {
		t.Errorf("no minimum: %v", got)
	}
}

// A rate is null when there is nothing to divide by, and at no size else (docs/definitions.md section 4).
func TestSavedRate_AnySize(t *testing.T) {
	dearest := money.Micros(money.MaxPrice).Times(65535).Times(32)
	for _, c := range []struct {
		num, den money.Amount
		want     string
	}{
		{money.Micros(1), money.Micros(0), ""}, {money.Micros(0), money.Micros(7), "0"},
		{money.Micros(-1), money.Micros(8), "-0.125"},
		{money.Micros(9_223_372_036_854), money.Micros(1), "9223372036854"},
		{money.Micros(9_223_372_036_855), money.Micros(1), "9223372036855"},
		{dearest, money.Micros(-3), "-699040000000000000000"},
		{dearest, money.Micros(7), "299588571428571428571.428571"},
	} {
		row := &quantities{smsOnly: c.den, actual: c.den.Sub(c.num)}
		if got := savedRate(row); got.Plain() != c.want || (c.want == "") != (got == answer.Null) {
			t.Errorf("%s ÷ %s is shown as %q, want %q", c.num, c.den, got.Plain(), c.want)
		}
	}
}
