package health_test

import (
	"testing"
	"time"

	"kaskad/aggregate/health"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

func newCollector(t *testing.T) *health.Collector {
	t.Helper()
	maps, err := errormap.NewMaps(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := health.NewCollector(maps, now.UnixMilli())
	c.Reset("a", "+79001234567", rules.Default)
	return c
}

// smsAttempt is one that failed or was delivered when its message was submitted.
func smsAttempt(at time.Time) health.Attempt {
	return health.Attempt{Channel: "sms", BearsNumber: true, CohortMS: at.UnixMilli(), AtMS: at.UnixMilli()}
}

// Evidence counts for 400 days, to the millisecond, and a verdict is due when the oldest of it expires. What keeps the
// soft rule away has no age.
func TestCollector_AddAttempt_Window(t *testing.T) {
	oldest := now.Add(-400 * day)
	c := newCollector(t)
	for _, at := range []time.Time{oldest.Add(-time.Millisecond), oldest} {
		a := smsAttempt(at)
		a.Delivered = true
		c.AddAttempt(&a)
		a.Delivered, a.Failed = false, true
		c.AddAttempt(&a)
	}
	c.AddInvalid([]int64{oldest.UnixMilli() - 1, oldest.UnixMilli()})
	if len(c.Successes) != 1 || len(c.Failures) != 2 || len(c.Deliveries) != 2 {
		t.Errorf("%d successes, %d failures, %d deliveries; want 1, 2, 2", len(c.Successes), len(c.Failures),
			len(c.Deliveries))
	}
	if want := now.UnixMilli() + 1; c.ExpiresMS != want {
		t.Errorf("it expires at %d, want %d", c.ExpiresMS, want)
	}
	c.Reset("a", "email:ann@example.com", rules.Default)
	if len(c.Successes)+len(c.Failures)+len(c.Deliveries) != 0 || c.ExpiresMS != schema.Never ||
		c.Kind != schema.KindEmail {
		t.Errorf("the next number begins with %+v", c.Evidence)
	}
}

// An attempt without a campaign is a mailing of its UTC day; a look-up is one of its own.
func TestCollector_Mailings(t *testing.T) {
	c := newCollector(t)
	noon := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{noon, noon.Add(12*hour - time.Millisecond), noon.Add(12 * hour)} {
		a := smsAttempt(at)
		a.Failed = true
		c.AddAttempt(&a)
	}
	a := smsAttempt(noon)
	a.Failed, a.Campaign = true, "spring"
	c.AddAttempt(&a)
	c.AddInvalid([]int64{noon.UnixMilli()})
	for i, want := range []string{"2026-10-01", "2026-10-01", "2026-10-02", "spring", "lookup"} {
		if got := c.Failures[i].Mailing; got != want {
			t.Errorf("failure %d is of mailing %q, want %q", i, got, want)
		}
	}
}

// A code that says why a person does not want messages opts out, on any channel; a channel that does not depend on the
// number says nothing else of it.
func TestCollector_AddAttempt_Signals(t *testing.T) {
	c := newCollector(t)
	at := now.Add(-day)
	a := health.Attempt{Channel: "whatsapp", App: "shop", CohortMS: at.UnixMilli(), AtMS: at.UnixMilli(), HasCode: true,
		Provider: "meta", Code: "131050", ErrorMS: at.UnixMilli() + 5}
	c.AddAttempt(&a)
	v := health.Decide(&c.Evidence, rules.Default, nil, now.UnixMilli())
	want := schema.OptOut{Channel: "whatsapp", App: "shop", Kind: "unsubscribed", SinceMS: a.ErrorMS}
	if v.State != health.StateUnknown || len(v.OptOuts) != 1 || v.OptOuts[0] != want {
		t.Errorf("%s, opt-outs %+v, want unknown, %+v", v.State, v.OptOuts, want)
	}
}

// A block ends with what only somebody does who has not blocked; an opt-out ends with a subscription alone. At equal
// times it stands.
func TestDecide_OptOuts(t *testing.T) {
	signal := func(kind, sender string, atMS int64) health.Signal {
		return health.Signal{Kind: kind, Channel: "sms", Sender: sender, AtMS: atMS}
	}
	for name, c := range map[string]struct {
		signals []health.Signal
		want    int
	}{
		"Blocked":                 {[]health.Signal{signal("blocked", "", 5)}, 1},
		"SeenLater":               {[]health.Signal{signal("blocked", "x", 5), signal("seen", "x", 6)}, 0},
		"SeenAtOnce":              {[]health.Signal{signal("blocked", "x", 5), signal("seen", "x", 5)}, 1},
		"SeenOfAnotherSender":     {[]health.Signal{signal("blocked", "x", 5), signal("seen", "y", 6)}, 1},
		"SeenOfAnySender":         {[]health.Signal{signal("blocked", "x", 5), signal("inbound", "", 6)}, 0},
		"UnsubscribedAndSeen":     {[]health.Signal{signal("unsubscribed", "x", 5), signal("seen", "x", 6)}, 1},
		"UnsubscribedSubscribed":  {[]health.Signal{signal("unsubscribed", "x", 5), signal("subscribed", "", 6)}, 0},
		"ComplainedTwice":         {[]health.Signal{signal("complained", "x", 5), signal("complained", "x", 7)}, 1},
		"ComplainedOfTwoSenders":  {[]health.Signal{signal("complained", "x", 5), signal("complained", "y", 7)}, 2},
		"SubscribedBeforeTheLast": {[]health.Signal{signal("complained", "x", 7), signal("subscribed", "x", 6)}, 1},
	} {
		e := health.Evidence{Kind: schema.KindPhone, Signals: c.signals}
		v := health.Decide(&e, rules.Default, nil, now.UnixMilli())
		if len(v.OptOuts) != c.want {
			t.Errorf("%s: %+v, want %d", name, v.OptOuts, c.want)
		}
	}
}
