package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/ingest"
)

// with sends a request with a key.
func (k *kaskad) with(key, method, path, body string) (int, string) {
	k.t.Helper()
	request, err := http.NewRequest(method, "http://"+k.address+path, strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return response.StatusCode, string(reply)
}

// startWithKeys starts `kaskad run` as it starts without any word about keys.
func (k *kaskad) startWithKeys() {
	k.t.Helper()
	k.launch([]string{asKaskad + "="}, []string{"run", "--data", k.dir, "--listen", k.address, "--log-level", "warn"})
}

// The first start makes an admin key, keys that are made with it do what they may, over a restart too, and the broker
// lets in who has an admin key of all accounts.
func TestRun_Keys_Life(t *testing.T) {
	k := newKaskad(t)
	k.startWithKeys()
	k.waitReady()
	path := filepath.Join(k.dir, datadir.AdminKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(text))
	if code, _ := k.with("", http.MethodGet, "/v1/status", ""); code != http.StatusUnauthorized {
		t.Errorf("without a key: %d", code)
	}
	code, body := k.with(admin, http.MethodGet, "/v1/status", "")
	var s status
	if code != http.StatusOK || json.Unmarshal([]byte(body), &s) != nil {
		t.Fatalf("%d %s", code, body)
	}
	create := func(args ...string) string {
		cmdOut := k.command(append([]string{"keys", "create", "--data", k.dir}, args...)...)
		lines := strings.Split(strings.TrimSpace(cmdOut), "\n")
		return lines[len(lines)-1]
	}
	analyst := create("--account", "shop", "--scope", "analyst", "--note", "notebook", "--expires", "24h")
	sender := create("--account", "shop", "--scope", "ingest")
	now := time.Now().UTC().Format(time.RFC3339)
	event := fmt.Sprintf(`{"account":"shop","message_id":"m1","submitted_at":%q,"channel":"sms","status":"sent",`+
		`"occurred_at":%q,"recipient":"+79001234567"}`, now, now)
	if code, body := k.with(sender, http.MethodPost, "/v1/events", event+"\n"+
		strings.Replace(event, "shop", "other", 1)); code != http.StatusAccepted ||
		!strings.Contains(body, `"accepted":1`) {
		t.Errorf("%d %s", code, body)
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		code, body := k.with(analyst, http.MethodGet, "/v1/reports/channels", "")
		if code == http.StatusOK && strings.Contains(body, `"channel":"sms"`) {
			break
		}
		if code != http.StatusOK || time.Since(began) > time.Minute {
			t.Fatalf("%d %s", code, body)
		}
	}
	if code, _ := k.with(analyst, http.MethodPost, "/v1/events", event); code != http.StatusForbidden {
		t.Errorf("an analyst sends events: %d", code)
	}
	k.brokerAsksForLogin(t, s.Kafka.Brokers, admin, analyst)

	k.stop()
	k.startWithKeys()
	k.waitReady()
	if code, body := k.with(analyst, http.MethodGet, "/v1/definitions", ""); code != http.StatusOK {
		t.Errorf("after a restart: %d %s", code, body)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(text) {
		t.Errorf("another admin key after a restart: %v", err)
	}
	list := k.command("keys", "list", "--data", k.dir)
	if strings.Contains(list, analyst) || !strings.Contains(list, "notebook") || !strings.Contains(list, "(all)") {
		t.Errorf("%s", list)
	}
	for _, line := range strings.Split(list, "\n") {
		if strings.Contains(line, "notebook") {
			k.command("keys", "revoke", strings.Fields(line)[0], "--data", k.dir)
		}
	}
	if code, _ := k.with(analyst, http.MethodGet, "/v1/definitions", ""); code != http.StatusUnauthorized {
		t.Errorf("revoked: %d", code)
	}
	// Commands beside the running process log in at its broker.
	if out := k.command("check", "--data", k.dir); !strings.Contains(out, "ok    kafka") {
		t.Error(out)
	}
	for _, secret := range []string{admin, analyst, sender} {
		if strings.Contains(k.output.Tail(), secret) {
			t.Error("the log says a key")
		}
	}
}

// brokerAsksForLogin checks that the broker serves who has an admin key of all accounts, and nobody else.
func (k *kaskad) brokerAsksForLogin(t *testing.T, brokers []string, admin, other string) {
	t.Helper()
	for _, password := range []string{"", other, "kaskad"} {
		dialer := &kafka.Dialer{Timeout: 5 * time.Second}
		if password != "" {
			dialer.SASLMechanism = plain.Mechanism{Username: "kaskad", Password: password}
		}
		if err := ingest.Check(t.Context(), brokers, dialer, ingest.DefaultTopic); err == nil {
			t.Errorf("the broker serves who has %q", password)
		}
	}
	dialer := &kafka.Dialer{Timeout: 5 * time.Second,
		SASLMechanism: plain.Mechanism{Username: "kaskad", Password: admin}}
	var err error
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(100 * time.Millisecond) {
		if err = ingest.Check(t.Context(), brokers, dialer, ingest.DefaultTopic); err == nil {
			return
		}
	}
	t.Errorf("the broker does not serve who has an admin key: %v", err)
}

// serve refuses to start where nobody could make keys, and says how to make one.
func TestServe_NoAdminKey(t *testing.T) {
	k := newKaskad(t)
	k.startWithKeys()
	k.waitReady()
	at, ok := datadir.ReadRunning(k.dir)
	if !ok {
		t.Fatal("it does not run")
	}
	list := strings.Split(k.command("keys", "list", "--clickhouse", at.Clickhouse), "\n")
	k.command("keys", "revoke", strings.Fields(list[1])[0], "--clickhouse", at.Clickhouse)
	serve := []string{"serve", "--clickhouse", at.Clickhouse, "--kafka", at.Kafka[0], "--kafka-sasl", "plain",
		"--kafka-user", "kaskad", "--kafka-password", at.KafkaPassword, "--listen", freeAddress(t)}
	out, err := k.tryCommand(serve...)
	if err == nil || !strings.Contains(out, "KASKAD_ADMIN_KEY") || !strings.Contains(out, "kaskad keys create") {
		t.Errorf("%v: %s", err, out)
	}
	out, err = k.tryCommand(append(serve, "--admin-key", "short")...)
	if err == nil || !strings.Contains(out, "32 at least") {
		t.Errorf("%v: %s", err, out)
	}
	// A start of its own makes another one.
	k.stop()
	k.startWithKeys()
	k.waitReady()
	if key, err := readAdminKey(k.dir); err != nil {
		t.Error(err)
	} else if code, body := k.with(key, http.MethodGet, "/v1/keys", ""); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
}
