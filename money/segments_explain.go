package money

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Explanation tells why a text costs what it costs as SMS and what would make it cheaper. It holds characters of the
// text: it is an answer to the person who sent it, never something to store.
type Explanation struct {
	Measure
	// ForcedBy lists the characters that GSM-7 lacks in the order of their first appearance; empty for a GSM-7 text.
	ForcedBy []ForcedBy `json:"forced_by"`
	// Suggestion is the text with every replacement made. It is null when a character of the text has none, for such a
	// text stays UCS-2, and when it would take more segments than now.
	Suggestion *Suggestion `json:"suggestion"`
	// WithoutForced is what the text takes when the characters of ForcedBy are left out; null for a GSM-7 text.
	WithoutForced *Alternative `json:"without_forced"`
}

// ForcedBy is a character that GSM-7 lacks and so makes the whole text UCS-2.
type ForcedBy struct {
	Char string `json:"char"`
	// Code is the Unicode code point, such as U+2019. Bytes that are not UTF-8 are U+FFFD.
	Code  string `json:"code"`
	Count int    `json:"count"`
	// FirstAt is the place of its first appearance, in characters (Unicode code points) from 1.
	FirstAt int `json:"first_at"`
	// Replacement is what GSM-7 has for it and the reader takes for the same: "" for a character that can't be seen,
	// null when there is none.
	Replacement *string `json:"replacement"`
}

// Alternative is what another wording of a text takes.
type Alternative struct {
	Encoding Encoding `json:"encoding"`
	Units    int      `json:"units"`
	Segments int      `json:"segments"`
	// SegmentsSaved is the segments of the text as it is less those of this wording.
	SegmentsSaved int `json:"segments_saved"`
}

// Suggestion is a wording that reads the same, and what it takes.
type Suggestion struct {
	Text string `json:"text"`
	Alternative
}

// ExplainSMS measures a text by the rules of [Segments] and explains the result. Replacements keep what the reader
// sees: straight quotes, hyphens, three dots, plain spaces. A Cyrillic letter becomes its Latin twin only in a text
// that is Latin otherwise, where it is a slip of the keyboard; Russian is never rewritten. It costs microseconds, not
// the nanoseconds of [MeasureSMS].
func ExplainSMS(text string) Explanation {
	e := Explanation{Measure: MeasureSMS(text), ForcedBy: []ForcedBy{}}
	if e.Encoding == GSM7 {
		return e
	}
	twins := strayTwins(text)
	index := map[rune]int{}
	replaceable := true
	var fixed, kept strings.Builder
	position := 0
	for _, r := range text {
		position++
		if gsmWidth(r) > 0 {
			fixed.WriteRune(r)
			kept.WriteRune(r)
			continue
		}
		i, seen := index[r]
		if !seen {
			i = len(e.ForcedBy)
			index[r] = i
			e.ForcedBy = append(e.ForcedBy, ForcedBy{Char: string(r), Code: fmt.Sprintf("%U", r), FirstAt: position})
			if s, ok := replacement(r); ok {
				e.ForcedBy[i].Replacement = &s
			} else if s, ok := latinTwin(r); ok && twins {
				e.ForcedBy[i].Replacement = &s
			} else {
				replaceable = false
			}
		}
		e.ForcedBy[i].Count++
		if s := e.ForcedBy[i].Replacement; s != nil {
			fixed.WriteString(*s)
		}
	}
	without := e.alternative(kept.String())
	e.WithoutForced = &without
	if replaceable {
		if s := (Suggestion{Text: fixed.String(), Alternative: e.alternative(fixed.String())}); s.SegmentsSaved >= 0 {
			e.Suggestion = &s
		}
	}
	return e
}

// alternative compares another wording with the explained one.
func (e Explanation) alternative(text string) Alternative {
	m := MeasureSMS(text)
	return Alternative{Encoding: m.Encoding, Units: m.Units, Segments: m.Segments,
		SegmentsSaved: e.Segments - m.Segments}
}

