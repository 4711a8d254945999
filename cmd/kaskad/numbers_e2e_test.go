package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
)

// putMaps puts the example's error maps.
func (k *kaskad) putMaps(lists map[string]json.RawMessage) {
	k.t.Helper()
	for account, list := range lists {
		k.put("error-map", account, list)
	}
}

// list reads all pages of a list.
func (k *kaskad) list(path string, query url.Values) json.RawMessage {
	k.t.Helper()
	query.Set("limit", "1000")
	all := []json.RawMessage{}
	for {
		var page struct {
			Rows       []json.RawMessage `json:"rows"`
			NextCursor *string           `json:"next_cursor"`
		}
		k.get(path+"?"+query.Encode(), &page)
		all = append(all, page.Rows...)
		if page.NextCursor == nil || len(page.Rows) == 0 {
			break
		}
		query.Set("cursor", *page.NextCursor)
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		k.t.Fatal(err)
	}
	return encoded
}

func (k *kaskad) putJSON(kind, account string, list any) {
	k.t.Helper()
	body, err := json.Marshal(list)
	if err != nil {
		k.t.Fatal(err)
	}
	k.put(kind, account, body)
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// setVerdict sets a verdict by hand.
func (k *kaskad) setVerdict(o settings.NumberOverride) {
	k.t.Helper()
	body, err := json.Marshal(map[string]string{"state": o.State, "why": o.Why})
	if err != nil {
		k.t.Fatal(err)
	}
	status, answer := k.request(http.MethodPut, overridePath(o), "application/json", body)
	if status != http.StatusOK && status != http.StatusAccepted {
		k.t.Fatalf("override: %d %s", status, answer)
	}
}

func overridePath(o settings.NumberOverride) string {
	return "/v1/numbers/" + url.PathEscape(o.Number) + "/override?account=" + o.Account
}

// The figures of the contract: the example's events through the whole pipeline, compared to the last digit with what a
// separate program computed. While verdicts change, whoever walks the feed by cursor sees every line once and in order,
// over restarts, and its last word on each number is the verdict.
func TestRun_NumbersExamples(t *testing.T) {
	var truth struct {
		Now      string
		ErrorMap map[string]json.RawMessage `json:"error_map"`
		Numbers  []map[string]any
	}
	if err := json.Unmarshal(example(t, "numbers.json"), &truth); err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", truth.Now)
	k.start("")
	k.waitReady()
	k.putMaps(truth.ErrorMap)
	lines := bytes.Split(bytes.TrimSpace(example(t, "numbers.ndjson")), []byte("\n"))
	states, seen, cursor := map[string]string{}, 0, ""
	walk := func() {
		t.Helper()
		for {
			var page struct {
				Rows       []struct{ Number, From, To string }
				NextCursor string `json:"next_cursor"`
			}
			path := "/v1/numbers/changes?account=acme&limit=3"
			if cursor != "" {
				path += "&cursor=" + url.QueryEscape(cursor)
			}
			k.get(path, &page)
			for _, r := range page.Rows {
				before := states[r.Number]
				if before == "" {
					before = "unknown"
				}
				if r.From != before {
					t.Fatalf("line %d: %+v follows %s", seen, r, before)
				}
				states[r.Number] = r.To
				seen++
			}
			cursor = page.NextCursor
			if len(page.Rows) == 0 {
				return
			}
		}
	}
	for i := 0; i < len(lines); i += 50 {
		k.post(join(lines[i:min(len(lines), i+50)]))
		walk()
		if i == 100 {
			k.settle(2 * time.Minute)
			k.stop()
			k.start("")
			k.waitReady()
		}
	}
	k.settle(2 * time.Minute)
	walk()
	for _, n := range truth.Numbers {
		number, state := n["number"].(string), n["state"].(string)
		if told := states[number]; told != state && (told != "" || state != "unknown") {
			t.Errorf("the feed's last word on %s is %q, want %s", number, told, state)
		}
	}
	if seen < len(truth.Numbers) {
		t.Errorf("%d lines in the feed, want more", seen)
	}
	k.numbersExamples(truth.Numbers)
}

// numbersExamples compares verdicts and the list of the dead with what a separate program computed.
func (k *kaskad) numbersExamples(numbers []map[string]any) {
	k.t.Helper()
	if len(numbers) != 60 {
		k.t.Fatalf("%d numbers in the example, want 60", len(numbers))
	}
	var dead []map[string]any
	for _, want := range numbers {
		var got map[string]any
		k.get("/v1/numbers/"+url.PathEscape(want["number"].(string)), &got)
		for name, value := range want {
			if text(value) != text(got[name]) {
				k.t.Errorf("%v: %s = %s, want %s", want["number"], name, text(got[name]), text(value))
			}
		}
		if want["state"] == "dead" {
			dead = append(dead, want)
		}
	}
	var list struct{ Rows []map[string]any }
	k.get("/v1/numbers/dead?account=acme", &list)
	if len(list.Rows) != len(dead) {
		k.t.Fatalf("%d dead numbers, want %d", len(list.Rows), len(dead))
	}
	for i, want := range dead {
		delete(want, "state")
		for name, value := range want {
			if text(value) != text(list.Rows[i][name]) {
				k.t.Errorf("dead %v: %s = %s, want %s", want["number"], name, text(list.Rows[i][name]), text(value))
			}
		}
	}
}
