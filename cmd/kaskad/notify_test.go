package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

var testSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567"))

func TestNotifySettings(t *testing.T) {
	k := kafkaSettings{Topic: "kaskad.events", DeadLetterTopic: "kaskad.rejected"}
	secret := []string{testSecret}
	for name, c := range map[string]struct {
		s       notifySettings
		webhook bool
		words   string // of the error, "" for none
	}{
		"None":    {notifySettings{}, false, ""},
		"Topic":   {notifySettings{ChangesTopic: "numbers.changed", NotifyFromStart: true}, false, ""},
		"Webhook": {notifySettings{WebhookURL: "https://crm.example.com/x", WebhookSecret: secret}, true, ""},
		"Both": {notifySettings{ChangesTopic: "numbers.changed", WebhookURL: "http://127.0.0.1:1",
			WebhookSecret: secret}, true, ""},
		"AlertsTopic":    {notifySettings{AlertsTopic: "alerts"}, false, ""},
		"BadAlerts":      {notifySettings{AlertsTopic: "a b"}, false, "--alerts-topic"},
		"AlertsOfEvents": {notifySettings{AlertsTopic: "kaskad.events"}, false, "--alerts-topic"},
		"OneForBoth":     {notifySettings{AlertsTopic: "t", ChangesTopic: "t"}, false, "--alerts-topic"},
		"BadTopic":       {notifySettings{ChangesTopic: "numbers changed"}, false, "--changes-topic"},
		"TopicOfEvents":  {notifySettings{ChangesTopic: "kaskad.events"}, false, "--changes-topic"},
		"TopicOfLetters": {notifySettings{ChangesTopic: "kaskad.rejected"}, false, "--changes-topic"},
		"SecretAlone":    {notifySettings{WebhookSecret: secret}, false, "--webhook-url"},
		"FromStartAlone": {notifySettings{NotifyFromStart: true}, false, "--notify-from-start"},
		"NoSecret":       {notifySettings{WebhookURL: "https://crm.example.com/x"}, false, "secret"},
		"HTTP": {notifySettings{WebhookURL: "http://crm.example.com/x", WebhookSecret: secret}, false,
			"--insecure-webhook"},
		"HTTPIsAllRight": {notifySettings{WebhookURL: "http://crm.example.com/x", WebhookSecret: secret,
			InsecureWebhook: true}, true, ""},
		"InsecureWithout": {notifySettings{InsecureWebhook: true}, false, "--webhook-url"},
	} {
		w, err := c.s.webhook(k)
		if (w != nil) != c.webhook || (err == nil) != (c.words == "") ||
			(err != nil && !strings.Contains(err.Error(), c.words)) {
			t.Errorf("%s: %v, webhook %v, want %q", name, err, w != nil, c.words)
		}
	}
}

// What is wrong with the webhook is said before anything is connected to, by check and by what runs.
func TestCheck_WebhookOffline(t *testing.T) {
	for _, args := range [][]string{{"check", "--data", t.TempDir()}, {"run", "--data", t.TempDir()},
		{"aggregate", "--kafka", "127.0.0.1:1", "--clickhouse", "clickhouse://127.0.0.1:1/x"}} {
		_, stderr, code := command(t, "",
			append(args, "--webhook-url", "https://crm.example.com/t0ken", "--webhook-secret", "whsec_"+"c2hvcnQ=")...)
		if code != 1 || !strings.Contains(stderr, "secret: has 5 bytes") || strings.Contains(stderr, "t0ken") ||
			strings.Contains(stderr, "c2hvcnQ") {
			t.Errorf("%s: exit %d, %s", args[0], code, stderr)
		}
	}
}

// toldNumber is a change as the topic and the webhook carry it.
type toldNumber struct {
	Account, Number, From, To string
	Seq                       uint64
}

// lastWords are the states that the changes lead to; a change of a number that is first heard of out of order is an
// error.
type lastWords struct {
	mu    sync.Mutex
	state map[string]string
	seq   map[string]uint64
	seen  map[uint64]int
	wrong []string
}

func newLastWords() *lastWords {
	return &lastWords{state: map[string]string{}, seq: map[string]uint64{}, seen: map[uint64]int{}}
}

