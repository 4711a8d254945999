package listfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var readers = map[string]Reader{"json": ReadJSON, "yaml": ReadYAML, "csv": ReadCSV}

func newSpec() *Spec {
	return &Spec{Name: "rows", Beside: []string{"note"}, Fields: []string{"name", "code", "since"},
		Required: []string{"name"}, Limit: 5}
}

// read returns what a file holds as text: a line per row, its number, its line, and the values that are there.
func read(reader Reader, body string, l *Spec) (string, error) {
	var p Problems
	var out strings.Builder
	rows := reader([]byte(body), l, &p)
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&out, "%d@%d", r.Number, r.Line)
		for _, field := range l.Fields {
			if r.Has(field) {
				fmt.Fprintf(&out, " %s=%q", field, r.Value(field).Text)
			}
		}
		out.WriteString("\n")
	}
	return out.String(), p.Err()
}

func TestReader_Formats_SayTheSame(t *testing.T) {
	const want = `1 name="a, \"b\"" code="0123"
2 name="ü" since="2026-01-01T00:00:00Z"
`
	for format, body := range map[string]string{
		"json": `{"note": [1, {"x": {}}], "rows": [{"name": "a, \"b\"", "code": "0123"},
			{"since": "2026-01-01T00:00:00Z", "name": "\u00fc", "code": null}]}`,
		"yaml": "note: [1, {x: {}}]\nrows:\n- name: 'a, \"b\"'\n  code: 0123\n" +
			"- {since: 2026-01-01T00:00:00Z, name: ü, code: }\n",
		"csv": "code,name,since\r\n0123,\"a, \"\"b\"\"\",\r\n\r\n , \r\n,ü,2026-01-01T00:00:00Z\r\n",
	} {
		for _, body := range []string{body, "\ufeff" + body} {
			got, err := read(readers[format], body, newSpec())
			var shown strings.Builder
			for line := range strings.Lines(got) {
				number, _, _ := strings.Cut(line, "@")
				_, values, _ := strings.Cut(line, " ")
				shown.WriteString(number + " " + values)
			}
			if err != nil || shown.String() != want {
				t.Errorf("%s: %v\n%s", format, err, got)
			}
		}
	}
	semicolons := "name;code\na,b;7\n"
	if got, err := read(ReadCSV, semicolons, newSpec()); err != nil || got != "1@2 name=\"a,b\" code=\"7\"\n" {
		t.Errorf("semicolons: %v\n%s", err, got)
	}
}

// No list removes all rows unless it says so.
func TestReader_Empty(t *testing.T) {
	for _, c := range []struct {
		format, body string
		optional     bool
		want         string // "" for a list without rows
	}{
		{"json", `{"rows": []}`, false, ""},
		{"yaml", "rows: []", false, ""},
		{"csv", "name", false, ""},
		{"csv", "name\n", false, ""},
		{"json", `{}`, true, ""},
		{"yaml", "note: 1", true, ""},
		{"json", `{}`, false, "line 1: rows: is required"},
		{"json", ``, false, "line 1: is not JSON"},
		{"json", `null`, false, "line 1: must be an object"},
		{"yaml", ``, false, "line 1: rows: is required"},
		{"yaml", `# nothing`, false, "line 1: rows: is required"},
		{"yaml", `rows:`, false, "line 1: rows: must be a list"},
		{"csv", ``, false, "line 1: is empty"},
		{"csv", "name\n \n", false, "row 1: is blank"},
	} {
		l := newSpec()
		l.Optional = c.optional
		got, err := read(readers[c.format], c.body, l)
		if got != "" || (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %q: %v, want %q\n%s", c.format, c.body, err, c.want, got)
		}
	}
}

