package money

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"kaskad/schema/listfile"
)

// attacks are files of the size that the API takes, each of which costs its reader far more than it weighs.
func attacks(size int) map[string][]byte {
	fill := func(head, unit, tail string) []byte {
		return []byte(head + strings.Repeat(unit, max(0, size-len(head)-len(tail))/len(unit)) + tail)
	}
	const header = "channel,valid_from,billing,price,currency\n"
	return map[string][]byte{
		"csv header of commas":      fill("", ",", ""),
		"csv header of names":       fill("", "price,", "\n"),
		"csv row of commas":         fill(header, ",", ""),
		"csv row over quoted lines": fill(header, "\"\n\",", ""),
		"csv blank rows":            fill(header, ",,,,\n", ""),
		"csv empty lines":           fill(header, "\n", ""),
		"csv bad rows":              fill(header, "a,b\n", ""),
		"csv one cell":              fill(header, "a", ""),
		"csv open quote":            fill(header+`"`, "a\n", ""),
		"csv quotes":                fill(header, `""`, ""),
		"json numbers for rows":     fill(`{"tariffs":[1`, ",1", "]}"),
		"json empty rows":           fill(`{"tariffs":[{}`, ",{}", "]}"),
		"json unknown fields":       fill(`{"tariffs":[{"a":1`, `,"a":1`, "}]}"),
		"json unknown beside":       fill(`{"a":1`, `,"a":1`, "}"),
		"json nested":               fill(`{"tariffs":`, "[", ""),
		"json nested rows": fill(`{"tariffs":[`+strings.Repeat("[", min(5000, size/8))+strings.Repeat("]",
			min(5000, size/8)), ",[[]]", "]}"),
		"json long text":     fill(`{"tariffs":[{"channel":"`, "a", `"}]}`),
		"json long number":   fill(`{"tariffs":[{"price":`, "1", "}]}"),
		"yaml flow list":     fill("tariffs: [a", ",a", "]"),
		"yaml flow pairs":    fill("tariffs: [", ": ,", "]"),
		"yaml dashes":        fill("tariffs:\n", "- a\n", ""),
		"yaml nested dashes": fill("tariffs:\n", "- ", ""),
		"yaml nested flow":   fill("tariffs: ", "[", ""),
		"yaml nested maps":   fill("tariffs: ", "{a: ", ""),
		"yaml keys":          fill("tariffs:\n- ", "a: 1\n  ", ""),
		"yaml deep flow":     []byte(strings.Repeat("[", min(size, listfile.MaxNodes-1))),
		"yaml deep maps":     []byte(strings.Repeat("{a: ", min(size, listfile.MaxNodes)/4)),
		"yaml deep dashes":   []byte("tariffs:\n" + strings.Repeat("- ", min(size, listfile.MaxNodes)/2)),
		"yaml top keys":      fill("", "a: 1\n", ""),
		"yaml quoted keys":   fill("tariffs: [{", `"a":1,`, "}]"),
		"yaml bombs": fill("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c "+
			"[*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ntariffs: [*d",
			",*d", "]"),
		"yaml anchors":   fill("tariffs: [", "&a a,", "]"),
		"yaml documents": fill("", "---\n", ""),
		"yaml comments":  fill("", "# a\n", ""),
		"yaml long text": fill("tariffs:\n- channel: ", "a", "\n"),
		"blanks":         fill("", " ", ""),
	}
}

