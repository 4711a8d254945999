package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"
)

// PageEnv names the page that rows are written to. Without it they are printed alone, so that a benchmark which is
// run by itself changes no file.
const PageEnv = "BENCH_PAGE"

// rows are the sections of the page in their order.
func rows() []string {
	return []string{"late-receipts", "late-settled", "hot-hour", "many-accounts", "backlog", "roles", "topic-to-facts",
		"freshness", "reports", "mixed", "penetration", "dead-numbers", "exports", "idle", "growth"}
}

const head = `# Performance

Written by |make bench|: each row replaces its own section, and says when and on what it was measured.
|make bench BENCH=LateReceipts| runs one row, |SCALE=full| the sizes that the goals are meant for, and
|BENCH_MESSAGES|, |BENCH_RATE| and the like, named in each section, any other size. A figure of a small run says
that the row works and how it compares with its peer; only a full run on a quiet machine says whether a goal is met.
`

// Row is a section of the page.
type Row struct {
	// Name is one of those that the page has room for.
	Name, Title string
	// How says in a sentence or two what was measured.
	How string
	// Sizes are the sizes of the run, by the environment variable that changes them.
	Sizes   []string
	Figures []Figure
	// Load is the machine's load average before the run; other work on it makes figures worse.
	Load float64
}

// Figure is a line of a row's table. Goal may be empty.
type Figure struct{ Name, Value, Goal string }

// Text is the section as it stands on the page.
func (r *Row) Text(now time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, "## %s\n\n%s\n\n", r.Title, r.How)
	fmt.Fprintf(&s, "%s, %s, load %.1f before the run. Sizes: %s.\n\n", now.Format(time.DateOnly), machine(), r.Load,
		strings.Join(r.Sizes, ", "))
	s.WriteString("| figure | value | goal |\n| --- | --- | --- |\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&s, "| %s | %s | %s |\n", f.Name, f.Value, f.Goal)
	}
	return s.String()
}

// Publish replaces the row's section of the page that the environment names, and makes the page if there is none.
func (r *Row) Publish(now time.Time) error {
	path := os.Getenv(PageEnv)
	if path == "" {
		return nil
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the page of figures: %w", err)
	}
	page, err := replaceSection(string(old), r.Name, r.Text(now))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		return fmt.Errorf("write the page of figures: %w", err)
	}
	return nil
}

// replaceSection returns the page with another text in the section of that name; all other sections stay.
func replaceSection(page, name, text string) (string, error) {
	var s strings.Builder
	s.WriteString(strings.ReplaceAll(head, "|", "`"))
	known := false
	for _, row := range rows() {
		begin, end := "<!-- row "+row+" -->\n", "<!-- end "+row+" -->\n"
		section := ""
		if _, after, found := strings.Cut(page, begin); found {
			if section, _, found = strings.Cut(after, end); !found {
				return "", fmt.Errorf("the section %s of the page does not end: restore it, or remove the page", row)
			}
		}
		if row == name {
			known, section = true, text
		}
		if section != "" {
			s.WriteString("\n" + begin + section + end)
		}
	}
	if !known {
		return "", fmt.Errorf("the page has no section %s", name)
	}
	return s.String(), nil
}

// LoadAverage is the load of the last minute, 0 where the system does not say.
func LoadAverage() (load float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &load)
	}
	return load
}

// machine describes the processor and the memory.
func machine() string {
	model, memory := runtime.GOARCH, ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if name := lineAfter(text, "model name"); name != "" {
			model = name
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscan(lineAfter(text, "MemTotal"), &kib); err == nil {
			memory = fmt.Sprintf(", %d GB", (kib+1<<19)>>20)
		}
	}
	return fmt.Sprintf("%d × %s%s, %s, %s", runtime.NumCPU(), model, memory, runtime.GOOS, runtime.Version())
}

// lineAfter is the value of the first line with that key, of a file of /proc.
func lineAfter(text []byte, key string) string {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
