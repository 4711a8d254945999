package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/text"

	"kaskad/cmd/kaskad/commandtest"
	"kaskad/query/answer"
)

// reportRoute returns a report of the API.
func reportRoute(t *testing.T, name string) *answer.Route {
	t.Helper()
	c, err := newReportCommand()
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.reports {
		if reportName(&c.reports[i]) == name {
			return &c.reports[i]
		}
	}
	t.Fatalf("there is no report %s", name)
	return nil
}

// printed is an answer as a table.
func printed(t *testing.T, report string, body []byte, columns []string, width int, coloured bool) string {
	t.Helper()
	table := &reportTable{route: reportRoute(t, report)}
	if err := table.read(body); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := table.print(&out, columns, width, coloured); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Tables of answers that a server gave, as people read them.
func TestReportTable_Print_Golden(t *testing.T) {
	answers, err := filepath.Glob("testdata/report/*.json")
	if err != nil || len(answers) < 7 {
		t.Fatalf("%d answers: %v", len(answers), err)
	}
	for _, file := range answers {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{80, 120} {
			got := printed(t, strings.TrimSuffix(filepath.Base(file), ".json"), body, nil, width, false)
			for _, line := range strings.Split(got, "\n") {
				if pretty.StringWidth(line) > width || strings.TrimRight(line, " ") != line {
					t.Errorf("%s: a line is wider than %d, or ends with a space: %q", file, width, line)
				}
			}
			path := fmt.Sprintf("%s.%d.txt", strings.TrimSuffix(file, ".json"), width)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v: run go test . -run Golden -update, and read what it wrote", err)
			}
			if got != string(want) {
				t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
			}
		}
	}
}

// What tables show by themselves is what reports have.
func TestReportTable_Glance_Known(t *testing.T) {
	c, err := newReportCommand()
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i := range c.reports {
		request := reportRequest{route: &c.reports[i]}
		names := glance(reportName(&c.reports[i]))
		shown += len(names)
		if err := request.checkColumns(names); err != nil {
			t.Error(err)
		}
	}
	if len(c.reports) < 7 || shown < 40 {
		t.Errorf("%d reports show %d columns", len(c.reports), shown)
	}
}

