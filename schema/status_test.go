package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kaskad/schema"
)

// What is stored says these numbers: none may ever mean another status. A new status is one line more here.
func TestStatuses_StoredNumbers_Fixed(t *testing.T) {
	const stored = "1 queued, 2 accepted, 3 sent, 4 delivered, 5 read, 6 clicked, 7 replied, 8 undelivered, " +
		"9 rejected, 10 expired, 11 failed, 12 skipped, 13 subscribed, 14 unsubscribed, 15 uninstalled, " +
		"16 complained, 17 blocked, 18 lookup, 19 inbound, 20 machine_open"
	var got []string
	for _, f := range schema.Statuses {
		got = append(got, strconv.Itoa(int(f.Status))+" "+f.Name)
	}
	if strings.Join(got, ", ") != stored {
		t.Errorf("%s", got)
	}
}

// Names and facts of every number that may be stored, also by a newer program.
func TestStatus_EveryNumber_HasAName(t *testing.T) {
	seen := map[string]bool{}
	for n := range 256 {
		s := schema.Status(n)
		if name := s.String(); name == "" || seen[name] {
			t.Errorf("%d is called %q", n, name)
		}
		seen[s.String()] = true
		known := n > 0 && n <= len(schema.Statuses)
		if !known && (s.OfMessage() || s.Failure() || s.MovesFigures()) {
			t.Errorf("%d is unknown and has facts", n)
		}
		if known && schema.Statuses[n-1].Status != s {
			t.Errorf("the status at place %d is %d", n, schema.Statuses[n-1].Status)
		}
	}
	if got := schema.MachineOpen.String(); got != "machine_open" {
		t.Error(got)
	}
}

func TestStatuses_Facts(t *testing.T) {
	var messages, failures, moving []string
	for _, f := range schema.Statuses {
		for _, x := range []struct {
			holds bool
			names *[]string
		}{{f.Status.OfMessage(), &messages}, {f.Status.Failure(), &failures}, {f.Status.MovesFigures(), &moving}} {
			if x.holds {
				*x.names = append(*x.names, f.Name)
			}
		}
	}
	if got := strings.Join(messages, " "); got != "queued accepted sent delivered read clicked replied undelivered "+
		"rejected expired failed skipped machine_open" {
		t.Error(got)
	}
	if got := strings.Join(failures, " "); got != "undelivered rejected expired failed" {
		t.Error(got)
	}
	if got := movingInSQL(t); !slices.Equal(got, slices.Sorted(slices.Values(moving))) {
		t.Errorf("moving figures: %v; the queue is told of %v", moving, got)
	}
}

// movingInSQL returns the statuses of the view that puts people into the queue, as the last migration of it says.
func movingInSQL(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	view := regexp.MustCompile(`(?s)lookups_to_number_queue.*?;`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, definition := range view.FindAllString(string(text), -1) {
			names = nil
			for _, list := range regexp.MustCompile(`status (?:=|IN) [^)\s]+[^)]*`).FindAllString(definition, -1) {
				for _, name := range regexp.MustCompile(`'([a-z_]+)'`).FindAllStringSubmatch(list, -1) {
					names = append(names, name[1])
				}
			}
		}
	}
	return slices.Sorted(slices.Values(names))
}

// Who writes events learns of every channel and status from docs/events.md.
func TestDocs_NameChannelsAndStatuses(t *testing.T) {
	text, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(schema.Channels.Names(), schema.Statuses.Names()) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/events.md lacks %s", name)
		}
	}
}

func TestStatusTable_NewStatus_TakesTheNextNumber(t *testing.T) {
	table := append(slices.Clone(schema.Statuses), schema.StatusFacts{Status: 21, Name: "seen", OfMessage: true})
	names := table.Names()
	if names[len(names)-1] != "seen" || table.Find([]byte("seen")) != 21 || !table.Facts(21).OfMessage {
		t.Errorf("%v, %d, %+v", names, table.Find([]byte("seen")), table.Facts(21))
	}
	if table.Find([]byte("machine_open")) != 0 || slices.Contains(names, "machine_open") {
		t.Error("no event names what is derived")
	}
	for _, f := range schema.Statuses {
		if table.Facts(f.Status) != f || (!f.Derived && table.Find([]byte(f.Name)) != f.Status) {
			t.Errorf("%s is no longer what it was", f.Name)
		}
	}
}
