package money

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"kaskad/schema"
	"kaskad/schema/listfile"
)

// Limits of templates. The header of a multipart SMS numbers 255 segments.
const (
	MaxTemplates        = 100_000
	MaxTemplateSegments = 255
)

// Template says how many segments a template's text takes as SMS while it is valid. The text itself is never kept.
type Template struct {
	Template    string
	SMSSegments uint16 // 1 to [MaxTemplateSegments]
	// validity in Unix milliseconds, half-open, on quarter hours; ToMS is schema.Never while it is open
	FromMS, ToMS int64
}

// TemplateRow is a row as the API, YAML and CSV show it.
type TemplateRow struct {
	Template    string  `json:"template" yaml:"template"`
	SMSSegments uint16  `json:"sms_segments" yaml:"sms_segments"`
	ValidFrom   string  `json:"valid_from" yaml:"valid_from"`
	ValidTo     *string `json:"valid_to" yaml:"valid_to"`
}

func (t *Template) row() TemplateRow {
	return TemplateRow{Template: t.Template, SMSSegments: t.SMSSegments, ValidFrom: timeText(t.FromMS),
		ValidTo: openTime(t.ToMS)}
}

// MarshalJSON writes `{"template":"order","sms_segments":2,"valid_from":"2026-01-01T00:00:00Z","valid_to":null}`.
func (t Template) MarshalJSON() ([]byte, error) { return json.Marshal(t.row()) }

func templateList() *listfile.Spec {
	return &listfile.Spec{Name: "templates",
		Fields:   []string{"template", "sms_text", "sms_segments", "valid_from", "valid_to"},
		Required: []string{"template", "valid_from"}, Limit: MaxTemplates}
}

// ParseTemplatesJSON reads `{"templates": [{…}, …]}`, the body of PUT /v1/templates (docs/definitions.md section 4). A
// row has either sms_segments or sms_text, which is measured as [Segments] does and forgotten. The error is
// [listfile.RowErrors] with all problems of the list.
func ParseTemplatesJSON(body []byte) ([]Template, error) {
	return parseTemplates(body, listfile.ReadJSON)
}

// ParseTemplatesYAML reads the same fields from a YAML document `templates:` with a list of rows.
func ParseTemplatesYAML(body []byte) ([]Template, error) {
	return parseTemplates(body, listfile.ReadYAML)
}

// ParseTemplatesCSV reads the same fields from a CSV file whose first line names them, as [ParseTariffsCSV] does.
func ParseTemplatesCSV(body []byte) ([]Template, error) {
	return parseTemplates(body, listfile.ReadCSV)
}

// TemplatesJSON writes what [ParseTemplatesJSON] reads.
func TemplatesJSON(templates []Template) ([]byte, error) {
	body, err := json.Marshal(map[string][]TemplateRow{"templates": templateRows(templates)})
	if err != nil {
		return nil, fmt.Errorf("write templates as JSON: %w", err)
	}
	return body, nil
}

// TemplatesYAML writes what [ParseTemplatesYAML] reads.
func TemplatesYAML(templates []Template) ([]byte, error) {
	return listfile.WriteYAML("templates", templateRows(templates))
}

// TemplatesCSV writes what [ParseTemplatesCSV] reads.
func TemplatesCSV(templates []Template) ([]byte, error) {
	return listfile.WriteCSV([]string{"template", "sms_segments", "valid_from", "valid_to"}, len(templates),
		func(row int) []string {
			r := templates[row].row()
			return []string{r.Template, strconv.Itoa(int(r.SMSSegments)), r.ValidFrom, orEmpty(r.ValidTo)}
		})
}

func templateRows(templates []Template) []TemplateRow {
	rows := make([]TemplateRow, len(templates))
	for i := range templates {
		rows[i] = templates[i].row()
	}
	return rows
}