// Rows of a report that nobody chose columns for: keys first, rates as one column, all in their order.
func TestReportTable_Columns_WithoutGlance(t *testing.T) {
	route := &answer.Route{Path: "/v1/reports/new", Params: []answer.Param{{Name: "group_by",
		Schema: answer.OneOf("channel", "day")}}, Answers: []answer.Answer{{Columns: []answer.Column{
		{Name: "channel"}, {Name: "day"}, {Name: "hits", Type: answer.CountColumn},
		{Name: "hit_num", Type: answer.CountColumn}, {Name: "hit_den", Type: answer.CountColumn},
		{Name: "hit_rate", Type: answer.DecimalColumn}, {Name: "hit_rate_low", Type: answer.DecimalColumn},
		{Name: "hit_rate_high", Type: answer.DecimalColumn}, {Name: "paid", Type: answer.MoneyColumn},
		{Name: "mature", Type: answer.BoolColumn}}}}}
	table := &reportTable{route: route}
	if err := table.read([]byte(`{"from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00Z","tz":"UTC","as_of":null,
		"mature":false,"rows":[{"day":"2026-11-01","channel":"sms","hits":1234567,"hit_num":1,"hit_den":3,
		"hit_rate":0.333333,"hit_rate_low":0.061492,"hit_rate_high":0.792345,"paid":"-1234.5678","mature":false},
		{"day":"2026-11-01","channel":"vk","hits":0,"hit_num":0,"hit_den":0,"hit_rate":null,"hit_rate_low":null,
		"hit_rate_high":null,"paid":null,"mature":false}],"next_cursor":null}`)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := table.print(&out, nil, 90, false); err != nil {
		t.Fatal(err)
	}
	const want = `day         channel       hits  hit_rate                                            paid
2026-11-01  sms      1 234 567  ██████▋              33.3 % (6.1…79.2) of 3  -1 234.5678
2026-11-01  vk               0                            –            of 0            –

– not known. In brackets the 95 % interval.
2026-11-01 … 2026-11-02 UTC, nothing published yet.
Not mature: late receipts may still move these figures.
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// answerOf is an answer of the channel report with these rows.
func answerOf(rows ...string) []byte {
	return fmt.Appendf(nil,
		`{"report":"channels","from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00Z","tz":"UTC",`+
			`"as_of":"2026-11-02T00:00:00Z","lag_seconds":0,"mature":true,"rows":[%s],"next_cursor":null}`,
		strings.Join(rows, ","))
}

// What came with events can hold anything; it must not reach the terminal as it is.
func TestReportTable_Print_HostileTexts(t *testing.T) {
	name := "a\x1b[31m\u202e\r\n\tb\u200b" + strings.Repeat("длинное-имя-кампании-", 9) + "漢字"
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	rates := `"open_num":1,"open_den":1,"open_rate":1,"open_rate_low":0.206549,"open_rate_high":1,"open_rate_bound":"lower",` +
		`"delivery_num":1,"delivery_den":1,"delivery_rate":1,"delivery_rate_low":0.206549,"delivery_rate_high":1`
	body := answerOf(fmt.Sprintf(`{"campaign":%s,"attempted":1,%s}`, quoted, rates),
		fmt.Sprintf(`{"campaign":"漢字漢字漢字","attempted":1,%s}`, rates))
	for _, width := range []int{80, 120} {
		got := printed(t, "channels", body, nil, width, false)
		if strings.ContainsAny(got, "\x1b\u202e\r\t\u200b") {
			t.Errorf("control characters pass: %q", got)
		}
		lines := strings.Split(got, "\n")
		if !strings.Contains(lines[1], "…") || !strings.HasPrefix(lines[1], "a") || !strings.HasPrefix(lines[2], "漢字") {
			t.Errorf("got\n%s", got)
		}
		for i := range lines {
			if pretty.StringWidth(lines[i]) > width {
				t.Errorf("wider than %d: %s", width, lines[i])
			}
		}
		if !strings.Contains(got, "≥ 100.0 % (20.7…100.0) of 1") {
			t.Errorf("no bound, interval and denominator in\n%s", got)
		}
	}
	for coloured, want := range map[bool]bool{true: true, false: false} {
		if got := strings.Contains(printed(t, "channels", body, nil, 80, coloured), "\x1b["); got != want {
			t.Errorf("coloured %t, colours %t", coloured, got)
		}
	}
}

func TestReport_Bar_Eighths(t *testing.T) {
	for rate, want := range map[string]string{"0": "    ", "0.000001": "▏   ", "0.25": "█   ", "0.28125": "█▏  ",
		"0.5": "██  ", "0.999": "███▉", "1": "████", "-0.5": "    ", "1.7": "████"} {
		if got := bar(rational(json.Number(rate)), 4); got != want {
			t.Errorf("%s is %q, want %q", rate, got, want)
		}
	}
	if got := bar(nil, 3); got != "   " {
		t.Errorf("unknown is %q", got)
	}
}

// pagesStub answers as a server whose pages have few rows does, and notes what it was asked.
type pagesStub struct {
	rows int

	mu   sync.Mutex
	uris []string
}

// asked returns what was asked since it was called last.
func (s *pagesStub) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	uris := s.uris
	s.uris = nil
	return uris
}

func (s *pagesStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	s.uris = append(s.uris, r.URL.RequestURI())
	s.mu.Unlock()
	if q.Get("channel") == "pigeon" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"detail":"channel: \"pigeon\" is no channel; it must be one of sms viber"}`)
		return
	}
	const page = 2
	begin, _ := strconv.Atoi(q.Get("cursor"))
	end, next := s.rows, "null"
	if q.Get("limit") != "10" && begin+page < s.rows {
		end = begin + page
		next = fmt.Sprintf(`"%d"`, end)
		if q.Get("format") != "json" {
			w.Header().Set("Kaskad-Next-Cursor", strconv.Itoa(end))
		}
	}
	switch q.Get("format") {
	case "json":
		var rows []string
		for i := begin; i < end; i++ {
			rows = append(rows, fmt.Sprintf(`{"channel":"c%d","attempted":%d}`, i, i))
		}
		fmt.Fprintf(w, `{"report":"channels","mature":true,"rows":[%s],"next_cursor":%s}`, strings.Join(rows, ","),
			next)
	case "ndjson":
		for i := begin; i < end; i++ {
			fmt.Fprintf(w, "{\"channel\":\"c%d\"}\n", i)
		}
	default:
		if q.Get("bom") == "1" {
			fmt.Fprint(w, answer.ByteOrderMark)
		}
		fmt.Fprint(w, "channel,attempted\r\n")
		for i := begin; i < end; i++ {
			fmt.Fprintf(w, "c%d,%d\r\n", i, i)
		}
	}
}