// The Cyrillic letters that look like a Latin one, and those, in the same order.
const (
	cyrillicTwins = "АВЕЅІЈКМНОРСТУХаеѕіјорсух"
	latinTwins    = "ABESIJKMHOPCTYXaesijopcyx"
)

// latinTwin returns the Latin letter that a Cyrillic one looks like.
func latinTwin(r rune) (string, bool) {
	i := strings.IndexRune(cyrillicTwins, r)
	if i < 0 {
		return "", false
	}
	i /= utf8.RuneLen(r) // They are two bytes each.
	return latinTwins[i : i+1], true
}

// strayTwins tells whether the Cyrillic letters of a text are strays in a Latin one: each has a Latin twin, and Latin
// letters outnumber them.
func strayTwins(text string) bool {
	latin, strays := 0, 0
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			if unicode.IsLetter(r) {
				latin++
			}
		case unicode.Is(unicode.Cyrillic, r):
			if _, ok := latinTwin(r); !ok {
				return false
			}
			strays++
		}
	}
	return strays < latin
}

// replacement returns what GSM-7 has for a character that it lacks, "" for one to be left out.
func replacement(r rune) (string, bool) {
	switch r {
	case '«', '»', '“', '”', '„', '‟', '″', '〝', '〞', 'ˮ':
		return `"`, true
	case '‘', '’', '‚', '‛', '‹', '›', '′', 'ʼ', 'ʻ', 'ʹ', '´', '`', '＇', '｀':
		return "'", true
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃', '﹣', '•', '‣':
		return "-", true
	case '…':
		return "...", true
	case '‥':
		return "..", true
	case '·', '∙', '․':
		return ".", true
	case '\t', '\u00A0', '\u1680', '\u202F', '\u205F', '\u3000':
		return " ", true
	case '\u0085', '\u2028', '\u2029', '\v':
		return "\n", true
	case '\u00AD', '\u200B', '\u200E', '\u202A', '\u202C', '\u202D', '\u2060', '\u2066', '\u2068', '\u2069', '\uFEFF':
		return "", true // Soft hyphen, zero-width space and joiner, marks left by copying, byte order mark.
	case '×', '✕':
		return "x", true
	case '÷', '⁄', '∕':
		return "/", true
	case '±':
		return "+/-", true
	case '→':
		return "->", true
	case '←':
		return "<-", true
	case '≤':
		return "<=", true
	case '≥':
		return ">=", true
	case '≈':
		return "~", true
	case '¦':
		return "|", true
	case '№':
		return "No", true
	case '©':
		return "(c)", true
	case '®':
		return "(R)", true
	case '™':
		return "TM", true
	case '½':
		return "1/2", true
	case '¼':
		return "1/4", true
	case '¾':
		return "3/4", true
	case '₽':
		return "RUB", true
	case '₴':
		return "UAH", true
	case '₸':
		return "KZT", true
	case 'ﬁ':
		return "fi", true
	case 'ﬂ':
		return "fl", true
	case '\u2126': // The ohm sign, which Unicode itself takes for the Greek letter.
		return "Ω", true
	case '\u212B': // The ångström sign, likewise.
		return "Å", true
	}
	switch {
	case r < ' ' || r == '\u007F':
		return "", true // Control characters, ESC among them.
	case r >= '\u2000' && r <= '\u200A':
		return " ", true // Spaces of all widths.
	case r >= '！' && r <= '～':
		return string(r - '！' + '!'), true // Full-width ASCII.
	}
	// GSM-7 has only those Greek capitals that have no Latin twin: the twins are meant to be sent as Latin letters.
	if i := strings.IndexRune(greekTwins, r); i >= 0 {
		i /= utf8.RuneLen(r)
		return latinCapitals[i : i+1], true
	}
	return "", false
}

const (
	greekTwins    = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
	latinCapitals = "ABEZHIKMNOPTYX"
)