func parseTemplates(body []byte, read listfile.Reader) ([]Template, error) {
	var p listfile.Problems
	rows := read(body, templateList(), &p)
	templates := make([]Template, len(rows))
	periods := make([]period[string], 0, len(rows))
	for i := range rows {
		r := &rows[i]
		templates[i] = parseTemplate(r)
		templates[i].check(r.Refuse)
		if r.Sound("template", "valid_from", "valid_to") {
			periods = append(periods, templates[i].period(i))
		}
	}
	overlaps(periods, func(row, with int) {
		p.Add(rows[row].Number, rows[row].Line, "", templateOverlap(rows[with].Number, &templates[with]))
	})
	if err := p.Err(); err != nil {
		return nil, err
	}
	return templates, nil
}

func parseTemplate(r *listfile.Row) Template {
	t := Template{
		Template: r.Needed("template", `"order"`),
		FromMS:   r.Time("valid_from", 0),
		ToMS:     r.Time("valid_to", schema.Never),
	}
	if !r.Has("valid_from") {
		r.Refuse("valid_from", "is required, such as "+listfile.TimeExample)
	}
	switch hasText, hasSegments := r.Has("sms_text"), r.Has("sms_segments"); {
	case hasText && hasSegments:
		r.Refuse("sms_segments", "and sms_text are both there: leave one out, for the text says how many segments it "+
			"takes")
	case hasText:
		t.SMSSegments = parseText(r)
	case hasSegments:
		t.SMSSegments = parseSegments(r)
	default:
		r.Refuse("sms_segments", "or sms_text is required: how many segments the text takes as SMS, such as 2, or "+
			"the text itself")
	}
	if !r.Sound("sms_text") {
		t.SMSSegments = 1 // what is wrong is the text; about the number there is nothing to say
	}
	return t
}

// parseText measures an SMS text, within the limits of events.
func parseText(r *listfile.Row) uint16 {
	s := r.Text("sms_text", "")
	if !r.Sound("sms_text") {
		return 0
	}
	segments := 0
	switch {
	case s == "":
		r.Refuse("sms_text", "is empty: leave it out and give sms_segments, or write the text")
	case utf8.RuneCountInString(s) > schema.MaxSMSCharacters:
		r.Refuse("sms_text", fmt.Sprintf("must have at most %d characters, as in events", schema.MaxSMSCharacters))
	default:
		if segments = Segments(s); segments > MaxTemplateSegments {
			r.Refuse("sms_text", fmt.Sprintf("takes %d segments, and an SMS has at most %d", segments,
				MaxTemplateSegments))
		}
	}
	return uint16(segments)
}

func parseSegments(r *listfile.Row) uint16 {
	v := r.Value("sms_segments")
	n, err := strconv.ParseUint(v.Text, 10, 16)
	if v.Kind == listfile.Other || err != nil || strings.HasPrefix(v.Text, "0") {
		r.Refuse("sms_segments", segmentsRule)
		return 0
	}
	return uint16(n)
}

const segmentsRule = "must be a whole number from 1 to 255"

// ValidateTemplates judges a list as the parsers do. The error is [listfile.RowErrors].
func ValidateTemplates(templates []Template) error {
	var p listfile.Problems
	if len(templates) > MaxTemplates {
		p.Add(0, 0, "", listfile.TooMany(templateList()))
		return p.Err()
	}
	periods := make([]period[string], 0, len(templates))
	for i := range templates {
		templates[i].check(func(field, reason string) { p.Add(i+1, 0, field, reason) })
		periods = append(periods, templates[i].period(i))
	}
	overlaps(periods, func(row, with int) { p.Add(row+1, 0, "", templateOverlap(with+1, &templates[with])) })
	return p.Err()
}

func (t *Template) check(refuse func(field, reason string)) {
	if t.Template == "" {
		refuse("template", "must not be empty: write the name that events carry as template")
	}
	listfile.CheckText("template", t.Template, refuse)
	if t.SMSSegments < 1 || t.SMSSegments > MaxTemplateSegments {
		refuse("sms_segments", segmentsRule)
	}
	checkValidity(t.FromMS, t.ToMS, refuse)
}

func (t *Template) period(row int) period[string] {
	return period[string]{keys: t.Template, fromMS: t.FromMS, toMS: t.ToMS, row: row}
}

func templateOverlap(row int, t *Template) string {
	return fmt.Sprintf("has the same template as row %d and overlaps its validity, %s: end one row where the other "+
		"begins",
		row, validityText(t.FromMS, t.ToMS))
}
