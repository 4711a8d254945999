package query

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
)

func TestServer_DiskFull_IsSaid(t *testing.T) {
	s := newServer(t, newConn(t), func(_ *Config, d *Deps) {
		d.Disk = func() Disk { return Disk{FreeBytes: 10 << 20, TotalBytes: 1 << 30, State: "full"} }
		d.Producer = producerFunc(func(context.Context, [][]byte,
			[][]byte) error {
			return fmt.Errorf("produce: %w", answer.ErrDiskFull)
		})
	})
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "disk is nearly full", "10 of 1024 MB")
	var reply struct{ Disk Disk }
	decode(t, get(s, "/v1/status"), http.StatusOK, &reply)
	if reply.Disk != (Disk{10 << 20, 1 << 30, "full"}) {
		t.Errorf("/v1/status says %+v", reply.Disk)
	}
	w := post(s, goodEvent)
	wantProblem(t, w, http.StatusInsufficientStorage, "", "nothing was stored")
	if !strings.Contains(w.Body.String(), "urn:kaskad:problem:disk-full") || w.Header().Get("Retry-After") == "" {
		t.Errorf("answer %s, headers %v", w.Body, w.Header())
	}
}

// Beside a ClickHouse of somebody else its own disks are asked.
func TestServer_Disk_AsksClickHouse(t *testing.T) {
	s := newServer(t, newConn(t))
	d, err := s.disk(t.Context())
	if err != nil || d.TotalBytes == 0 || d.FreeBytes > d.TotalBytes || d.State == "" {
		t.Errorf("%+v, %v", d, err)
	}
}

// Hours that lack facts make no report over them mature, and the service not ready, until somebody accepts it.
func TestServer_LostHour_IsSaid(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	const period = "from=2026-11-18T00:00:00Z&to=2026-11-19T00:00:00Z"
	mature := func(query string) bool {
		t.Helper()
		var reply struct{ Mature bool }
		if strings.HasPrefix(query, "forecasts") {
			body := `{"channel":"push","channel_price":"0.36","billing":"per_message_sent","sms_price":"2"}`
			decode(t, querytest.PostJSON(handler(s), "/v1/"+query, body), http.StatusOK, &reply)
		} else {
			decode(t, get(s, "/v1/"+query), http.StatusOK, &reply)
		}
		return reply.Mature
	}
	reports := []string{"reports/channels?", "reports/savings?account=acme&", "reports/segment-waste?account=acme&",
		"reports/failures?", "reports/penetration?", "reports/dead-spend?", "reports/spend?",
		"forecasts/from-history?account=acme&"}
	for _, r := range reports {
		if !mature(r + period) {
			t.Errorf("%s is not mature before anything is lost", r)
		}
	}
	execute(t, conn, "INSERT INTO lost_hours VALUES ('acme', '2026-11-18 10:00:00', [5, 5, 5, 0, 0, 0], [3, 3, 3, 0, "+
		"0, 0], 'open', 1, 1)")
	execute(t, conn, "INSERT INTO broken_parts VALUES ('reference', 'broken_all_1_1_0', 'open', 1, 1)")
	for _, r := range reports {
		if mature(r + period) {
			t.Errorf("%s is mature although an hour of it is lost", r)
		}
		if !mature(r + "from=2026-11-16T00:00:00Z&to=2026-11-17T00:00:00Z") {
			t.Errorf("%s of another day is not mature", r)
		}
	}
	if !mature("reports/channels?account=other&" + period) {
		t.Error("a report of another account is not mature")
	}
	wantProblem(t, get(s, "/readyz"), http.StatusServiceUnavailable, "", "facts are lost", "acme",
		"2026-11-18T10:00:00Z", "3 of 5", "reference")
	var reply struct {
		Losses struct {
			BrokenParts []struct{ Table, Part string } `json:"broken_parts"`
			Hours       []struct {
				Account          string
				Hour             string
				Published, Found uint64
			}
		}
	}
	decode(t, get(s, "/v1/status"), http.StatusOK, &reply)
	if l := reply.Losses; len(l.BrokenParts) != 1 || len(l.Hours) != 1 || l.Hours[0].Account != "acme" ||
		l.Hours[0].Found != 3 {
		t.Errorf("/v1/status says %+v", l)
	}
	if err := schema.AcceptLosses(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if !mature("reports/channels?" + period) {
		t.Error("the report is not mature although the loss was accepted")
	}
	if lost, err := schema.ReadLosses(t.Context(), conn); err != nil || lost.Err() != nil {
		t.Errorf("%+v, %v", lost, err)
	}
}
