package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kaskad/money"
)

func TestSMSCommand_Read(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(file, []byte("\ufeffПривет\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	latin := filepath.Join(dir, "cp1251.txt")
	if err := os.WriteFile(latin, []byte{0xcf, 0xf0}, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		command smsCommand
		in      string
		want    string
	}{
		"Text": {smsCommand{Text: "Привет\n"}, "", "Привет\n"},
		"TextLikeAPath": {smsCommand{Text: filepath.Join(dir, "no such file")}, "",
			filepath.Join(dir, "no such file")},
		"TextNamesADir":  {smsCommand{Text: dir}, "", dir},
		"ArgumentIsFile": {smsCommand{Text: file}, "", "Привет"},
		"File":           {smsCommand{File: file}, "", "Привет"},
		"Input":          {smsCommand{}, "two\nlines\n\n", "two\nlines"},
		"NoInput":        {smsCommand{}, "", ""},
	} {
		if got, err := c.command.read(strings.NewReader(c.in)); err != nil || got != c.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
	}
	for word, c := range map[string]smsCommand{"not both": {Text: "a", File: file}, "UTF-8": {Text: latin}} {
		if _, err := c.read(strings.NewReader("")); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v, want %q", c, err, word)
		}
	}
	for _, args := range [][]string{{"sms", "hello"}, {"sms", file}, {"sms", "--file", file, "--json"}, {"sms"}} {
		if _, err := parser(&Commands{}).Parse(args); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestExplainSMS_Words(t *testing.T) {
	a := strings.Repeat("a", 159)
	for text, wants := range map[string][]string{
		"hi": {"1 SMS: as GSM-7, where 160 characters fit into one SMS, 153 into each of several.\n2 " +
			"characters long", "158 free"},
		a + "aa": {"2 SMS", "Shorter by 1 character it would take 1 SMS."},
		a + "’": {"3 SMS: as UCS-2", "1 character is not in GSM-7",
			"’  U+2019, once, first at character 160: write '\n", "takes 1 SMS, 2 fewer:\n" + a + "'\n"},
		a + "👋": {"👋  U+1F44B, once, first at character 160\n",
			"Without them the text would take 1 SMS, 2 fewer."},
		"a\u200bb\u200b": {"2 characters are not",
			`\u200b  U+200B, 2 times, first at character 2: leave it out, it can't be seen`, "costs nothing more"},
		"Съешь ещё булок!": {"1 SMS", "13 of its characters are not in GSM-7", "only be made shorter"},
	} {
		got := explainSMS(money.ExplainSMS(text))
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%.30q: %s\ndoes not say %q", text, got, want)
			}
		}
	}
}