// Whatever a file of 4 MiB holds, it is refused within seconds, by few problems, and reading it takes hundreds of
// megabytes at most.
func TestList_Attacks_Bounded(t *testing.T) {
	const size, mostBytes, mostTime = 4 << 20, 400 << 20, 10 * time.Second
	for name, body := range attacks(size) {
		read := map[string]listfile.Reader{"csv": listfile.ReadCSV, "jso": listfile.ReadJSON, "yam": listfile.ReadYAML,
			"bla": listfile.ReadYAML}[name[:3]]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		_, err := parseTariffs(body, read)
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		var rows listfile.RowErrors
		if !errors.As(err, &rows) || len(rows) > listfile.MaxRowErrors || len(err.Error()) > 100_000 {
			t.Errorf("%s: %d problems: %.200v", name, len(rows), err)
		}
		if took > mostTime {
			t.Errorf("%s took %s", name, took)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > mostBytes {
			t.Errorf("%s took %d MiB", name, allocated>>20)
		}
		t.Logf("%-28s %8s %5d MiB  %.90v", name, took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20,
			err)
	}
}

// Nothing that does not say so removes all rows.
func TestParseTariffs_Empty(t *testing.T) {
	const header = "channel,valid_from,billing,price,currency"
	for body, read := range map[string]listfile.Reader{
		header: listfile.ReadCSV, header + "\n": listfile.ReadCSV, header + "\r\n": listfile.ReadCSV,
		"\ufeff" + header + "\r\n": listfile.ReadCSV,
		`{"tariffs":[]}`:           listfile.ReadJSON, "tariffs: []": listfile.ReadYAML,
	} {
		if rows, err := parseTariffs([]byte(body), read); err != nil || len(rows) != 0 {
			t.Errorf("%q: %v, %v", body, rows, err)
		}
	}
	for _, blank := range []string{",,,,\n", ",,,,", "\n", "\r\n", "\n\n\n", " , ,\t, , \n", "\u00a0,,,,\n",
		",,,,\r\n,,,,\r\n", `"","","","",""` + "\n", "\n,,,,\n\n", ";;;;\n", "   \n"} {
		head := header
		if strings.HasPrefix(blank, ";") {
			head = strings.ReplaceAll(header, ",", ";")
		}
		_, err := parseTariffs([]byte(head+"\n"+blank), listfile.ReadCSV)
		var rows listfile.RowErrors
		if !errors.As(err, &rows) || rows[len(rows)-1].Row == 0 {
			t.Errorf("a header and %q: %v", blank, err)
		}
	}
	for body, read := range map[string]listfile.Reader{"": listfile.ReadCSV, "\n": listfile.ReadCSV,
		",,,,\n": listfile.ReadCSV, " ": listfile.ReadJSON,
		"{}": listfile.ReadJSON, "null": listfile.ReadJSON, "[]": listfile.ReadJSON,
		`{"tariffs":null}`: listfile.ReadJSON, `{"tariffs":{}}`: listfile.ReadJSON,
		`{"tariffs":[null]}`: listfile.ReadJSON,
		`{"tariffs":[{}]}`:   listfile.ReadJSON, `{"tariffs":[{"channel":null}]}`: listfile.ReadJSON,
		"tariffs:": listfile.ReadYAML, "tariffs: {}": listfile.ReadYAML, "tariffs: [{}]": listfile.ReadYAML,
		"tariffs:\n-":          listfile.ReadYAML,
		"tariffs:\n- channel:": listfile.ReadYAML, "---\n": listfile.ReadYAML, "# x": listfile.ReadYAML,
	} {
		if rows, err := parseTariffs([]byte(body), read); err == nil {
			t.Errorf("%q is a list of %d rows", body, len(rows))
		}
	}
	// Blank rows beside others are what spreadsheets leave.
	body := header + "\nsms,2026-01-01T00:00:00Z,per_segment_sent,1,EUR\n,,,,\n\n , ,,,\n"
	if rows, err := parseTariffs([]byte(body), listfile.ReadCSV); err != nil || len(rows) != 1 {
		t.Errorf("blank rows beside others: %v, %v", rows, err)
	}
}

// The bounds refuse nothing that a list may hold: quotes, long texts, as many rows as there may be.
func TestList_Bounds_Room(t *testing.T) {
	text := strings.Repeat("\"\",\n", 2500)
	templates, err := ParseTemplatesCSV([]byte("template,sms_text,valid_from\nt,\"" +
		strings.ReplaceAll(text, `"`, `""`) + "\",2026-01-01T00:00:00Z\n"))
	if err != nil || len(templates) != 1 {
		t.Fatalf("%d templates: %v", len(templates), err)
	}
	var csv, yaml strings.Builder
	csv.WriteString("template,sms_segments,valid_from,valid_to\n")
	yaml.WriteString("templates:\n")
	for i := range MaxTemplates {
		fmt.Fprintf(&csv, "t%d,2,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z\n", i)
		fmt.Fprintf(&yaml, "- template: t%d\n  sms_segments: 2\n  valid_from: 2026-01-01T00:00:00Z\n  valid_to: "+
			"\"2027-01-01T00:00:00Z\"\n", i)
	}
	for name, list := range map[string]func() ([]Template, error){
		"csv":  func() ([]Template, error) { return ParseTemplatesCSV([]byte(csv.String())) },
		"yaml": func() ([]Template, error) { return ParseTemplatesYAML([]byte(yaml.String())) },
	} {
		if rows, err := list(); err != nil || len(rows) != MaxTemplates {
			t.Errorf("%s: %d rows: %v", name, len(rows), err)
		}
	}
}

func FuzzParseLists(f *testing.F) {
	for _, body := range attacks(200) {
		f.Add(body)
	}
	f.Add([]byte("channel,valid_from,billing,price,currency\nsms,2026-01-01T00:00:00Z,per_segment_sent,\"1\",EUR\n"))
	f.Add([]byte("channel;price\r\n\"a\"\"b\";\"c\r\nd\"\r\n"))
	f.Add([]byte(`{"tariffs":[{"channel":"sms","price":1.5e3,"currency":null}]}`))
	f.Add([]byte("tariffs:\n- &a {channel: sms, price: 1}\n- *a\n- <<: *a\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []listfile.Reader{listfile.ReadCSV, listfile.ReadJSON, listfile.ReadYAML} {
			if rows, err := parseTariffs(body, read); err != nil {
				var problems listfile.RowErrors
				if !errors.As(err, &problems) || len(problems) > listfile.MaxRowErrors || rows != nil {
					t.Fatalf("%q: %v", body, err)
				}
			}
		}
	})
}
