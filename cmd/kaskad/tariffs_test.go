package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

// command runs the program with a standard input and returns what it prints and its exit code.
func command(t testing.TB, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asKaskad+"=")
	var out, problems strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), problems.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed and returns what it prints.
func must(t testing.TB, input string, args ...string) string {
	t.Helper()
	stdout, stderr, code := command(t, input, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("kaskad %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

func write(t testing.TB, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var exampleFiles = map[string]string{
	"tariffs":   filepath.Join("..", "..", "docs", "tariffs.example.yaml"),
	"templates": filepath.Join("..", "..", "docs", "templates.example.yaml"),
}

// The sample files are right, and say what their comments say.
func TestTariffsCheck_ExampleFiles(t *testing.T) {
	for kind, name := range exampleFiles {
		if out := must(t, "", kind, "check", name); !strings.Contains(out, kind+", nothing wrong") {
			t.Errorf("%s: %s", kind, out)
		}
	}
	body, err := os.ReadFile(exampleFiles["tariffs"])
	if err != nil {
		t.Fatal(err)
	}
	tariffs, err := money.ParseTariffsYAML(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []money.Tariff{
		{Channel: "sms", Billing: money.PerSegmentSent, Price: 2_000_000},
		{Channel: "push", Billing: money.PerMessageSent, Price: 360_000},
		{Channel: "flash_call", Billing: money.AttemptPlusConnect, Price: 100_000, ConnectPrice: 700_000},
		{Channel: "viber", Billing: money.PerMessageDelivered, Price: 750_000, MonthlyMinimum: 60_000 * 750_000},
		{Channel: "whatsapp", Billing: money.PerConversation24h, Price: 4_500_000},
		{Channel: "vk", Billing: money.PerMessageDelivered, Price: 900_000},
		{Channel: "ok", Billing: money.PerMessageDelivered, Price: 900_000},
	} {
		if !slices.ContainsFunc(tariffs, func(r money.Tariff) bool {
			return r.Channel == want.Channel && r.Billing == want.Billing && r.Price == want.Price &&
				r.ConnectPrice == want.ConnectPrice &&
				r.MonthlyMinimum == want.MonthlyMinimum && r.Currency == "RUB" && r.Operator == "*"
		}) {
			t.Errorf("the sample does not have %+v", want)
		}
	}
	if body, err = os.ReadFile(exampleFiles["templates"]); err != nil {
		t.Fatal(err)
	}
	templates, err := money.ParseTemplatesYAML(body)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range templates {
		got = append(got, fmt.Sprint(r.Template, " ", r.SMSSegments, " ", r.ToMS == schema.Never))
	}
	if want := []string{"otp 1 true", "order 2 false", "order 1 true", "bday 4 true"}; !slices.Equal(got, want) {
		t.Errorf("templates %q, want %q", got, want)
	}
}

// All problems of a messy file come at once, each with its line.
func TestTariffsCheck_ListsEveryProblem(t *testing.T) {
	for _, c := range []struct {
		kind, file, body string
		want             []string // FILE:LINE: field: and a word of the reason
	}{
		{"tariffs", "t.yaml", "tariffs:\n- channel: pigeon\n  valid_from: 2026-01-01T00:00:00Z\n  currency: RUBLE\n  " +
			"billing: per_message_sent\n  price: -0.1234567\n" +
			"- channel: push\n  valid_from: 2026-01-01T00:07:00Z\n  currency: RUB\n  billing: per_segment_send\n  " +
			"price: 1\n  prise: 2\n" +
			"- channel: push\n  valid_from: 2026-01-01T00:00:00Z\n  currency: RUB\n  billing: zero\n" +
			"- channel: push\n  valid_from: 2026-02-01T00:00:00Z\n  currency: RUB\n  billing: zero\n",
			[]string{":2: channel: ", ":4: currency: ", ":6: price: ", ":8: valid_from: ", ":10: billing: ",
				":12: prise: ", ":17: "}},
		{"tariffs", "t.csv", "channel,valid_from,currency,billing,price\r\nsms,2026-01-01T00:00:00Z,RUB,per_segment_sent,2.1234567\r\npush,,RUB,per_message_sent,-1\r\n",
			[]string{":2: price: ", ":3: valid_from: ", ":3: price: "}},
		{"tariffs", "t.json", "{\"tariffs\":[\n{\"channel\":\"sms\",\"currency\":\"RUB\",\n\"billing\":\"per_segment_sent\",\n\"price\":\"2,00\"}]}",
			[]string{":2: valid_from: ", ":4: price: "}},
		{"tariffs", "z.yaml", "billing_zone: Moscow\ntariffs:\n- channel: push\n  valid_from: 2026-01-01T00:00:00Z\n " +
			" currency: RUB\n  billing: zero\n  prise: 1\n",
			[]string{": billing_zone: ", ":7: prise: "}},
		{"tariffs", "zones.yaml", "billing_zone: [a, b]\ntariffs: []\n", []string{":1: billing_zone: "}},
		{"tariffs", "broken.yml", "tariffs:\n - a\n- b: [", []string{":2: "}},
		{"templates", "t.yaml", "templates:\n- template: a\n  sms_segments: 0\n  valid_from: 2026-01-01T00:00:00Z\n- " +
			"sms_text: x\n  valid_from: 2026-01-01T00:00:00Z\n",
			[]string{":3: sms_segments: ", ":5: template: "}},
	} {
		t.Run(c.kind+"/"+c.file, func(t *testing.T) {
			file := write(t, c.file, c.body)
			stdout, stderr, code := command(t, "", c.kind, "check", file)
			lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			if code != 1 || len(lines) != len(c.want) ||
				!strings.Contains(stderr, fmt.Sprintf("%s: %d problem", file, len(c.want))) {
				t.Errorf("exit %d, %d problems, want 1 and %d:\n%s%s", code, len(lines), len(c.want), stdout, stderr)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(lines,
					func(line string) bool {
						return strings.HasPrefix(line, file+want) &&
							len(line) > len(file+want)+10
					}) {
					t.Errorf("no line begins with %q:\n%s", want, stdout)
				}
			}
		})
	}
	sms := "channel,valid_from,currency,billing,price\nsms,2026-01-01T00:00:00Z,RUB,per_segment_sent,2\n"
	if out := must(t, sms, "tariffs", "check", "-", "--format", "csv"); out != "-: 1 tariffs, nothing wrong\n" {
		t.Errorf("standard input: %s", out)
	}
	for _, args := range [][]string{{"-"}, {write(t, "prices.txt", sms)}} {
		if _, stderr, code := command(t, sms, append([]string{"tariffs", "check"}, args...)...); code == 0 ||
			!strings.Contains(stderr, "--format") {
			t.Errorf("%s without --format: exit %d, %s", args, code, stderr)
		}
	}
	if _, stderr, code := command(t, "", "tariffs", "check", filepath.Join(t.TempDir(), "none.yaml")); code != 1 ||
		!strings.Contains(stderr, "none.yaml") {
		t.Errorf("a file that is not there: exit %d, %s", code, stderr)
	}
}

func testImportsTariffs(t *testing.T, k *kaskad) {
	here := []string{"--account", "acme", "--data", k.dir}
	version := func() (list struct{ Version int }) {
		k.get("/v1/tariffs?account=acme", &list)
		return list
	}
	imports := func(file string, more ...string) string {
		t.Helper()
		return must(t, "", append(append([]string{"tariffs", "import", file}, here...), more...)...)
	}

	first := "channel,valid_from,valid_to,currency,billing,price\n" +
		"sms,2026-01-01T00:00:00Z,,RUB,per_segment_sent,2\n" +
		"viber,2026-01-01T00:00:00Z,,RUB,per_message_delivered,0.75\n" +
		"email,2026-01-01T00:00:00Z,,RUB,zero,\n"
	plus := "+ channel=sms valid_from=2026-01-01T00:00:00Z billing=per_segment_sent currency=RUB price=2.00\n" +
		"+ channel=viber valid_from=2026-01-01T00:00:00Z billing=per_message_delivered currency=RUB price=0.75\n" +
		"+ channel=email valid_from=2026-01-01T00:00:00Z billing=zero currency=RUB price=0.00\n" +
		"tariffs of acme: 3 added, 0 removed, 0 changed, 0 as they were\n"
	file := write(t, "first.csv", first)
	if got, want := imports(file, "--dry-run"), plus+"version 0 stays (--dry-run)\n"; got != want ||
		version().Version != 0 {
		t.Errorf("dry run prints\n%s want\n%s and leaves version %d", got, want, version().Version)
	}
	if got, want := imports(file), plus+"version 0 → 1\n"; got != want || version().Version != 1 {
		t.Errorf("import prints\n%s want\n%s and leaves version %d", got, want, version().Version)
	}
	if got, want := imports(file, "--url", "http://"+k.address),
		"tariffs of acme: 0 added, 0 removed, 0 changed, 3 as they were\nversion 1 stays\n"; got != want ||
		version().Version != 1 {
		t.Errorf("the same again prints\n%s and leaves version %d", got, version().Version)
	}
	second := strings.ReplaceAll(first, "0.75", "0.8125")
	second = strings.ReplaceAll(second, "email,2026-01-01T00:00:00Z,,RUB,zero,\n", "")
	second = strings.ReplaceAll(second, "sms,2026-01-01T00:00:00Z,,", "sms,2026-01-01T00:00:00Z,2026-07-01T00:00:00Z,")
	changes := "~ channel=sms valid_from=2026-01-01T00:00:00Z: valid_to none → 2026-07-01T00:00:00Z\n" +
		"~ channel=viber valid_from=2026-01-01T00:00:00Z: price 0.75 → 0.8125\n" +
		"- channel=email valid_from=2026-01-01T00:00:00Z billing=zero currency=RUB price=0.00\n" +
		"tariffs of acme: 0 added, 1 removed, 2 changed, 0 as they were\nversion 1 → 2\n"
	if got := must(t, second, append([]string{"tariffs", "import", "-", "--format", "csv"},
		here...)...); got != changes {
		t.Errorf("the second import prints\n%s want\n%s", got, changes)
	}

	// What is written in any form is, imported, what was there.
	for _, name := range []string{"out.yaml", "out.csv", "out.json"} {
		path := filepath.Join(t.TempDir(), name)
		if got, want := must(t, "", append([]string{"tariffs", "export", path}, here...)...),
			fmt.Sprintf("wrote tariffs of acme, version 2, to %s\n", path); got != want {
			t.Errorf("%s: export prints %s", name, got)
		}
		if got := imports(path); !strings.HasSuffix(got, "2 as they were\nversion 2 stays\n") {
			t.Errorf("%s: importing what was exported prints\n%s", name, got)
		}
	}
	old := must(t, "", append([]string{"tariffs", "export", "--at-version", "1"}, here...)...)
	if !strings.HasPrefix(old, `# tariffs of account "acme", version 1, put at `+
		sharedNow.Format("2006-01-02T15:04:05.000Z")+"\ntariffs:\n") {
		t.Errorf("version 1 is exported as\n%s", old)
	}
	if got := must(t, old, append([]string{"tariffs", "import", "-", "--format", "yaml"},
		here...)...); !strings.HasSuffix(got, "1 added, 0 removed, 2 changed, 0 as they were\nversion 2 → 3\n") {
		t.Errorf("going back to version 1 prints\n%s", got)
	}

	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"tariffs", "export", "--account", "nobody", "--data", k.dir}, `account "nobody" has no tariffs`},
		{[]string{"tariffs", "export", "--data", k.dir}, "--account"},
		{[]string{"tariffs", "import", write(t, "bad.csv", strings.ReplaceAll(first, "0.75", "-1")), "--account",
			"acme", "--data", k.dir}, "1 problem; nothing was changed"},
		{[]string{"tariffs", "import", file, "--account", "acme", "--data", t.TempDir()}, "or say --url"},
		{[]string{"tariffs", "import", file, "--account", "acme", "--url", "127.0.0.1:8080"}, "--url"},
		{[]string{"tariffs", "import", file, "--account", "", "--data", k.dir}, "account"},
	} {
		if _, stderr, code := command(t, "", c.args...); code == 0 || !strings.Contains(stderr, c.words) {
			t.Errorf("kaskad %s: exit %d, %q does not say %q", strings.Join(c.args, " "), code, stderr, c.words)
		}
	}
	if version().Version != 3 {
		t.Errorf("version %d, want 3", version().Version)
	}

	// The zone in which providers close the month travels with the list; a CSV has no place for it and leaves it as it
	// is.
	zone := func() (list struct {
		Zone string `json:"billing_zone"`
	}) {
		k.get("/v1/tariffs?account=acme", &list)
		return list
	}
	rows := must(t, "", append([]string{"tariffs", "export"}, here...)...)
	if got := imports(write(t, "zone.yaml", "billing_zone: Europe/Moscow\n"+rows)); !strings.Contains(got,
		"~ billing_zone: UTC → Europe/Moscow\n") || zone().Zone != "Europe/Moscow" {
		t.Errorf("a zone is imported as %q:\n%s", zone().Zone, got)
	}
	for _, name := range []string{"zone.yaml", "zone.csv", "zone.json"} {
		path := filepath.Join(t.TempDir(), name)
		must(t, "", append([]string{"tariffs", "export", path}, here...)...)
		if got := imports(path); !strings.HasSuffix(got, "3 as they were\nversion 4 stays\n") ||
			zone().Zone != "Europe/Moscow" {
			t.Errorf("%s: importing what was exported leaves zone %q and prints\n%s", name, zone().Zone, got)
		}
	}
	if got := imports(write(t, "dearer.csv", strings.ReplaceAll(first, "0.75", "0.80"))); !strings.HasSuffix(got,
		"version 4 → 5\n") || zone().Zone != "Europe/Moscow" {
		t.Errorf("a CSV leaves zone %q:\n%s", zone().Zone, got)
	}
	if got := imports(write(t, "utc.yaml", rows)); !strings.Contains(got, "~ billing_zone: Europe/Moscow → UTC\n") ||
		zone().Zone != "UTC" {
		t.Errorf("a list without a zone leaves %q:\n%s", zone().Zone, got)
	}

	// Both sample files, on a version count of their own.
	for kind, name := range exampleFiles {
		if got := must(t, "", append([]string{kind, "import", name}, here...)...); !strings.Contains(got, "version ") {
			t.Errorf("%s: %s", kind, got)
		}
	}
	var templates struct {
		Version   int
		Templates []struct {
			Template    string
			SMSSegments int `json:"sms_segments"`
		}
	}
	k.get("/v1/templates?account=acme", &templates)
	if templates.Version != 1 || len(templates.Templates) != 4 || templates.Templates[1].SMSSegments != 2 {
		t.Errorf("templates %+v", templates)
	}
}

// Somebody else replaces the list between the comparison and the import: the import says so and changes nothing.
func TestTariffsImport_Conflict(t *testing.T) {
	var put string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(map[string]any{"account": "acme", "version": 7,
				"at": "2026-11-20T00:00:00.000Z", "tariffs": []any{}})
			return
		}
		put = r.URL.RawQuery
		w.WriteHeader(http.StatusPreconditionFailed)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": "not at version 7 any more"})
	}))
	defer server.Close()
	file := write(t, "t.csv", "channel,valid_from,currency,billing,price\nsms,2026-01-01T00:00:00Z,RUB,per_segment_sent,2\n")
	_, stderr, code := command(t, "", "tariffs", "import", file, "--account", "acme", "--url", server.URL)
	if code != 1 || !strings.Contains(stderr, "not at version 7 any more") || put != "account=acme&if_version=7" {
		t.Errorf("exit %d, %s (PUT ?%s)", code, stderr, put)
	}
}

func TestPrintDifference_EveryField(t *testing.T) {
	before := listfile.Record{"template": "a b", "valid_from": "f", "sms_segments": json.Number("1"), "valid_to": nil}
	after := listfile.Record{"template": "a b", "valid_from": "f", "sms_segments": json.Number("2"), "valid_to": ""}
	var out strings.Builder
	printDifference(&out, listfile.Compare(money.TemplateKeys(), []listfile.Record{before}, []listfile.Record{after}))
	if got, want := out.String(), "~ template=\"a b\" valid_from=f: sms_segments 1 → 2, valid_to none → \"\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
