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

var templateForms = []struct {
	name  string
	parse func([]byte) ([]Template, error)
	write func([]Template) ([]byte, error)
}{{"JSON", ParseTemplatesJSON, TemplatesJSON}, {"YAML", ParseTemplatesYAML, TemplatesYAML},
	{"CSV", ParseTemplatesCSV, TemplatesCSV}}

// anyTemplates draws a list that is right as a whole.
func anyTemplates() *rapid.Generator[[]Template] {
	return rapid.Custom(func(t *rapid.T) []Template {
		good := []Template{}
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			row := Template{Template: validKey().Draw(t, "template"),
				SMSSegments: rapid.Uint16Range(1, MaxTemplateSegments).Draw(t, "segments"),
				FromMS:      rapid.Int64Range(0, 3_000_000).Draw(t, "from") * quarterMS, ToMS: schema.Never}
			if rapid.Bool().Draw(t, "ends") {
				row.ToMS = row.FromMS + rapid.Int64Range(1, 50_000).Draw(t, "length")*quarterMS
			}
			if ValidateTemplates(append(slices.Clone(good), row)) == nil {
				good = append(good, row)
			}
		}
		return good
	})
}

func TestTemplates_RoundTrip(t *testing.T) {
	for _, form := range templateForms {
		t.Run(form.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := anyTemplates().Draw(t, "templates")
				body, err := form.write(want)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := form.parse(body); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s\nreads as %+v, %v\nwant %+v", body, got, err, want)
				}
			})
		})
	}
}

// A text counts as its segments in all forms, and is gone then.
func TestParseTemplates_MeasuresTexts(t *testing.T) {
	want := []Template{
		{Template: "order", SMSSegments: 2, FromMS: at("2026-01-01T00:00:00Z"), ToMS: at("2026-02-01T00:00:00Z")},
		{Template: "order", SMSSegments: 3, FromMS: at("2026-02-01T00:00:00Z"), ToMS: schema.Never},
	}
	text := cyr(70) + "\n" + cyr(100)
	for _, c := range []struct {
		parse func([]byte) ([]Template, error)
		body  string
	}{
		{ParseTemplatesJSON, fmt.Sprintf(`{"templates":[{"template":"order","sms_segments":2,"sms_text":null,"valid_from":"2026-01-01T00:00:00Z","valid_to":"2026-02-01T00:00:00Z"},`+
			`{"template":"order","sms_text":%q,"valid_from":"2026-02-01T00:00:00Z"}]}`, text)},
		{ParseTemplatesYAML, fmt.Sprintf("templates:\n- {template: order, sms_segments: 2, valid_from: "+
			"2026-01-01T00:00:00Z, valid_to: 2026-02-01T00:00:00Z}\n"+
			"- template: order\n  valid_from: 2026-02-01T00:00:00Z\n  sms_text: |-\n    %s\n",
			strings.ReplaceAll(text, "\n", "\n    "))},
		{ParseTemplatesCSV, fmt.Sprintf("template;valid_from;valid_to;sms_segments;sms_text\norder;2026-01-01T00:00:00Z;2026-02-01T00:00:00Z;2;\norder;2026-02-01T00:00:00Z;;;\"%s\"\n", text)},
	} {
		rows, err := c.parse([]byte(c.body))
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("got %+v, %v", rows, err)
		}
	}
	body, err := json.Marshal(want)
	if wanted := `[{"template":"order","sms_segments":2,"valid_from":"2026-01-01T00:00:00Z","valid_to":"2026-02-01T00:00:00Z"},` +
		`{"template":"order","sms_segments":3,"valid_from":"2026-02-01T00:00:00Z","valid_to":null}]`; err != nil ||
		string(body) != wanted {
		t.Errorf("prints as %s, %v", body, err)
	}
}