func TestReader_Problems_NameTheLine(t *testing.T) {
	rows := func(n int, row, between string) string {
		return strings.TrimSuffix(strings.Repeat(row+between, n), between)
	}
	for _, c := range []struct{ format, body, want string }{
		{"json", "{\"rows\": [\n{\"name\": \"a\",}]}", "line 2: is not JSON"},
		{"json", "{\"rows\": [\n{\"nam\": 1}]}", "row 1 (line 2): nam: is unknown; the fields are name code since"},
		{"json", "{\"rows\": [{\"name\": \"a\",\n\"name\": \"b\"}]}", "row 1 (line 2): name: is there twice"},
		{"json", "{\"rows\": [{},\n7]}", "row 2 (line 2): must be an object"},
		{"json", "{\"rows\": [],\n\"rows\": []}", "line 2: rows: is there twice"},
		{"json", "{\"other\": [{}], \"rows\": []}", "line 1: other: is unknown beside \"rows\""},
		{"json", `{"rows": {}}`, "line 1: rows: must be a list of objects"},
		{"json", `{"rows": [` + rows(6, "{}", ",") + `]}`, "has more than 5 rows"},
		{"json", `{"rows": [{` + rows(65, `"name":1`, ",") + `}]}`, "has more than 64 fields"},
		{"json", "{\"rows\": [{\"name\": \"\xff\"}]}", "line 1: is not UTF-8"},
		{"yaml", "rows:\n- a: b: c\n", "line 2: is not YAML"},
		{"yaml", "rows:\n- nam: 1\n", "row 1 (line 2): nam: is unknown"},
		{"yaml", "rows:\n- name: a\n- 7\n", "row 2 (line 3): must be fields with values"},
		{"yaml", "rows: []\n---\nrows: []\n", "is a second document"},
		{"yaml", "rows:\n" + rows(6, "- name: a", "\n"), "has more than 5 rows"},
		{"yaml", "rows:\n- name: *a\n", "is not YAML"},
		{"csv", "nam,code\n", "line 1: nam: is unknown in the header"},
		{"csv", "name,name\n", "line 1: name: is twice in the header"},
		{"csv", "code\n1\n", "line 1: name: is missing in the header"},
		{"csv", "name,code\na\nb,c\n", "row 1 (line 2): has 1 cells where the header has 2"},
		{"csv", "name\n\"a\n", "is not CSV"},
		{"csv", "name\n" + rows(6, "a", "\n"), "line 7: has more than 5 rows"},
		{"csv", "name,code\n" + rows(7, " ,", "\n"), "has more than 5 blank rows"},
		{"csv", "name\n" + rows(65, "", ",") + strings.Repeat(",", 70), "has more than 64 cells"},
		{"csv", "name\n\"" + strings.Repeat("x", maxFieldBytes+2), "is a quote left open?"},
		{"csv", "name\na\xff\n", "line 2: is not UTF-8"},
	} {
		_, err := read(readers[c.format], c.body, newSpec())
		var problems RowErrors
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.60q: %v, want %q", c.format, c.body, err, c.want)
		}
	}
}

// A file takes memory by its size alone: what its library would blow up is refused before.
func TestReadYAML_ManyNodes_Refused(t *testing.T) {
	body := "rows: [" + strings.Repeat("[],", MaxNodes) + "]"
	if _, err := read(ReadYAML, body, newSpec()); err == nil || !strings.Contains(err.Error(), "send it as CSV") {
		t.Errorf("%.200v", err)
	}
}

