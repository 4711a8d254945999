package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kaskad/schema"
)

// testKeys are two keys, and testSecrets what a person writes for them.
var (
	testKeys = [][]byte{[]byte("0123456789abcdef01234567"),
		[]byte("a key that is as long as a key may be: 64 bytes, which are these")}
	testSecrets = []string{"whsec_" + base64.StdEncoding.EncodeToString(testKeys[0]),
		"whsec_" + base64.StdEncoding.EncodeToString(testKeys[1])}
)

func testWebhook(t testing.TB, address string) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookConfig{URL: address, Secrets: testSecrets})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// post is a request as an endpoint sees it.
type post struct {
	id, timestamp, signature, contentType string
	body                                  []byte
}

// endpoint notes what it is sent, and answers as the test wants.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	posts []post
	// answer writes the answer to the n-th request, from 0.
	answer func(n int, w http.ResponseWriter)
}

func newEndpoint(t testing.TB, answer func(n int, w http.ResponseWriter)) *endpoint {
	e := &endpoint{answer: answer}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		e.mu.Lock()
		n := len(e.posts)
		e.posts = append(e.posts, post{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"),
			r.Header.Get("webhook-signature"), r.Header.Get("Content-Type"), body})
		e.mu.Unlock()
		if e.answer != nil {
			e.answer(n, w)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) all() []post {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]post(nil), e.posts...)
}

// open checks a post as a receiver does, by the specification and not by the library that signed it, and returns its
// changes.
func (p post) open(t testing.TB) []announcement {
	t.Helper()
	seconds, err := strconv.ParseInt(p.timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("webhook-timestamp %q: %v", p.timestamp, err)
	}
	signatures := strings.Split(p.signature, " ")
	if len(signatures) != len(testKeys) {
		t.Fatalf("webhook-signature %q, want %d signatures", p.signature, len(testKeys))
	}
	for i, key := range testKeys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(p.id + "." + p.timestamp + "."))
		mac.Write(p.body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); signatures[i] != want {
			t.Errorf("signature %s, want %s", signatures[i], want)
		}
	}
	var body struct {
		Type      string
		Timestamp time.Time
		Data      struct{ Changes []announcement }
	}
	if err := json.Unmarshal(p.body, &body); err != nil {
		t.Fatal(err)
	}
	changes := body.Data.Changes
	if body.Type != "number.changed" || p.contentType != "application/json" || len(changes) == 0 {
		t.Fatalf("%s %s", p.contentType, p.body)
	}
	if last := changes[len(changes)-1]; body.Timestamp.UnixMilli() != parseMS(t, last.SeenAt) ||
		p.id != fmt.Sprintf("numbers_%d_%d", changes[0].Seq, last.Seq) {
		t.Errorf("timestamp %v, id %s of changes %d to %d", body.Timestamp, p.id, changes[0].Seq, last.Seq)
	}
	return changes
}

