package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// brokerPID finds the embedded broker among the children of a running kaskad.
func (k *kaskad) brokerPID() int {
	k.t.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(10 * time.Millisecond) {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", k.cmd.Process.Pid))
		if err != nil || len(lists) == 0 {
			if os.Getenv("CI") == "true" {
				k.t.Fatal("no /proc here that lists the children of a process (CI=true, so this is a failure and no " +
					"skip)")
			}
			k.t.Skip("skipped: no /proc here that lists the children of a process")
		}
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for _, child := range strings.Fields(string(text)) {
				name, _ := os.ReadFile(filepath.Join("/proc", child, "cmdline"))
				if pid, err := strconv.Atoi(child); err == nil && bytes.HasPrefix(name, []byte("kaskad-broker")) {
					return pid
				}
			}
		}
	}
	k.t.Fatal("no broker among the children in two minutes")
	return 0
}

// The broker dies under load, again and again: the API stays up and says 503 at worst, and what it accepted is in the
// report.
func TestRun_BrokerDies(t *testing.T) {
	k := newKaskad(t)
	k.start("")
	k.waitReady()
	at := time.Now().UTC().Format(time.RFC3339Nano)
	const events, deaths = 120, 4
	refused := 0
	for i := range events {
		if i%(events/deaths) == events/deaths/2 {
			if err := syscall.Kill(k.brokerPID(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		line := fmt.Appendf(nil, `{"account":"a","message_id":"m%d","submitted_at":%q,"occurred_at":%q,"channel":"sms","status":"delivered","recipient":"+79001234567"}`, i, at, at)
		for began := time.Now(); ; {
			status, body := k.request(http.MethodPost, "/v1/events", "application/x-ndjson", line)
			if status == http.StatusAccepted {
				break
			}
			if status != http.StatusServiceUnavailable || time.Since(began) > 2*time.Minute {
				t.Fatalf("event %d: %d %s", i, status, body)
			}
			refused++
			time.Sleep(20 * time.Millisecond)
		}
		if i%10 > 0 {
			continue
		}
		if status, body := k.request(http.MethodGet, "/v1/reports/channels?group_by=", "",
			nil); status != http.StatusOK {
			t.Fatalf("a report while the broker is away: %d %s", status, body)
		}
	}
	t.Logf("%d of %d requests were told to come again", refused, events+refused)
	k.settle(2 * time.Minute)
	var report struct{ Rows []struct{ Delivered int } }
	k.get("/v1/reports/channels?group_by=", &report)
	if len(report.Rows) != 1 || report.Rows[0].Delivered != events {
		t.Errorf("%+v, want %d delivered", report.Rows, events)
	}
	k.stop()
}
