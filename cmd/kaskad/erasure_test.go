package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A number is erased in a running kaskad, and stays so for what arrives after a restart: the key is in the data
// directory. No report moves.
func TestRun_Erasure(t *testing.T) {
	k := newKaskad(t)
	k.start("")
	k.waitReady()
	at := time.Now().UTC().Add(-2 * time.Hour)
	line := func(id, status string) string {
		return fmt.Sprintf(`{"account":"a","message_id":%q,"submitted_at":%q,"occurred_at":%q,"channel":"sms","status":%q,"recipient":"+79001234567"}`+"\n",
			id, at.Format(time.RFC3339), at.Add(time.Minute).Format(time.RFC3339), status)
	}
	k.post([]byte(line("m-1", "sent") + line("m-1", "delivered")))
	k.settle(2 * time.Minute)
	const reports = "/v1/reports/channels?group_by=channel,country&format=csv"
	_, before := k.request(http.MethodGet, reports, "", nil)

	var erased struct {
		Account, Hash string
		Rows          map[string]uint64
	}
	code, body := k.request(http.MethodDelete, "/v1/numbers/%2B79001234567", "", nil)
	if err := json.Unmarshal(body, &erased); err != nil || code != http.StatusOK || erased.Account != "a" ||
		erased.Rows["attempts"] == 0 || erased.Rows["attempts_by_recipient"] == 0 {
		t.Fatalf("%d %s", code, body)
	}
	k.settle(2 * time.Minute)
	if _, after := k.request(http.MethodGet, reports, "", nil); string(after) != string(before) {
		t.Errorf("figures moved:\n%s\n%s", before, after)
	}
	if info, err := os.Stat(filepath.Join(k.dir, "erasure.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	k.stop()
	k.start("")
	k.waitReady()
	k.post([]byte(line("m-1", "read") + line("m-2", "sent")))
	k.settle(2 * time.Minute)
	for _, id := range []string{"m-1", "m-2"} {
		code, body := k.request(http.MethodGet, "/v1/messages/"+id+"?account=a", "", nil)
		if code != http.StatusOK || strings.Contains(string(body), "79001234567") ||
			!strings.Contains(string(body), `"recipient":"user:erase`) {
			t.Errorf("%d %s", code, body)
		}
	}
	var list struct {
		Rows []struct{ Hash string }
	}
	// Again, from the command line: it finds what came since the first time under the pseudonym, so nothing to do.
	if out := k.command("numbers", "erase", "+79001234567", "--account", "a", "--yes", "--url",
		"http://"+k.address); !strings.Contains(out, erased.Hash) || strings.Contains(out, "rows") {
		t.Errorf("kaskad numbers erase printed %q, want the same hash and no rows", out)
	}
	if k.get("/v1/erasures", &list); len(list.Rows) != 1 || list.Rows[0].Hash != erased.Hash {
		t.Errorf("%+v, want %s", list, erased.Hash)
	}
	k.stop()
}

func TestStoreSettings_ErasureKey(t *testing.T) {
	dir := t.TempDir()
	if key, err := (storeSettings{Clickhouse: "clickhouse://x"}).erasureKey(dir); key != nil || err != nil {
		t.Errorf("a real ClickHouse gets a key of its own: %v", err)
	}
	embedded, err := (storeSettings{}).erasureKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	given, err := (storeSettings{ErasureKey: strings.Repeat("ab", 32)}).erasureKey(dir)
	if err != nil || given.ID() == embedded.ID() {
		t.Error("the setting does not win over the file", err)
	}
	if _, err := (storeSettings{ErasureKey: "ab"}).erasureKey(dir); err == nil ||
		!strings.Contains(err.Error(), "--erasure-key") {
		t.Error(err)
	}
}