func (l *lastWords) hear(c toldNumber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := c.Account + " " + c.Number
	if before, known := l.state[key]; known && l.seen[c.Seq] == 0 && (c.Seq < l.seq[key] || c.From != before) {
		l.wrong = append(l.wrong, fmt.Sprintf("%+v after %s at %d", c, before, l.seq[key]))
	}
	l.seen[c.Seq]++
	if c.Seq >= l.seq[key] {
		l.state[key], l.seq[key] = c.To, c.Seq
	}
}

// differs says how what was heard differs from the states.
func (l *lastWords) differs(states map[string]string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wrong) > 0 {
		return "out of order: " + strings.Join(l.wrong, "; ")
	}
	for key, want := range states {
		if got := l.state[key]; got != want && (got != "" || want != "unknown") {
			return fmt.Sprintf("%s is told to be %q, want %q", key, got, want)
		}
	}
	return ""
}

func (l *lastWords) repeated() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.seen {
		if n > 1 {
			return true
		}
	}
	return false
}

// Kill -9 between an acknowledgement and the place that is stored, twice: the topic and the webhook hear of every
// change, in order, and their last word on each number is the state of the contract's example.
func TestRun_NotifyThroughCrashes(t *testing.T) {
	var truth struct {
		Now      string
		ErrorMap map[string]json.RawMessage `json:"error_map"`
		Numbers  []struct{ Account, Number, State string }
	}
	if err := json.Unmarshal(example(t, "numbers.json"), &truth); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, n := range truth.Numbers {
		states[n.Account+" "+n.Number] = n.State
	}
	webhook := newLastWords()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Data struct{ Changes []toldNumber }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("webhook-signature") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, c := range body.Data.Changes {
			webhook.hear(c)
		}
	}))
	defer endpoint.Close()
	k := newKaskad(t, "--now", truth.Now, "--changes-topic", "numbers.changed", "--webhook-url", endpoint.URL,
		"--topic-partitions", "3", "--notify-from-start")
	k.env = []string{"KASKAD_WEBHOOK_SECRET=" + testSecret}
	k.start("notified:1")
	k.waitReady()
	k.putMaps(truth.ErrorMap)
	lines := example(t, "numbers.ndjson")
	half := strings.Index(string(lines[len(lines)/2:]), "\n") + len(lines)/2 + 1
	k.post(lines[:half])
	k.waitEnd()
	k.start("notified:1")
	k.waitEnd()
	k.start("")
	k.waitReady()
	k.post(lines[half:])
	var status status
	k.get("/v1/status", &status)
	topic, offsets := newLastWords(), map[int]int64{}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		for partition := range 3 {
			readChanges(t, status.Kafka.Brokers[0], partition, offsets, topic)
		}
		inTopic, byWebhook := topic.differs(states), webhook.differs(states)
		if inTopic == "" && byWebhook == "" {
			break
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("topic: %s; webhook: %s", inTopic, byWebhook)
		}
	}
	if !topic.repeated() && !webhook.repeated() {
		t.Error("nothing was told twice: the process did not die where it should")
	}
	if _, metrics := k.request(http.MethodGet, "/metrics", "", nil); !strings.Contains(string(metrics),
		`kaskad_aggregate_notify_lag{sink="webhook"}`) {
		t.Error("/metrics lacks kaskad_aggregate_notify_lag")
	}
	k.stop()
}

// waitEnd waits until the process dies at its step.
func (k *kaskad) waitEnd() {
	k.t.Helper()
	select {
	case <-k.ended:
	case <-time.After(2 * time.Minute):
		k.t.Fatal("kaskad does not reach the step to die at")
	}
}

// readChanges hears what a partition has had since the last call.
func readChanges(t testing.TB, broker string, partition int, offsets map[int]int64, to *lastWords) {
	t.Helper()
	conn, err := kafka.DialLeader(t.Context(), "tcp", broker, "numbers.changed", partition)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, end, err := conn.ReadOffsets()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Seek(offsets[partition], kafka.SeekAbsolute); err != nil {
		t.Fatal(err)
	}
	for ; offsets[partition] < end; offsets[partition]++ {
		m, err := conn.ReadMessage(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		var c toldNumber
		if err := json.Unmarshal(m.Value, &c); err != nil || string(m.Key) != c.Account+"\x00"+c.Number {
			t.Fatalf("key %q, value %s: %v", m.Key, m.Value, err)
		}
		to.hear(c)
	}
}
