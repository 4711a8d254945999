// Package docs holds the documentation; its tests prove that links lead somewhere.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the places in a page that a link may name, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range anchor.FindAllStringSubmatch(page, -1) {
		found[m[1]] = true
	}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		text := link.ReplaceAllString(anchor.ReplaceAllString(m[1], ""), "")
		slug := strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(text), ""), " ", "-")
		for name, n := slug, 1; ; name, n = fmt.Sprintf("%s-%d", slug, n), n+1 {
			if !found[name] {
				found[name] = true
				break
			}
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(text), "")
}

func TestPages_Links(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "../*.md", "../.github/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if len(pages) < 10 {
		t.Fatalf("found only %v", pages)
	}
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, place, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
				continue
			}
			if place != "" && strings.HasSuffix(file, ".md") && !anchors(read(t, file))[place] {
				t.Errorf("%s: %s: there is no such place", page, m[1])
			}
		}
	}
}

// A decision keeps its number and its anchor for ever; a new one takes the next, wherever it stands.
func TestDecisions_Numbered(t *testing.T) {
	page := read(t, "decisions.md")
	numbered := regexp.MustCompile(`^<a id="d(\d+)"></a>(\d+)\. \S`)
	seen := map[int]string{}
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(page, -1) {
		fields := numbered.FindStringSubmatch(m[1])
		if fields == nil || fields[1] != fields[2] {
			t.Errorf("%q: want a heading such as ### <a id=\"d12\"></a>12. A guess is no line", m[1])
			continue
		}
		n, _ := strconv.Atoi(fields[1])
		if seen[n] != "" {
			t.Errorf("%d is the number of %q and of %q", n, seen[n], m[1])
		}
		seen[n] = m[1]
	}
	for n := 1; n <= len(seen); n++ {
		if seen[n] == "" {
			t.Errorf("there are %d decisions, and none has the number %d", len(seen), n)
		}
	}
}
