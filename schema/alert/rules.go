package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Topic is what a rule names to tell the topic of alerts; any other name is that of a webhook.
const Topic = "topic"

const (
	// MaxRules and MaxWebhooks are how many an account may have, and maxValues how many values a filter may name.
	MaxRules, MaxWebhooks = 50, 10
	maxValues             = 100
	maxIDBytes            = 64
	maxNameRunes          = 100
	maxURLBytes           = 2048
	// DefaultLimitMinutes is how old figures may become by default.
	DefaultLimitMinutes = 30
)

// Rules are what an account watches, and the webhooks that its rules may name.
type Rules struct {
	Alerts   []Rule    `json:"alerts"`
	Webhooks []Webhook `json:"webhooks"`
}

// Rule is a figure to watch.
type Rule struct {
	// ID is the rule's name in alerts, Name what people read.
	ID     string `json:"id"`
	Name   string `json:"name"`
	Metric Metric `json:"metric"`
	// By are the keys whose values are judged each by itself; Only are the values that are looked at.
	By          []string    `json:"by"`
	Only        Only        `json:"only"`
	Sensitivity Sensitivity `json:"sensitivity"`
	// MinSample is how many messages (of dead letters: letters) there must be before anything is said.
	MinSample int64 `json:"min_sample"`
	// AfterMinutes: messages are compared by what became of them within so many minutes of their start; of a cost, days
	// are judged when all of their messages are so old.
	AfterMinutes int `json:"after_minutes"`
	// LimitMinutes is how old figures may be, of metric freshness.
	LimitMinutes int `json:"limit_minutes"`
	// SendTo are "topic" and ids of webhooks; the page shows every alert.
	SendTo []string `json:"send_to"`
	On     bool     `json:"on"`
}

// Only are values to look at, by key; all where there are none.
type Only struct {
	Channel  []string `json:"channel,omitempty"`
	Provider []string `json:"provider,omitempty"`
	Operator []string `json:"operator,omitempty"`
	Campaign []string `json:"campaign,omitempty"`
}

// Of returns the values of a key.
func (o *Only) Of(key string) []string {
	switch key {
	case "channel":
		return o.Channel
	case "provider":
		return o.Provider
	case "operator":
		return o.Operator
	case "campaign":
		return o.Campaign
	}
	return nil
}

// Webhook is an endpoint that alerts are sent to.
type Webhook struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Secret signs what is sent. It is stored and never shown.
	Secret string `json:"secret,omitempty"`
	// Anywhere: an admin of all accounts has put it, so it may lead to addresses that are not public.
	Anywhere bool `json:"anywhere"`
}

// ShownWebhook is a webhook as people see it: SecretID tells one secret from another, and nothing of it.
type ShownWebhook struct {
	ID       string `json:"id"`
	URL      string `json:"url"`
	SecretID string `json:"secret_id"`
	Anywhere bool   `json:"anywhere"`
}

// ShownRules are rules as people see them.
type ShownRules struct {
	Alerts   []Rule         `json:"alerts"`
	Webhooks []ShownWebhook `json:"webhooks"`
}

// Shown returns the rules without secrets.
func (r *Rules) Shown() ShownRules {
	shown := ShownRules{Alerts: r.Alerts, Webhooks: []ShownWebhook{}}
	for _, w := range r.Webhooks {
		sum := sha256.Sum256([]byte("kaskad webhook secret\x00" + w.Secret))
		shown.Webhooks = append(shown.Webhooks, ShownWebhook{w.ID, w.URL, hex.EncodeToString(sum[:4]), w.Anywhere})
	}
	return shown
}

// Default are the rules of an account that has put none: the page alone tells of them.
func Default() Rules {
	rules := Rules{Webhooks: []Webhook{}}
	for _, m := range []Metric{Delivery, Open, Silent, Filtered, Unmapped, CostPerReached, Freshness} {
		r := Rule{ID: string(m), Metric: m}
		r.fill()
		rules.Alerts = append(rules.Alerts, r)
	}
	return rules
}

// fill sets what a rule leaves out but On, which is set here for it is true by default.
func (r *Rule) fill() {
	m := r.Metric.of()
	r.On, r.Sensitivity, r.By, r.SendTo = true, "normal", []string{}, []string{}
	if m != nil {
		r.By = slices.Clone(append([]string{}, m.by[:m.given]...))
		r.MinSample, r.AfterMinutes = m.sample, m.after
	}
	if r.Metric == Freshness {
		r.LimitMinutes = DefaultLimitMinutes
	}
}

// Parse reads rules as they are stored.
func Parse(stored []byte) (Rules, error) {
	rules := Rules{Alerts: []Rule{}, Webhooks: []Webhook{}}
	if err := json.Unmarshal(stored, &rules); err != nil {
		return rules, fmt.Errorf("read alert rules: %w", err)
	}
	return rules, nil
}

// Webhook returns the webhook of an id, and whether there is one.
func (r *Rules) Webhook(id string) (Webhook, bool) {
	i := slices.IndexFunc(r.Webhooks, func(w Webhook) bool { return w.ID == id })
	if i < 0 {
		return Webhook{}, false
	}
	return r.Webhooks[i], true
}

// Rule returns the rule of an id that is on, and whether there is one.
func (r *Rules) Rule(id string) (Rule, bool) {
	i := slices.IndexFunc(r.Alerts, func(one Rule) bool { return one.ID == id && one.On })
	if i < 0 {
		return Rule{}, false
	}
	return r.Alerts[i], true
}

// Complete makes rules that somebody puts those that are stored, given the ones that they replace. A webhook that
// names no secret keeps the one that it had. Whoever is no admin of all accounts (operator) cannot lead a webhook to
// addresses that are not public, nor watch what is of all accounts; what an operator has put stays as long as it is
// not changed. refuse is called for what cannot be, with the list and the row, from 1.
func (r *Rules) Complete(before Rules, operator bool, refuse func(list string, row int, field, reason string)) {
	for i := range r.Webhooks {
		w := &r.Webhooks[i]
		old, known := before.Webhook(w.ID)
		if w.Secret == "" {
			w.Secret = old.Secret
		}
		if w.Secret == "" {
			refuse("webhooks", i+1, "secret", "is required, for a receiver could not tell who sends: make one by "+
				"`echo whsec_$(openssl rand -base64 32)`")
		}
		w.Anywhere = operator || known && old.Anywhere && old.URL == w.URL
	}
	for i := range r.Alerts {
		one := &r.Alerts[i]
		if m := one.Metric.of(); m == nil || !m.service || operator {
			continue
		}
		if old := slices.IndexFunc(before.Alerts, one.equal); old < 0 {
			refuse("alerts", i+1, "metric", string(one.Metric)+" is of all accounts: an admin key of all accounts "+
				"puts such a rule")
		}
	}
}

func (r *Rule) equal(other Rule) bool {
	mine, err := json.Marshal(r)
	theirs, otherErr := json.Marshal(other)
	return err == nil && otherErr == nil && string(mine) == string(theirs)
}
