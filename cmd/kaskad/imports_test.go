package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"kaskad/cmd/kaskad/commandtest"
)

var command, must, write = commandtest.Run, commandtest.Must, commandtest.Write

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
	for _, kind := range []string{"tariffs", "templates"} {
		name := filepath.Join("..", "..", "docs", kind+".example.yaml")
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