func parseMS(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(apiTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

func backToChange(t testing.TB, c announcement) schema.NumberChange {
	t.Helper()
	return schema.NumberChange{Account: c.Account, Number: c.Number, From: c.From, To: c.To, Rule: c.Rule,
		AtMS: parseMS(t, c.At), SeenMS: parseMS(t, c.SeenAt), Seq: c.Seq}
}

// changes are those of all posts, in the order of arrival; each post is of one account.
func (e *endpoint) changes(t testing.TB) (all []schema.NumberChange) {
	t.Helper()
	for _, p := range e.all() {
		opened := p.open(t)
		for _, c := range opened {
			if c.Account != opened[0].Account {
				t.Fatal("a post holds changes of two accounts")
			}
			all = append(all, backToChange(t, c))
		}
	}
	return all
}

func TestWebhook_Body(t *testing.T) {
	e := newEndpoint(t, nil)
	batch := []schema.NumberChange{{Account: "shop", Number: "+79001234567", From: "suspect", To: "dead", Rule: "hard",
		AtMS: noon.UnixMilli(), SeenMS: noon.UnixMilli() + 60_001, Seq: 1795132860001000}}
	if err := testWebhook(t, e.URL).announce(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"number.changed","timestamp":"2026-11-20T00:01:00.001Z","data":{"changes":[{"account":"shop","number":"+79001234567","from":"suspect","to":"dead",` +
		`"at":"2026-11-20T00:00:00.000Z","seen_at":"2026-11-20T00:01:00.001Z","rule":"hard","seq":1795132860001000}]}}`
	p := e.all()[0]
	p.open(t)
	if string(p.body) != want {
		t.Errorf("body\n%s want\n%s", p.body, want)
	}
}

// An endpoint with every kind of trouble gets the same batch, under the same id, until it says 2xx; and logs show no
// number.
func TestAnnouncer_TroubledEndpoint(t *testing.T) {
	r := newNotifyRig(t)
	elsewhere := newEndpoint(t, nil)
	hang := make(chan struct{})
	troubles := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { http.Error(w, "sorry about +79000000000", http.StatusInternalServerError) },
		func(http.ResponseWriter) { <-hang },
		func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		func(w http.ResponseWriter) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(connection, "HTTP/1.1 200 O")
			_ = connection.Close()
		},
	}
	e := newEndpoint(t, func(n int, w http.ResponseWriter) {
		if n < len(troubles) {
			troubles[n](w)
		}
	})
	t.Cleanup(func() { close(hang) })
	webhook := testWebhook(t, e.URL)
	if webhook.client.Timeout != webhookTimeout {
		t.Errorf("timeout %v", webhook.client.Timeout)
	}
	webhook.client.Timeout = 300 * time.Millisecond
	a := r.announcer(Config{Webhook: webhook, FromStart: true}, Deps{})
	want := r.change(50, "a")
	for n := range troubles {
		a.restUntil = time.Time{}
		if more, err := a.turn(t.Context(), true); !more || err != nil {
			t.Fatal(more, err)
		}
		if a.tries != n+1 || r.position("webhook") != 0 {
			t.Fatalf("trouble %d: %d tries, position %d", n, a.tries, r.position("webhook"))
		}
		if wait := time.Until(a.restUntil); (wait > 110*time.Second) != (n == 2) {
			t.Errorf("trouble %d: it waits %v", n, wait)
		}
		if lag := r.metric("notify_lag", "webhook"); lag != 50 {
			t.Errorf("trouble %d: lag %v, want 50", n, lag)
		}
	}
	announceAll(t, a)
	posts := e.all()
	if len(posts) != len(troubles)+1 || len(elsewhere.all()) != 0 {
		t.Fatalf("%d posts, and %d elsewhere", len(posts), len(elsewhere.all()))
	}
	for _, p := range posts {
		p.open(t)
		if p.id != posts[0].id || string(p.body) != string(posts[0].body) {
			t.Errorf("announced again as %s: %s", p.id, p.body)
		}
	}
	mustHold(t, want, e.changes(t))
	if failures, notified := r.metric("notify_failures_total", "webhook"),
		r.metric("notified_total", "webhook"); failures != float64(len(troubles)) || notified != 50 {
		t.Errorf("%v failures, %v notified", failures, notified)
	}
	if r.metric("notify_lag", "webhook") != 0 || r.position("webhook") != r.seq {
		t.Errorf("lag %v, position %d", r.metric("notify_lag", "webhook"), r.position("webhook"))
	}
	log := r.log.text()
	for _, words := range []string{"+7900", "sorry", "whsec_", e.URL} {
		if strings.Contains(log, words) {
			t.Errorf("the log says %q:\n%s", words, log)
		}
	}
	for _, words := range []string{"answered 500", "answered 429", "redirects are not followed", "Timeout",
		"retry_in"} {
		if !strings.Contains(log, words) {
			t.Errorf("the log does not say %q:\n%s", words, log)
		}
	}
}

// 410 ends the announcing of this process, loudly, and the position stays.
func TestAnnouncer_Gone(t *testing.T) {
	r := newNotifyRig(t)
	e := newEndpoint(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) })
	a := r.announcer(Config{Webhook: testWebhook(t, e.URL), FromStart: true}, Deps{})
	r.change(4, "a")
	announceAll(t, a)
	r.change(4, "a")
	announceAll(t, a)
	a.measured = time.Time{}
	announceAll(t, a)
	if n := len(e.all()); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
	if r.metric("notify_stopped", "webhook") != 1 || r.metric("notify_failures_total", "webhook") != 1 ||
		r.metric("notify_lag", "webhook") != 8 || r.position("webhook") != 0 {
		t.Errorf("stopped %v, failures %v, lag %v, position %d", r.metric("notify_stopped", "webhook"),
			r.metric("notify_failures_total", "webhook"), r.metric("notify_lag", "webhook"), r.position("webhook"))
	}
	if !strings.Contains(r.log.text(), "level=ERROR") || !strings.Contains(r.log.text(), "410 Gone") {
		t.Errorf("log %s", r.log.text())
	}
	// The next process tries once more.
	e.answer = nil
	announceAll(t, r.announcer(Config{Webhook: testWebhook(t, e.URL)}, Deps{}))
	if r.metric("notify_stopped", "webhook") != 0 || r.position("webhook") != r.seq {
		t.Error("nothing is announced after a restart")
	}
}

func TestParseRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999": longestRetryAfter,
		noon.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		noon.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		if got := parseRetryAfter(text, noon); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestNewWebhook_Checks(t *testing.T) {
	const good = "https://crm.example.com/hooks?token=t0ken"
	for name, c := range map[string]struct {
		config WebhookConfig
		words  string // of the error, "" for none
	}{
		"HTTPS":      {WebhookConfig{URL: good, Secrets: testSecrets[:1]}, ""},
		"TwoSecrets": {WebhookConfig{URL: good, Secrets: testSecrets}, ""},
		"Loopback":   {WebhookConfig{URL: "http://127.0.0.1:1/x", Secrets: testSecrets}, ""},
		"LoopbackV6": {WebhookConfig{URL: "http://[::1]:1/x", Secrets: testSecrets}, ""},
		"Localhost":  {WebhookConfig{URL: "http://localhost:1/x", Secrets: testSecrets}, ""},
		"HTTP": {WebhookConfig{URL: "http://crm.example.com/?token=t0ken", Secrets: testSecrets},
			"--insecure-webhook"},
		"LikeLocalhost": {WebhookConfig{URL: "http://localhost.example.com/", Secrets: testSecrets},
			"--insecure-webhook"},
		"HTTPInsecure": {WebhookConfig{URL: "http://crm.example.com/", Secrets: testSecrets, Insecure: true}, ""},
		"OtherScheme": {WebhookConfig{URL: "ftp://crm.example.com/t0ken", Secrets: testSecrets, Insecure: true},
			"want one such as"},
		"NoScheme": {WebhookConfig{URL: "crm.example.com/t0ken", Secrets: testSecrets}, "want one such as"},
		"NoHost":   {WebhookConfig{URL: "https:///t0ken", Secrets: testSecrets}, "want one such as"},
		"NotAURL":  {WebhookConfig{URL: "https://crm example/t0ken", Secrets: testSecrets}, "want one such as"},
		"Fragment": {WebhookConfig{URL: good + "#t0ken", Secrets: testSecrets}, "#"},
		"NoSecret": {WebhookConfig{URL: good}, "secret: is missing"},
		"NoPrefix": {WebhookConfig{URL: good, Secrets: []string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}},
			"does not begin with whsec_"},
		"NotBase64": {WebhookConfig{URL: good, Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY_"}},
			"not in base64"},
		"ShortSecret": {WebhookConfig{URL: good, Secrets: []string{"whsec_MDEyMzQ1Njc4"}}, "has 9 bytes"},
		"EmptySecret": {WebhookConfig{URL: good, Secrets: []string{"whsec_"}}, "has 0 bytes"},
		"SecondIsBad": {WebhookConfig{URL: good, Secrets: []string{testSecrets[0], "MDEyMzQ1Njc4"}},
			"does not begin with whsec_"},
		"BothAreWrong": {WebhookConfig{URL: "http://crm.example.com", Secrets: []string{"MDEyMzQ1Njc4"}},
			"does not begin with whsec_"},
		"SecretTooLarge": {WebhookConfig{URL: good,
			Secrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))}}, "has 65 bytes"},
	} {
		_, err := NewWebhook(c.config)
		if (err == nil) != (c.words == "") || (err != nil && !strings.Contains(err.Error(), c.words)) {
			t.Errorf("%s: %v, want %q", name, err, c.words)
		}
		if err != nil && (strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "MDEyMzQ1Njc4")) {
			t.Errorf("%s: the error repeats a secret: %v", name, err)
		}
	}
}
