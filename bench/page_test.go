package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run of one row replaces its own section alone, wherever it stands, and new sections find their place.
func TestRow_Publish_OwnSectionAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	t.Setenv(PageEnv, path)
	publish := func(name, value string) string {
		t.Helper()
		row := Row{Name: name, Title: "Title of " + name, Figures: []Figure{{Name: "figure", Value: value}}}
		if err := row.Publish(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	publish("idle", "first of idle")
	before := publish("backlog", "first of backlog")
	page := publish("idle", "second of idle")
	if want := strings.Replace(before, "first of idle", "second of idle", 1); page != want {
		t.Errorf("the page became\n%s\nwant\n%s", page, want)
	}
	if strings.Index(page, "Title of backlog") > strings.Index(page, "Title of idle") {
		t.Error("the sections are not in the order of the page")
	}
	if err := (&Row{Name: "no such row"}).Publish(time.Now()); err == nil {
		t.Error("a row without a place on the page is published")
	}
	if err := os.WriteFile(path, []byte("<!-- row idle -->\ntext"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Row{Name: "backlog"}).Publish(time.Now()); err == nil {
		t.Error("a section that does not end is thrown away")
	}
}
