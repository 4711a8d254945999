package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

// fallen is an alert that began, as it is stored.
func fallen(id string, seq uint64, sendTo ...string) alert.Event {
	return alert.Event{Account: "acme", Seq: seq, ID: id, Rule: "delivery", Metric: alert.Delivery,
		Keys: []string{"channel", "provider"}, Group: alert.Group{Channel: "sms", Provider: "mts"},
		Before: 0.9, Now: 0.4, Low: 0.85, High: 0.95, Num: 400, Den: 1000, Hours: 1,
		SinceMS: noon.UnixMilli(), SendTo: sendTo, AtMS: time.Now().UnixMilli()}
}

func ended(e alert.Event, seq uint64) alert.Event {
	e.Seq, e.UntilMS, e.Ended = seq, e.SinceMS+7200_000, alert.EndedCalm
	e.Now = math.NaN()
	return e
}

// putWebhooks stores rules of acme with webhooks.
func (r *notifyRig) putWebhooks(hooks ...alert.Webhook) {
	r.t.Helper()
	body, err := json.Marshal(alert.Rules{Alerts: []alert.Rule{}, Webhooks: hooks})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := schema.InsertReference(r.t.Context(), r.conn, schema.ReferenceAlerts, "acme", "test", 0, body,
		noon); err != nil {
		r.t.Fatal(err)
	}
}

func (r *notifyRig) alert(events ...alert.Event) {
	r.t.Helper()
	if err := alertlog.Insert(r.t.Context(), r.conn, events); err != nil {
		r.t.Fatal(err)
	}
}

// teller is that of a new process.
func (r *notifyRig) teller(deps Deps) *Teller {
	deps.Conn = r.conn
	return NewTeller(r.deps(deps), func(string) {})
}