// All pages together are what one page would be that has room for all rows.
func TestReport_Stream_JoinsPages(t *testing.T) {
	stub := &pagesStub{}
	server := httptest.NewServer(stub)
	defer server.Close()
	route := reportRoute(t, "channels")
	stream := func(query string) (string, error) {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = (&reportRequest{route: route, query: q, server: &API{address: server.URL}}).stream(t.Context(), &out)
		return out.String(), err
	}
	for _, stub.rows = range []int{0, 1, 2, 3, 7} {
		for _, query := range []string{"format=csv", "format=csv&bom=1", "format=ndjson", "format=json"} {
			stub.asked()
			got, err := stream(query)
			if asked, pages := stub.asked(), max(1, (stub.rows+1)/2); err != nil || len(asked) != pages {
				t.Errorf("%s: %d pages of %d rows, want %d: %v", query, len(asked), stub.rows, pages, err)
			}
			if want, err := stream(query + "&limit=10"); err != nil || got != want {
				t.Errorf("%s: %d rows: got\n%s\nwant\n%s, %v", query, stub.rows, got, want, err)
			}
		}
		for _, form := range []string{"parquet", "arrow", "xlsx"} {
			got, err := stream("format=" + form)
			if stub.rows > 2 && (err == nil || !strings.Contains(err.Error(), "say --format csv") || got != "") {
				t.Errorf("%s of %d rows: %v, %q", form, stub.rows, err, got)
			} else if stub.rows <= 2 && (err != nil || got == "") {
				t.Errorf("%s of %d rows: %v, %q", form, stub.rows, err, got)
			}
		}
	}
	at, file := "--url="+server.URL, filepath.Join(t.TempDir(), "report.parquet")
	if _, _, code := commandtest.Run(t, "", "report", "channels", at, "-o", file); code != 1 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a part of a report is left behind: %v", err)
	}
	if out := commandtest.Must(t, "", "report", "channels", at); strings.Count(out, "\n") != 8 {
		t.Errorf("piped: %s", out)
	}
	out, problems, code := commandtest.Run(t, "", "report", "channels", at, "--format", "ndjson", "--limit", "2")
	if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(problems, "more rows") {
		t.Errorf("exit %d: %s%s", code, out, problems)
	}
}

// A report that is one answer is not asked for pages.
func TestReport_Limit_WherePages(t *testing.T) {
	for takes, params := range map[bool][]answer.Param{true: answer.ListParams(false), false: answer.FormatParams()} {
		r := reportRequest{route: &answer.Route{Params: params}, query: url.Values{}}
		if r.limit(7); r.query.Has("limit") != takes {
			t.Errorf("limit is taken: %t, asks %v", takes, r.query)
		}
	}
}