func TestRow_Values(t *testing.T) {
	var p Problems
	rows := ReadJSON([]byte(`{"rows": [{"name": 12, "since": "2026-01-01"}, {"name": "a",
		"since": "2026-01-01T03:00:00+03:00"}, {}]}`), newSpec(), &p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	first, second, third := &rows[0], &rows[1], &rows[2]
	if first.Text("name", "x") != "x" || first.Sound("name") || first.Time("since", 7) != 7 ||
		first.Sound("code", "since") {
		t.Error("a number is no text, and a date no time")
	}
	if second.Text("name", "") != "a" || second.Time("since", 0) != 1767225600000 ||
		!second.Sound("name", "code", "since") {
		t.Error("what is right is taken")
	}
	if third.Text("name", "x") != "x" || third.Time("since", 7) != 7 || third.Needed("code", `"1"`) != "" {
		t.Error("what is left out is as it was asked for")
	}
	first.Refuse("name", "is wrong again")
	const want = `row 1 (line 1): name: must be text in quotes
row 1 (line 1): since: must be a time with its zone (RFC 3339), such as ` + TimeExample + `
row 3 (line 2): code: is required, such as "1"`
	if err := p.Err(); err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}

func TestProblems_ManyMore_Counted(t *testing.T) {
	var p Problems
	for i := range MaxRowErrors + 7 {
		p.Add(MaxRowErrors+7-i, 0, "", "is wrong")
	}
	var all RowErrors
	if !errors.As(p.Err(), &all) || len(all) != MaxRowErrors {
		t.Fatalf("%d problems", len(all))
	}
	if last := all[MaxRowErrors-1].Error(); last != "8 more problems are not listed" {
		t.Error(last)
	}
	for i := range MaxRowErrors - 2 {
		if all[i].Row > all[i+1].Row {
			t.Fatalf("row %d comes before %d", all[i].Row, all[i+1].Row)
		}
	}
}

// What is written is read again, whatever texts it holds.
func TestWrite_ReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newSpec()
		text := rapid.StringMatching(`[a-z0-9ü,;:'"# \n{}\[\]*&!|>%@-]{1,12}`).Filter(func(s string) bool {
			return strings.TrimSpace(s) != ""
		})
		names := rapid.SliceOfN(text, 1, l.Limit).Draw(t, "names")
		asCSV, err := WriteCSV(l.Fields, len(names), func(i int) []string { return []string{names[i], "", "x"} })
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			Name  string `yaml:"name"`
			Since string `yaml:"since"`
		}
		var list []row
		for _, name := range names {
			list = append(list, row{name, "x"})
		}
		asYAML, err := WriteYAML(l.Name, list)
		if err != nil {
			t.Fatal(err)
		}
		for format, body := range map[string][]byte{"csv": asCSV, "yaml": asYAML} {
			var p Problems
			rows := readers[format](body, l, &p)
			if err := p.Err(); err != nil || len(rows) != len(names) {
				t.Fatalf("%s: %d rows: %v\n%s", format, len(rows), err, body)
			}
			for i := range rows {
				r := &rows[i]
				if r.Value("name").Text != names[i] || r.Has("code") || r.Value("since").Text != "x" {
					t.Fatalf("%s: %q became %q", format, names[i], r.Value("name").Text)
				}
			}
		}
	})
}

// No bytes make a reader panic, and every row that it returns stands somewhere.
func TestReader_AnyBytes(t *testing.T) {
	pieces := []string{"rows", "name", "code", ":", "-", " ", "\n", "{", "}", "[", "]", ",", ";", "\"", "'", "&a", "*a",
		"null", "0123", "\xff", "\ufeff", "---", "|", "<<", "!!x", "?", "#"}
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]string{"", `{"rows":[{"name":`, "rows:\n- name: ", "name,code\n"}).Draw(t, "start")
		body := start + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "pieces"), "")
		for format, reader := range readers {
			var p Problems
			for _, r := range reader([]byte(body), newSpec(), &p) {
				if r.Number < 1 || r.Line < 1 || r.Number > newSpec().Limit {
					t.Fatalf("%s %q: row %d in line %d", format, body, r.Number, r.Line)
				}
			}
			_ = p.Err()
		}
	})
}

func TestCheckText_AsInEvents(t *testing.T) {
	for text, good := range map[string]bool{"": true, "ü": true, strings.Repeat("x", 256): true,
		strings.Repeat("x", 257): false, "\xff": false, "a\nb": false, "a\x00": false} {
		refused := false
		CheckText("f", text, func(string, string) { refused = true })
		if refused == good {
			t.Errorf("%.20q: refused %v", text, refused)
		}
	}
}

func TestShorten_WholeCharacters(t *testing.T) {
	if got := Shorten(strings.Repeat("ü", 40)); got != strings.Repeat("ü", 32)+"…" {
		t.Error(got)
	}
	if got := Shorten("x" + strings.Repeat("ü", 40)); got != "x"+strings.Repeat("ü", 31)+"…" {
		t.Error(got)
	}
	if got := Shorten("short"); got != "short" {
		t.Error(got)
	}
}
