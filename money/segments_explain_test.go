package money

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestExplainSMS_Suggestions(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		want  string // The suggested text, "" for none.
		saved int
	}{
		{"plain", "Your code is 1234", "", 0},
		{"quotes, dash and dots", "“It’s” – «ok»…", `"It's" - "ok"...`, 0},
		{"spaces", "a\u00A0b\u2009c\td", "a b c d", 0},
		{"unseen", "\uFEFFa\u200Bb\u00AD\x1b", "ab", 0},
		{"one Cyrillic letter", a(159) + "е", a(159) + "e", 2},
		{"Cyrillic twins in a Latin text", "Your сode is 1234", "Your code is 1234", 0},
		{"Cyrillic word in a Latin text", "Code for Сергей", "", 0},
		{"Cyrillic word of twins alone", "СМС", "", 0},
		{"Russian with quotes", "Заказ «42» готов", "", 0},
		{"emoji beside a quote", "It’s ok 😎", "", 0},
		{"bad byte", "ok\xff", "", 0},
		{"Greek capitals", "ΚΑΛΗΜΕΡΑ", "KAΛHMEPA", 0},
		{"full width", "ＯＫ！", "OK!", 0},
		{"backtick", "`code`", "'code'", 0},
		{"a replacement that would cost more", rep("…", 70), "", 0},
		{"long with a quote", a(100) + "’", a(100) + "'", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ExplainSMS(c.text)
			switch {
			case c.want == "" && e.Suggestion != nil:
				t.Fatalf("suggests %q, want none", e.Suggestion.Text)
			case c.want == "":
			case e.Suggestion == nil:
				t.Fatalf("suggests nothing, want %q", c.want)
			case e.Suggestion.Text != c.want || e.Suggestion.Encoding != GSM7 || e.Suggestion.SegmentsSaved != c.saved:
				t.Errorf("got %+v, want %q, GSM-7, %d saved", *e.Suggestion, c.want, c.saved)
			}
		})
	}
}

func TestExplainSMS_ForcedBy(t *testing.T) {
	e := ExplainSMS("aé’b😎’\xff\xfe")
	type row struct {
		char, code     string
		count, firstAt int
		replacement    string
	}
	want := []row{{"’", "U+2019", 2, 3, "'"}, {"😎", "U+1F60E", 1, 5, "null"}, {"\uFFFD", "U+FFFD", 2, 7, "null"}}
	if len(e.ForcedBy) != len(want) {
		t.Fatalf("got %+v, want %+v", e.ForcedBy, want)
	}
	for i, f := range e.ForcedBy {
		got := row{f.Char, f.Code, f.Count, f.FirstAt, "null"}
		if f.Replacement != nil {
			got.replacement = *f.Replacement
		}
		if got != want[i] {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
	}
	if e.WithoutForced == nil || *e.WithoutForced != (Alternative{GSM7, 3, 1, 0}) {
		t.Errorf("without them %+v, want GSM-7, 3 units, 1 segment", e.WithoutForced)
	}
}

func TestExplainSMS_JSON(t *testing.T) {
	for text, want := range map[string]string{
		"ok": `{"encoding":"GSM-7","units":2,"segments":1,"per_segment":160,"over_by":0,"units_left":158,"forced_chars":0,` +
			`"forced_by":[],"suggestion":null,"without_forced":null}`,
		a(159) + "е": `{"encoding":"UCS-2","units":160,"segments":3,"per_segment":67,"over_by":26,"units_left":41,"forced_chars":1,` +
			`"forced_by":[{"char":"е","code":"U+0435","count":1,"first_at":160,"replacement":"e"}],` +
			`"suggestion":{"text":"` + a(159) + `e","encoding":"GSM-7","units":160,"segments":1,"segments_saved":2},` +
			`"without_forced":{"encoding":"GSM-7","units":159,"segments":1,"segments_saved":2}}`,
	} {
		got, err := json.Marshal(ExplainSMS(text))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Every replacement is GSM-7 by itself, or the suggestion would not be.
func TestReplacement_IsGSM7(t *testing.T) {
	septets := oracleSeptets()
	replaced := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if gsmWidth(r) > 0 {
			continue
		}
		for _, of := range []func(rune) (string, bool){replacement, latinTwin} {
			s, ok := of(r)
			if !ok {
				continue
			}
			replaced++
			for _, c := range s {
				if septets[c] == nil {
					t.Errorf("%U becomes %q, which GSM-7 lacks", r, s)
				}
			}
		}
	}
	if replaced < 200 {
		t.Errorf("%d characters have a replacement, want hundreds", replaced)
	}
}

func TestLatinTwin_SameLetters(t *testing.T) {
	if utf8.RuneCountInString(cyrillicTwins) != len(latinTwins) ||
		utf8.RuneCountInString(greekTwins) != len(latinCapitals) {
		t.Fatal("the letters and their twins differ in number")
	}
	for i, r := range []rune(cyrillicTwins) {
		latin, ok := latinTwin(r)
		if !ok || latin != latinTwins[i:i+1] || !unicode.Is(unicode.Cyrillic, r) ||
			unicode.IsUpper(r) != unicode.IsUpper(rune(latin[0])) {
			t.Errorf("%U becomes %q, %t", r, latin, ok)
		}
	}
	for _, r := range greekTwins {
		if latin, ok := replacement(r); !ok || !unicode.Is(unicode.Greek, r) || len(latin) != 1 {
			t.Errorf("%U becomes %q, %t", r, latin, ok)
		}
	}
}

// checkExplanation holds an explanation against its text: counts and places are those of the text, and a suggestion is
// GSM-7, no dearer, and explained itself by nothing.
func checkExplanation(t fataler, text string) {
	e := ExplainSMS(text)
	if e.Measure != MeasureSMS(text) {
		t.Fatalf("%q: explained as %+v", text, e.Measure)
	}
	runes, sum := []rune(text), 0
	removed := text
	for i, f := range e.ForcedBy {
		sum += f.Count
		if i > 0 && f.FirstAt <= e.ForcedBy[i-1].FirstAt || string(runes[f.FirstAt-1]) != f.Char {
			t.Fatalf("%q: %q is not at character %d", text, f.Char, f.FirstAt)
		}
		removed = strings.ReplaceAll(strings.ToValidUTF8(removed, ""), f.Char, "")
	}
	if sum != e.ForcedChars || (e.WithoutForced == nil) != (sum == 0) {
		t.Fatalf("%q: %d characters listed, %d forced, without them %+v", text, sum, e.ForcedChars, e.WithoutForced)
	}
	if w := e.WithoutForced; w != nil {
		m := MeasureSMS(removed)
		if *w != (Alternative{GSM7, m.Units, m.Segments, e.Segments - m.Segments}) {
			t.Fatalf("%q: without the forced characters %+v, want %+v", text, *w, m)
		}
	}
	if s := e.Suggestion; s != nil {
		again := ExplainSMS(s.Text)
		if s.Encoding != GSM7 || s.Segments > e.Segments || len(again.ForcedBy) > 0 || again.Segments != s.Segments ||
			again.Units != s.Units {
			t.Fatalf("%q: suggests %+v", text, *s)
		}
	}
}

func TestExplainSMS_Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkExplanation(t, texts(false).Draw(t, "text")) })
}
