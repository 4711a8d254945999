package schema_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/engine/enginetest"
	"kaskad/schema"
)

// pager is a channel that the program has never heard of.
var pager = schema.Channel{Name: "pager", TellsOf: schema.KindPhone, Bounces: true, Installed: true,
	GuessedBy: "map", Reports: schema.Capability{Deliveries: true, Bound: "lower", SettlingDays: 5}}

func TestChannelTable_NewChannel_IsInAllThatFollows(t *testing.T) {
	table := append(slices.Clone(schema.Channels), pager)
	channels, providers := table.Guesses()
	for what, names := range map[string][]string{"names": table.Names(), "phones": table.TellingOf(schema.KindPhone),
		"bouncing": table.Bouncing(), "installed": table.Installed(), "guesses": channels} {
		if names[len(names)-1] != "pager" {
			t.Errorf("%s: %v", what, names)
		}
	}
	if slices.Contains(table.Dialogs(), "pager") || slices.Contains(table.TellingOf(schema.KindEmail), "pager") {
		t.Error("a pager has no dialogs, and no e-mail addresses")
	}
	if providers[len(providers)-1] != "map" || table.Find("pager") != pager {
		t.Errorf("guessed by %v, found %+v", providers, table.Find("pager"))
	}
	if got := schema.Channels.Find("pager"); got != (schema.Channel{}) {
		t.Errorf("found %+v where there is none", got)
	}
}

func TestChannels_Sound(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range schema.Channels {
		if c.Dialog && c.Bounces {
			t.Errorf("%s knows dialogs and bounces: their deliveries are final (dialog_rows.sql)", c.Name)
		}
		if seen[c.Name] || !regexp.MustCompile(`^[a-z_]+$`).MatchString(c.Name) {
			t.Errorf("%q: names are unique, and hold nothing that SQL would have to quote", c.Name)
		}
		seen[c.Name] = true
		if c.TellsOf != "" && !slices.Contains(schema.HealthKinds(), c.TellsOf) {
			t.Errorf("%s tells of %q, which has no health", c.Name, c.TellsOf)
		}
		if c.Dialog && c.TellsOf != "" {
			t.Errorf("%s knows dialogs and tells of a number: the report on dead numbers prices no dialogs", c.Name)
		}
		if !slices.Contains([]string{"none", "exact", "lower", "upper"}, c.Reports.Bound) ||
			c.Reports.SettlingDays == 0 {
			t.Errorf("%s reports %+v", c.Name, c.Reports)
		}
	}
	for _, c := range []struct {
		want string
		got  []string
	}{
		{"viber whatsapp rcs", schema.Channels.Dialogs()},
		{"sms flash_call voice", schema.Channels.TellingOf(schema.KindPhone)},
		{"email", schema.Channels.TellingOf(schema.KindEmail)},
		{"email", schema.Channels.Bouncing()},
		{"push", schema.Channels.Installed()},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A database that was made before a channel was known learns of it, and what somebody set is kept.
func TestMigrate_NewChannel_HasRoutes(t *testing.T) {
	options, err := clickhouse.ParseDSN(enginetest.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	db := clickhouse.OpenDB(options)
	defer db.Close()
	migrate := func() {
		t.Helper()
		if _, err := schema.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	migrate()
	lines := func() (all []string) {
		t.Helper()
		rows, err := db.QueryContext(t.Context(),
			"SELECT channel, argMax((delivery, reads, toString(bound), settling_days), "+
				"version)::String FROM routes WHERE account = '' AND provider = '*' GROUP BY channel ORDER BY channel")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var channel, line string
			if err := rows.Scan(&channel, &line); err != nil {
				t.Fatal(err)
			}
			all = append(all, channel+" "+line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := func(t *testing.T, table schema.ChannelTable) {
		t.Helper()
		var all []string
		for _, c := range table {
			reads := 1
			if c.Reports.Bound == "none" {
				reads = 0
			}
			all = append(all, fmt.Sprintf("%s (1,%d,'%s',%d)", c.Name, reads, c.Reports.Bound, c.Reports.SettlingDays))
		}
		if got := lines(); !slices.Equal(got, slices.Sorted(slices.Values(all))) {
			t.Errorf("%v\nwant %v", got, slices.Sorted(slices.Values(all)))
		}
	}
	want(t, schema.Channels)

	const lose = "ALTER TABLE routes DELETE WHERE channel = 'rcs' SETTINGS mutations_sync = 1"
	const change = "INSERT INTO routes VALUES ('', 'viber', '*', 1, 0, 'none', 2, 9), ('acme', 'rcs', '*', 0, 0, " +
		"'none', 1, 1)"
	for _, statement := range []string{lose, change} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	migrate()
	migrate()
	changed := slices.Clone(schema.Channels)
	for i := range changed {
		if changed[i].Name == "viber" {
			changed[i].Reports = schema.Capability{Deliveries: true, Bound: "none", SettlingDays: 2}
		}
	}
	want(t, changed)
}

// listOf matches two names in quotes with nothing but a comma between them.
var listOf = regexp.MustCompile(`['"]([a-z_]+)['"],\s*['"]([a-z_]+)['"]`)

// alone matches a comparison with one name; what concerns SMS alone may make it.
var alone = regexp.MustCompile(`[Cc]hannel\)?\s*[!=]?=\s*['"]([a-z_]+)['"]`)

// A list of channels that is written out somewhere would miss a new one. The simulator shares no
// code with the rest, data of tests and benchmarks are what they are, and migrations that have run never change.
func TestChannels_NoListsElsewhere(t *testing.T) {
	names, read := schema.Channels.Names(), 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{"bench", "querytest", "simulate", "testdata", "migrations", "bin", ".git"},
				entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		source := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") ||
			strings.HasSuffix(path, ".sql")
		if !source {
			return nil
		}
		read++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range listOf.FindAllStringSubmatch(string(text), -1) {
			if slices.Contains(names, found[1]) && slices.Contains(names, found[2]) {
				t.Errorf("%s lists channels: %s; take them from schema.Channels", path, found[0])
			}
		}
		for _, found := range alone.FindAllStringSubmatch(string(text), -1) {
			if slices.Contains(names, found[1]) && found[1] != schema.SMS {
				t.Errorf("%s asks for a channel: %s; ask for what schema.Channel says of it", path, found[0])
			}
		}
		return nil
	})
	if err != nil || read < 100 {
		t.Errorf("%d files: %v", read, err)
	}
	if !listOf.MatchString(`channel IN ('viber', 'rcs')`) {
		t.Error("a list is not found")
	}
	if !alone.MatchString(`r.channel = 'push'`) || !alone.MatchString(`a.channel == "email"`) {
		t.Error("a comparison is not found")
	}
}