func TestParseTemplatesJSON_FieldRules(t *testing.T) {
	for _, c := range []struct{ fields, field, reason string }{
		{`"template":"a","sms_segments":255`, "", ""},
		{`"template":"a","sms_segments":"2"`, "", ""},
		{`"template":"*","sms_segments":1`, "", ""},
		{`"sms_segments":1`, "template", "required"},
		{`"template":"","sms_segments":1`, "template", "empty"},
		{`"template":7,"sms_segments":1`, "template", "text"},
		{`"template":"a"`, "sms_segments", "or sms_text is required"},
		{`"template":"a","sms_segments":2,"sms_text":"x"`, "sms_segments", "leave one out"},
		{`"template":"a","sms_segments":0`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":256`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":65537`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":2.0`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":-1`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":"02"`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":true`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_segments":[1]`, "sms_segments", "1 to 255"},
		{`"template":"a","sms_text":""`, "sms_text", "empty"},
		{`"template":"a","sms_text":5`, "sms_text", "text"},
		{`"template":"a","sms_text":"` + strings.Repeat("a", 10_001) + `"`, "sms_text", "10000 characters"},
		{`"template":"a","sms_text":"` + strings.Repeat("😎", 8_500) + `"`, "sms_text", "takes 258 segments"},
		{`"template":"a","sms_segments":1,"text":"a"`, "text", "unknown"},
	} {
		_, err := ParseTemplatesJSON([]byte("{\"templates\":[\n{\"valid_from\":\"2026-01-01T00:00:00Z\"," + c.fields +
			"}]}"))
		wantProblem(t, err, c.field, c.reason)
	}
	for _, c := range []struct{ from, to, field string }{
		{`"2026-01-01T00:00:00Z"`, `"2026-01-01T00:15:00Z"`, ""}, {`"2026-01-01T00:01:00Z"`, "null", "valid_from"},
		{`"2026-01-01T00:00:00Z"`, `"2026-01-01T00:00:00Z"`, "valid_to"}, {"null", "null", "valid_from"},
	} {
		_, err := ParseTemplatesJSON([]byte("{\"templates\":[\n{\"template\":\"a\",\"sms_segments\":1,\"valid_from\":" +
			c.from + ",\"valid_to\":" + c.to + "}]}"))
		wantProblem(t, err, c.field, "")
	}
}

func TestValidateTemplates_Overlaps(t *testing.T) {
	rows := []Template{{"a", 1, 0, 2 * quarterMS}, {"a", 1, 2 * quarterMS, schema.Never}, {"b", 1, 0, schema.Never}}
	if err := ValidateTemplates(rows); err != nil {
		t.Error(err)
	}
	rows[1].FromMS = quarterMS
	body, err := TemplatesJSON(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{ValidateTemplates(rows),
		func() error { _, err := ParseTemplatesJSON(body); return err }()} {
		var wrong listfile.RowErrors
		if !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].Row != 2 ||
			!strings.Contains(wrong[0].Reason, "the same template as row 1") {
			t.Errorf("got %v", err)
		}
	}
}

func TestTemplates_Limits(t *testing.T) {
	rows := make([]Template, MaxTemplates+1)
	for i := range rows {
		rows[i] = Template{fmt.Sprint("template ", i), 1, 0, schema.Never}
	}
	if err := ValidateTemplates(rows); err == nil || !strings.Contains(err.Error(), "more than 100000 rows") {
		t.Errorf("got %v", err)
	}
	body, err := TemplatesJSON(rows[:MaxTemplates])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseTemplatesJSON(body); err != nil || len(got) != MaxTemplates {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// Whatever a parser accepts is valid by the other way in, and reads the same when it is written again.
func FuzzParseTemplates(f *testing.F) {
	f.Add(uint8(0), []byte(`{"templates":[{"template":"a","sms_text":"text","valid_from":"2026-01-01T00:00:00Z","valid_to":null}]}`))
	f.Add(uint8(0), []byte(`{"templates":[{"template":"a","sms_segments":2e0,"valid_from":"2026-01-01T00:00:00Z"}],"templates":[]}`))
	f.Add(uint8(1), []byte("templates:\n- template: a\n  sms_text: |\n    text\n  valid_from: 2026-01-01T00:00:00Z\n"))
	f.Add(uint8(2), []byte("\ufefftemplate;sms_segments;valid_from\na;1;2026-01-01T00:00:00Z\n"))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		rows, err := templateForms[int(which)%len(templateForms)].parse(body)
		if err != nil {
			var wrong listfile.RowErrors
			if !errors.As(err, &wrong) || len(wrong) == 0 || len(wrong) > listfile.MaxRowErrors {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if err := ValidateTemplates(rows); err != nil {
			t.Fatalf("parsed, but %v", err)
		}
		for _, form := range templateForms {
			again, err := form.write(rows)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := form.parse(again); err != nil || !slices.Equal(got, rows) {
				t.Fatalf("%s reads as %+v, %v; want %+v", again, got, err, rows)
			}
		}
	})
}
