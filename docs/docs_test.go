// Package docs holds the documentation; its tests prove that links lead somewhere.
package docs

import (
	"flag"
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

//go:generate go test -run TestDecisions -update .

var update = flag.Bool("update", false, "number the decisions that have no number yet")

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

// A decision keeps its number and its anchor forever; a new one takes the next, wherever it stands.
func TestDecisions_Numbered(t *testing.T) {
	title := regexp.MustCompile(`(?m)^### (?:<a id="d(\d+)"></a>(\d+)\. )?(.+)$`)
	text, err := os.ReadFile("decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	titles := title.FindAllStringSubmatch(page, -1)
	numbered := 0
	for _, m := range titles {
		if m[1] != "" {
			numbered++
		}
	}
	if *update && numbered < len(titles) {
		page = title.ReplaceAllStringFunc(page, func(line string) string {
			m := title.FindStringSubmatch(line)
			if m[1] != "" {
				return line
			}
			numbered++
			return fmt.Sprintf(`### <a id="d%[1]d"></a>%[1]d. %[2]s`, numbered, m[3])
		})
		if err := os.WriteFile("decisions.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	for _, m := range title.FindAllStringSubmatch(page, -1) {
		switch n := m[1]; {
		case n == "":
			t.Errorf("%q has no number: run make docs", m[3])
		case n != m[2]:
			t.Errorf("%q has the anchor d%s and the number %s", m[3], n, m[2])
		case seen[n] != "":
			t.Errorf("%s is the number of %q and of %q", n, seen[n], m[3])
		default:
			seen[n] = m[3]
		}
	}
	for n := 1; n <= len(titles); n++ {
		if seen[strconv.Itoa(n)] == "" {
			t.Errorf("there are %d decisions, and none has the number %d", len(titles), n)
		}
	}
}