// Flags become the parameters that the API has, and nothing else.
func TestReport_Flags_Parameters(t *testing.T) {
	stub := &pagesStub{}
	server := httptest.NewServer(stub)
	defer server.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--group-by="}, "group_by="},
		{[]string{"--group-by", "day,channel", "--tz", "Europe/Moscow"}, "group_by=day%2Cchannel&tz=Europe%2FMoscow"},
		{[]string{"--group_by", "hour_of_day", "--hour-of-day", "3", "--hour_of_day", "4"},
			"group_by=hour_of_day&hour_of_day=3&hour_of_day=4"},
		{[]string{"--campaign", "a,b&c", "--campaign", ""}, "campaign=a%2Cb%26c&campaign="},
		{[]string{"--month", "2025-02"}, "from=2025-02-01&month=2025-02&to=2025-03-01"},
		{[]string{"--month", "2025-12", "--month", "2025-10"},
			"from=2025-10-01&month=2025-12&month=2025-10&to=2026-01-01"},
		{[]string{"--week", "2025-12-29"}, "from=2025-12-29&to=2026-01-05&week=2025-12-29"},
		{[]string{"--day", "2024-02-29", "--month", "2024-02"},
			"day=2024-02-29&from=2024-02-29&month=2024-02&to=2024-03-01"},
		{[]string{"--month", "2025-02", "--from", "2025-02-10"}, "from=2025-02-10&month=2025-02"},
		{[]string{"--month", "then"}, "month=then"},
	} {
		commandtest.Must(t, "", append([]string{"report", "channels", "--url=" + server.URL, "--format", "ndjson"},
			c.args...)...)
		want := "/v1/reports/channels?" + c.want
		got := strings.ReplaceAll(strings.ReplaceAll(stub.asked()[0], "format=ndjson&", ""), "&limit=10000", "")
		got = strings.ReplaceAll(strings.ReplaceAll(got, "limit=10000&", ""), "limit=10000", "")
		if strings.Trim(got, "&") != want {
			t.Errorf("%q asks %s, want %s", c.args, got, want)
		}
	}
	now := time.Date(2026, 11, 20, 12, 7, 3, 0, time.FixedZone("", 3600))
	for last, want := range map[string]string{"24h": "2026-11-19T11:00:00Z", "7d": "2026-11-13T11:00:00Z",
		"2w": "2026-11-06T11:00:00Z"} {
		q := map[string][]string{}
		if err := (&reportCommand{Last: last}).setPeriod(q, now); err != nil || q["from"][0] != want || len(q) != 1 {
			t.Errorf("--last %s: %v, %v, want %s", last, q, err, want)
		}
	}
}

func TestReport_Errors_NameTheFix(t *testing.T) {
	server := httptest.NewServer(&pagesStub{})
	defer server.Close()
	at := "--url=" + server.URL
	for _, c := range []struct {
		args []string
		word string
	}{
		{[]string{"channels", at, "--channel", "pigeon"}, "must be one of sms viber"},
		{[]string{"channels", at, "--last", "3y"}, "7d or 4w"},
		{[]string{"channels", at, "--last=-3d"}, "7d or 4w"},
		{[]string{"channels", at, "--last", ""}, ""},
		{[]string{"channels", at, "--last", "3d", "--to", "2026-11-20"}, "without --from and --to"},
		{[]string{"channels", at, "--columns", "open_rat", "--format", "table"}, "did you mean open_rate?"},
		{[]string{"channels", at, "--columns", "open_rate"}, "is for tables"},
		{[]string{"channels", at, "--bom", "--format", "json"}, "--format csv"},
		{[]string{"channels", at, "-o", "report.pdf"}, "say --format"},
		{[]string{"channels", at, "--segments", "3"}, "unknown flag"},
		{[]string{"channels", "--data", t.TempDir()}, "--url"},
		{[]string{"chanels", at}, "channels"},
		{nil, "dead-spend, failures"},
	} {
		stdout, problems, code := commandtest.Run(t, "", append([]string{"report"}, c.args...)...)
		if c.word == "" {
			if code != 0 {
				t.Errorf("%q: exit %d: %s", c.args, code, problems)
			}
			continue
		}
		if code == 0 || !strings.Contains(problems, c.word) || stdout != "" && !strings.HasPrefix(stdout, "Usage: ") {
			t.Errorf("%q: exit %d: %s%s", c.args, code, stdout, problems)
		}
	}
}

// Every parameter of every report is a flag, or one of those that the command has for all.
func TestReport_Flags_AllParameters(t *testing.T) {
	c, err := newReportCommand()
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.reports {
		r := &c.reports[i]
		help := commandtest.Must(t, "", "report", reportName(r), "--help")
		for _, p := range r.Params {
			if !slices.Contains(ownParams, p.Name) && !strings.Contains(help, "--"+flagName(p.Name)+"=") {
				t.Errorf("report %s has no flag for %s", reportName(r), p.Name)
			}
		}
	}
}