// turns takes turns until something holds.
func (r *notifyRig) turns(t *Teller, until func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !until(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("it does not come about\n%s", r.log.text())
		}
		if _, err := t.Turn(r.t.Context(), true); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *notifyRig) outcomes() (all []string) {
	r.t.Helper()
	rows, err := r.conn.Query(r.t.Context(), "SELECT concat(receiver, ' ', id, ' ', toString(end), ' ', outcome) FROM alert_told FINAL ORDER BY ALL")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// The topic and each webhook hear of the beginning and then of the end, once, signed, in the documented form; another
// process tells nothing again.
func TestTeller_Turn_ToldOnce(t *testing.T) {
	r := newNotifyRig(t)
	refuse := 1
	endpoint := newEndpoint(t, func(n int, w http.ResponseWriter) {
		if n < refuse {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	r.putWebhooks(alert.Webhook{ID: "ops", URL: endpoint.URL, Secret: testSecrets[0], Anywhere: true})
	begun := fallen("a1", 1, "topic", "ops")
	r.alert(begun, ended(begun, 2), fallen("a2", 3))
	var mu sync.Mutex
	var keys, values []string
	produce := func(_ context.Context, k, v [][]byte) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range k {
			keys, values = append(keys, string(k[i])), append(values, string(v[i]))
		}
		return nil
	}
	teller := r.teller(Deps{Produce: produce})
	r.turns(teller, func() bool { return len(r.outcomes()) == 4 })
	want := []string{"ops a1 0 told", "ops a1 1 told", "topic a1 0 told", "topic a1 1 told"}
	if got := r.outcomes(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	posts := endpoint.all()
	if len(posts) != 3 || posts[0].id != "alert_a1_began" || posts[1].id != "alert_a1_began" ||
		posts[2].id != "alert_a1_ended" {
		t.Fatalf("%+v", posts)
	}
	const fields = `"id":"a1","account":"acme","rule":"delivery","metric":"delivery","channel":"sms","provider":"mts",` +
		`"operator":null,"campaign":null,"before":0.9,`
	began := `{` + fields + `"now":0.4,"low":0.85,"high":0.95,"num":400,"den":1000,"hours":1,` +
		`"since":"2026-11-20T00:00:00.000Z","until":null,"ended":null}`
	if !slices.Equal(keys, []string{"acme\x00a1", "acme\x00a1"}) || values[0] != began ||
		!strings.Contains(values[1], `"now":null`) ||
		!strings.Contains(values[1], `"until":"2026-11-20T02:00:00.000Z","ended":"recovered"`) {
		t.Errorf("%q %v", keys, values)
	}
	if body := string(posts[0].body); !strings.HasPrefix(body, `{"type":"alert.began","timestamp":"`) ||
		!strings.HasSuffix(body, `"data":`+began+"}") {
		t.Errorf("%s", body)
	}
	mac := signatureOf(testKeys[0], posts[2])
	if posts[2].signature != mac {
		t.Errorf("signature %q, want %q", posts[2].signature, mac)
	}
	if told, failed := r.metric("alerts_told_total", "webhook"), r.metric("alerts_tell_failures_total", "webhook"); told != 2 ||
		failed != 1 {
		t.Errorf("told %v, failed %v", told, failed)
	}
	other := r.teller(Deps{Produce: produce})
	if _, err := other.Turn(t.Context(), true); err != nil || len(endpoint.all()) != 3 || len(keys) != 2 {
		t.Errorf("told again: %v", err)
	}
	if log := r.log.text(); strings.Contains(log, testSecrets[0]) || strings.Contains(log, endpoint.URL) {
		t.Errorf("the log holds a secret or an address: %s", log)
	}
}

// Money is told as money, to the last digit, and in place of what shares have.
func TestNewAlertBody_Costs(t *testing.T) {
	e := fallen("a1", 1)
	e.Metric, e.Keys, e.Num = alert.CostPerReached, nil, 0
	e.Before, e.Now, e.Low, e.High = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	e.Costs = alert.Costs{Currency: "RUB", Cost: 9_007_199_254_740_993, Before: 1_500_000, Now: 2_123_456,
		High: 1_750_000}
	body, err := json.Marshal(newAlertBody(&e).Data)
	const want = `"before":null,"now":null,"low":null,"high":null,"num":null,"den":1000,"hours":1,` +
		`"since":"2026-11-20T00:00:00.000Z","until":null,"ended":null,"currency":"RUB","cost":"9007199254.740993",` +
		`"cost_before":"1.50","cost_now":"2.123456","cost_low":"0.00","cost_high":"1.75"}`
	if err != nil || !strings.HasSuffix(string(body), want) {
		t.Errorf("%s %v", body, err)
	}
}

// A process that dies between the acknowledgement and the note tells once more, under the same id.
func TestTeller_Turn_DiesBeforeTheNote(t *testing.T) {
	r := newNotifyRig(t)
	endpoint := newEndpoint(t, nil)
	r.putWebhooks(alert.Webhook{ID: "ops", URL: endpoint.URL, Secret: testSecrets[0], Anywhere: true})
	r.alert(fallen("a1", 1, "ops"))
	const died = "killed"
	func() {
		defer func() {
			if recover() != died {
				t.Error("it did not die")
			}
		}()
		dying := NewTeller(r.deps(Deps{Conn: r.conn}), func(string) { panic(died) })
		_, _ = dying.Turn(t.Context(), true)
	}()
	if len(r.outcomes()) != 0 {
		t.Fatalf("%v", r.outcomes())
	}
	r.turns(r.teller(Deps{}), func() bool { return len(r.outcomes()) == 1 })
	if posts := endpoint.all(); len(posts) != 2 || posts[0].id != posts[1].id ||
		string(posts[0].body) != string(posts[1].body) {
		t.Errorf("%+v", posts)
	}
}

// One that is gone, one that was taken away and a topic that there is not hold nothing up.
func TestTeller_Turn_GivesUp(t *testing.T) {
	r := newNotifyRig(t)
	gone := newEndpoint(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) })
	slow := newEndpoint(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	r.putWebhooks(alert.Webhook{ID: "gone", URL: gone.URL, Secret: testSecrets[0], Anywhere: true},
		alert.Webhook{ID: "old", URL: slow.URL, Secret: testSecrets[0], Anywhere: true})
	late := fallen("a2", 2, "old")
	late.AtMS = time.Now().Add(-giveUpAfter).UnixMilli() + 2000
	r.alert(fallen("a1", 1, "gone", "removed", "topic"), late)
	r.turns(r.teller(Deps{}), func() bool { return len(r.outcomes()) == 4 })
	if got := r.outcomes(); !slices.Equal(got, []string{"gone a1 0 gone", "old a2 0 gave_up", "removed a1 0 no_receiver",
		"topic a1 0 no_receiver"}) {
		t.Errorf("%v", got)
	}
}

// Addresses that lead to this machine, its network or nobody are not public, in whatever form they are written.
func TestIsPublic(t *testing.T) {
	for _, text := range []string{"127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",
		"192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1",
		"255.255.255.255", "240.0.0.1", "203.0.113.9", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:169.254.169.254", "::ffff:10.0.0.1", "::7f00:1", "::ffff:0:7f00:1", "64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "fc00::1",
		"fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "100::1"} {
		if isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is taken for public", text)
		}
	}
	for _, text := range []string{"8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8",
		"2606:4700:4700::1111", "2a02:6b8::feed:ff"} {
		if !isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is not taken for public", text)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is taken for public")
	}
}

// An account's own webhook reaches nothing that is not public: by number, in IPv6, by a name that leads there, by a
// name that led elsewhere when somebody looked, by a proxy, by a redirect.
func TestPostAlert_Attacks(t *testing.T) {
	reached := make(chan string, 100)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- r.Method + " " + r.URL.Path
	}))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_PROXY", inside.URL)
	t.Setenv("HTTPS_PROXY", inside.URL)
	e := fallen("a1", 1)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]",
		"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "2130706433", "0x7f.1"} {
		w := alert.Webhook{ID: "x", URL: fmt.Sprintf("http://%s:%s/secret-path", host, port), Secret: testSecrets[0]}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := postAlert(ctx, w, &e, time.Now())
		cancel()
		if err == nil {
			t.Errorf("%s was sent to", host)
			continue
		}
		if strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: the error names the address: %v", host, err)
		}
		if numeric, parsed := netip.ParseAddr(strings.Trim(host, "[]")); parsed == nil && !errors.Is(err, errNotPublic) {
			t.Errorf("%s (%v): %v", host, numeric, err)
		}
	}
	// What a name means is looked at where it is dialled, each time: here it means another address each time.
	answers := []string{"8.8.8.8:443", "127.0.0.1:443", "[::ffff:127.0.0.1]:443", "[fe80::1]:443", "x"}
	for i, address := range answers {
		if err := publicOnly("tcp", address, nil); (err == nil) != (i == 0) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if newClient(alert.Webhook{}).Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy would connect to whatever the webhook names")
	}
	// An operator's webhook may lead inside, and is redirected by nobody.
	redirects := newEndpoint(t, func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", inside.URL+"/redirected")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	t.Setenv("NO_PROXY", "127.0.0.1")
	w := alert.Webhook{ID: "x", URL: redirects.URL, Secret: testSecrets[0], Anywhere: true}
	if err := postAlert(t.Context(), w, &e, time.Now()); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("%v", err)
	}
	if len(redirects.all()) != 1 {
		t.Error("the operator's webhook was not reached")
	}
	select {
	case what := <-reached:
		t.Errorf("reached: %s", what)
	default:
	}
}

// A receiver that answers without end, or not at all, is left.
func TestPostAlert_EndlessAnswer(t *testing.T) {
	endpoint := newEndpoint(t, func(_ int, w http.ResponseWriter) {
		for range 10_000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	began := time.Now()
	e := fallen("a1", 1)
	w := alert.Webhook{URL: endpoint.URL, Secret: testSecrets[0], Anywhere: true}
	err := postAlert(t.Context(), w, &e, time.Now())
	if err != nil || time.Since(began) > webhookTimeout {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// signatureOf is what the specification says of a post.
func signatureOf(key []byte, p post) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(p.id + "." + p.timestamp + "."))
	mac.Write(p.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// The metrics are there before anything happens.
func TestNewTeller_Metrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	NewTeller(Deps{Registerer: registry}, func(string) {})
	if families, err := registry.Gather(); err != nil || len(families) != 3 {
		t.Errorf("%v, %v", families, err)
	}
}
