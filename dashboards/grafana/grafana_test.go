package grafana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

//go:generate go test -run "TestFiles_AreWhatIsMade|TestAlerts_AreThoseOfTheTable" -update .

var update = flag.Bool("update", false, "write the files of the dashboards anew")

func TestFiles_AreWhatIsMade(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if *update {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run make docs", name)
		}
	}
	for _, pattern := range []string{"boards/*", "clickhouse/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if _, made := files[name]; !made && name != "clickhouse/metrics.xml" {
				t.Errorf("%s is made by nobody", name)
			}
		}
	}
}

// boards are the checked-in dashboards, read as Grafana's own types take them: an unknown or missing field is an error.
func boards(t *testing.T) []dashboard.Dashboard {
	t.Helper()
	plugins.RegisterDefaultPlugins()
	names, err := filepath.Glob("boards/*.json")
	if err != nil || len(names) != 2 {
		t.Fatal(names, err)
	}
	var all []dashboard.Dashboard
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Strict reading returns an empty list of errors as an error, and leaves such a field out.
		var d, strict dashboard.Dashboard
		if err := strict.UnmarshalJSONStrict(text); err != nil && strings.TrimSpace(err.Error()) != "" {
			t.Fatalf("%s: %v", name, err)
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all = append(all, d)
	}
	return all
}

func TestDashboards_Layout(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range boards(t) {
		if d.Uid == nil || len(*d.Uid) > 40 || uids[*d.Uid] {
			t.Fatalf("uid %v", d.Uid)
		}
		uids[*d.Uid] = true
		titles, taken := map[string]bool{}, map[[2]uint32]string{}
		for _, p := range d.Panels {
			if p.RowPanel != nil {
				continue
			}
			title := *p.Panel.Title
			if p.Panel.Description == nil || len(*p.Panel.Description) < 20 {
				t.Errorf("%s: %s says nothing about itself", *d.Uid, title)
			}
			if titles[title+p.Panel.Type] {
				t.Errorf("%s: two panels %s", *d.Uid, title)
			}
			titles[title+p.Panel.Type] = true
			if p.Panel.FieldConfig.Defaults.Unit == nil && p.Panel.Type != "table" {
				t.Errorf("%s: %s has no unit", *d.Uid, title)
			}
			at := p.Panel.GridPos
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, is := taken[[2]uint32{x, y}]; is || x >= 24 {
						t.Fatalf("%s: %s lies on %s, or beyond the border", *d.Uid, title, other)
					}
					taken[[2]uint32{x, y}] = title
				}
			}
		}
	}
}

// Whatever is asked of Prometheus is a metric of docs/metrics.md, or one that every Go process has.
func TestDashboards_MetricsExist(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"process_cpu_seconds_total": true, "process_resident_memory_bytes": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+)").FindAllStringSubmatch(string(page), -1) {
		known[m[1]] = true
		if m[2] == "histogram" {
			known[m[1]+"_bucket"], known[m[1]+"_count"], known[m[1]+"_sum"] = true, true, true
		}
	}
	named := 0
	for _, q := range promQueries(t) {
		for _, name := range regexp.MustCompile(`\b(?:kaskad|process|go)_[a-z_]+`).FindAllString(q, -1) {
			if named++; !known[name] {
				t.Errorf("%s asks for %s, which docs/metrics.md does not have", q, name)
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d metrics are named", named)
	}
}

// promQueries are the expressions of all panels and alerts.
func promQueries(t *testing.T) (all []string) {
	t.Helper()
	for _, d := range boards(t) {
		for _, p := range d.Panels {
			if p.Panel == nil {
				continue
			}
			for _, target := range p.Panel.Targets {
				var asked struct{ Expr string }
				text, err := json.Marshal(target)
				if err == nil {
					err = json.Unmarshal(text, &asked)
				}
				if err != nil {
					t.Fatal(err)
				}
				if asked.Expr != "" {
					all = append(all, asked.Expr)
				}
			}
		}
	}
	for _, a := range Alerts() {
		if a.Plugin == Prometheus {
			all = append(all, a.Query)
		}
	}
	return all
}

const alertsPage = "../../docs/operations.md"

// The table of docs/operations.md is made of the rules.
func TestAlerts_AreThoseOfTheTable(t *testing.T) {
	var want strings.Builder
	want.WriteString("| alert | when | look | what to do |\n| --- | --- | --- | --- |\n")
	for _, a := range Alerts() {
		want.WriteString(a.Row() + "\n")
	}
	page, err := os.ReadFile(alertsPage)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)^\| alert \| when .*\n(?:\|.*\n)+`)
	if *update {
		page = table.ReplaceAllLiteral(page, []byte(want.String()))
		if err := os.WriteFile(alertsPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(table.Find(page)); got != want.String() {
		t.Errorf("the table of docs/operations.md is stale: run make docs\n%s", got)
	}
}
