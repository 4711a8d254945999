package client

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"kaskad/money"
)

type smsCommand struct {
	Text string `arg:"" optional:"" name:"text|file" help:"The text, or a file that holds it; without either it is read from standard input."`
	File string `help:"Read the text from a file." type:"existingfile" placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print everything as JSON, as POST /v1/sms/segments answers."`
}

func (c *smsCommand) Run() error {
	text, err := c.read(os.Stdin)
	if err != nil {
		return err
	}
	e := money.ExplainSMS(text)
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(e)
	}
	_, err = io.WriteString(os.Stdout, explainSMS(e))
	return err
}

// read returns the text. An argument that names a file is taken for the file: no text is the path of one that exists.
func (c *smsCommand) read(in io.Reader) (string, error) {
	file := c.File
	switch {
	case file != "" && c.Text != "":
		return "", fmt.Errorf("give a text or --file, not both")
	case file == "" && c.Text != "":
		if about, err := os.Stat(c.Text); err != nil || !about.Mode().IsRegular() {
			return c.Text, nil
		}
		file = c.Text
	}
	name := "standard input"
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read text: %w", err)
		}
		defer f.Close()
		in, name = f, file
	}
	all, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("read text: %w", err)
	}
	if !utf8.Valid(all) {
		return "", fmt.Errorf("%s is not UTF-8: save it as UTF-8, or its characters would be counted wrongly", name)
	}
	// Editors end a file with a line end, and some begin it with a mark; neither is sent.
	return strings.TrimRight(strings.TrimPrefix(string(all), "\ufeff"), "\r\n"), nil
}

// fewForced is how many characters that force UCS-2 are worth a word each. A text with more of them is written in
// another alphabet.
const fewForced = 10

// explainSMS says in words what a text takes and what would make it cheaper.
func explainSMS(e money.Explanation) string {
	var b strings.Builder
	limits, double := "160 characters fit into one SMS, 153 into each of several", "€ ^ { } [ ] ~ | and \\ count double"
	if e.Encoding == money.UCS2 {
		limits, double = "70 characters fit into one SMS, 67 into each of several", "most emoji count double"
	}
	fmt.Fprintf(&b, "%d SMS: as %s, where %s.\n", e.Segments, e.Encoding, limits)
	fmt.Fprintf(&b, "%s long (%s), %d free in the last SMS.\n", plural(e.Units, "character"), double, e.UnitsLeft)
	if e.OverBy > 0 {
		fmt.Fprintf(&b, "Shorter by %s it would take %d SMS.\n", plural(e.OverBy, "character"), e.Segments-1)
	}
	switch {
	case e.Encoding == money.GSM7:
		return b.String()
	case e.Suggestion == nil && e.ForcedChars > fewForced:
		fmt.Fprintf(&b, "%d of its characters are not in GSM-7, the alphabet of 160 characters to an SMS: it can "+
			"only be made shorter.\n", e.ForcedChars)
		return b.String()
	}
	fmt.Fprintf(&b, "%s not in GSM-7, so the whole text has to go as UCS-2:\n",
		are(plural(e.ForcedChars, "character"), e.ForcedChars))
	for _, f := range e.ForcedBy {
		fmt.Fprintf(&b, "  %s  %s, %s, first at character %d", shownChar(f.Char), f.Code, times(f.Count), f.FirstAt)
		switch {
		case f.Replacement == nil:
		case *f.Replacement == "":
			b.WriteString(": leave it out, it can't be seen")
		default:
			fmt.Fprintf(&b, ": write %s", *f.Replacement)
		}
		b.WriteByte('\n')
	}
	switch {
	case e.Suggestion != nil && e.Suggestion.SegmentsSaved > 0:
		fmt.Fprintf(&b, "Written like this it reads the same and takes %d SMS, %d fewer:\n%s\n", e.Suggestion.Segments,
			e.Suggestion.SegmentsSaved, e.Suggestion.Text)
	case e.WithoutForced.SegmentsSaved > 0:
		fmt.Fprintf(&b, "Without them the text would take %d SMS, %d fewer.\n", e.WithoutForced.Segments,
			e.WithoutForced.SegmentsSaved)
	default:
		b.WriteString("That costs nothing more at this length.\n")
	}
	return b.String()
}

// shownChar is a character as a terminal can show it.
func shownChar(char string) string {
	return strings.Trim(strconv.Quote(char), `"`)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}

func are(what string, n int) string {
	if n == 1 {
		return what + " is"
	}
	return what + " are"
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprint(n, " times")
}
