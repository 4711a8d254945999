package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kaskad/cmd/kaskad/commandtest"
	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/listfile"
)

var exampleFiles = map[string]string{
	"tariffs":   filepath.Join("..", "..", "..", "docs", "tariffs.example.yaml"),
	"templates": filepath.Join("..", "..", "..", "docs", "templates.example.yaml"),
}

// The sample files are right, and say what their comments say.
func TestTariffsCheck_ExampleFiles(t *testing.T) {
	for kind, name := range exampleFiles {
		if out := commandtest.Must(t, "", kind, "check", name); !strings.Contains(out, kind+", nothing wrong") {
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
		{"tariffs", "t.csv",
			"channel,valid_from,currency,billing,price\r\nsms,2026-01-01T00:00:00Z,RUB,per_segment_sent,2.1234567\r\npush,,RUB,per_message_sent,-1\r\n",
			[]string{":2: price: ", ":3: valid_from: ", ":3: price: "}},
		{"tariffs", "t.json",
			"{\"tariffs\":[\n{\"channel\":\"sms\",\"currency\":\"RUB\",\n\"billing\":\"per_segment_sent\",\n\"price\":\"2,00\"}]}",
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
			file := commandtest.Write(t, c.file, c.body)
			stdout, stderr, code := commandtest.Run(t, "", c.kind, "check", file)
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
	if out := commandtest.Must(t, sms, "tariffs", "check", "-", "--format",
		"csv"); out != "-: 1 tariffs, nothing wrong\n" {
		t.Errorf("standard input: %s", out)
	}
	for _, args := range [][]string{{"-"}, {commandtest.Write(t, "prices.txt", sms)}} {
		if _, stderr, code := commandtest.Run(t, sms, append([]string{"tariffs", "check"}, args...)...); code == 0 ||
			!strings.Contains(stderr, "--format") {
			t.Errorf("%s without --format: exit %d, %s", args, code, stderr)
		}
	}
	if _, stderr, code := commandtest.Run(t, "", "tariffs", "check", filepath.Join(t.TempDir(),
		"none.yaml")); code != 1 ||
		!strings.Contains(stderr, "none.yaml") {
		t.Errorf("a file that is not there: exit %d, %s", code, stderr)
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
	file := commandtest.Write(t, "t.csv",
		"channel,valid_from,currency,billing,price\nsms,2026-01-01T00:00:00Z,RUB,per_segment_sent,2\n")
	_, stderr, code := commandtest.Run(t, "", "tariffs", "import", file, "--account", "acme", "--url", server.URL)
	if code != 1 || !strings.Contains(stderr, "not at version 7 any more") || put != "account=acme&if_version=7" {
		t.Errorf("exit %d, %s (PUT ?%s)", code, stderr, put)
	}
}

func TestPrintDifference_EveryField(t *testing.T) {
	before := listfile.Record{"template": "a b", "valid_from": "f", "sms_segments": json.Number("1"), "valid_to": nil}
	after := listfile.Record{"template": "a b", "valid_from": "f", "sms_segments": json.Number("2"), "valid_to": ""}
	var out strings.Builder
	printDifference(&out, listfile.Compare(money.TemplateKeys(), []listfile.Record{before}, []listfile.Record{after}))
	if got, want := out.String(),
		"~ template=\"a b\" valid_from=f: sms_segments 1 → 2, valid_to none → \"\"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
