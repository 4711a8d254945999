package alert

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kaskad/schema/listfile"
)

// idForm is that of ids of rules and webhooks.
var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// ReadJSON reads rules as people put them: {"alerts":[…],"webhooks":[…]}, and beside them what GET shows of a list.
// The error is listfile.RowErrors, which names every fault.
func ReadJSON(body []byte) (Rules, error) {
	rules, p := Rules{Alerts: []Rule{}, Webhooks: []Webhook{}}, &listfile.Problems{}
	var document struct {
		Alerts   *[]json.RawMessage `json:"alerts"`
		Webhooks []json.RawMessage  `json:"webhooks"`
		Account  json.RawMessage    `json:"account"`
		Version  json.RawMessage    `json:"version"`
		At       json.RawMessage    `json:"at"`
	}
	if err := strict(body, &document); err != nil || document.Alerts == nil || !utf8.Valid(body) {
		p.Add(0, 0, "alerts", `must be JSON in UTF-8 such as {"alerts":[{"id":"sms","metric":"delivery"}]}`+
			because(err))
		return rules, p.Err()
	}
	if n := len(*document.Alerts); n > MaxRules {
		p.Add(0, 0, "alerts", fmt.Sprintf("are %d, and an account may have %d: leave some out", n, MaxRules))
	}
	if n := len(document.Webhooks); n > MaxWebhooks {
		p.Add(0, 0, "webhooks", fmt.Sprintf("are %d, and an account may have %d: leave some out", n, MaxWebhooks))
	}
	if len(p.List) > 0 {
		return rules, p.Err()
	}
	for i, raw := range document.Webhooks {
		rules.Webhooks = append(rules.Webhooks, readWebhook(raw, rules.Webhooks, func(field, reason string) {
			p.Add(i+1, 0, "webhooks."+field, reason)
		}))
	}
	for i, raw := range *document.Alerts {
		rules.Alerts = append(rules.Alerts, readRule(raw, &rules, func(field, reason string) {
			p.Add(i+1, 0, "alerts."+field, reason)
		}))
	}
	return rules, p.Err()
}

// strict reads one JSON value that has no unknown fields.
func strict(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.TrimPrefix(err.Error(), "json: ")
}

func readRule(raw []byte, rules *Rules, refuse func(field, reason string)) Rule {
	var named struct {
		Metric Metric `json:"metric"`
	}
	_ = json.Unmarshal(raw, &named) // what is wrong with it is found below
	r := Rule{Metric: named.Metric}
	r.fill()
	if err := strict(raw, &r); err != nil {
		refuse("id", "stands in a rule that cannot be read"+because(err))
		return r
	}
	checkID(r.ID, refuse)
	if slices.ContainsFunc(rules.Alerts, func(other Rule) bool { return other.ID == r.ID }) {
		refuse("id", fmt.Sprintf("%q is that of another rule: choose another", listfile.Shorten(r.ID)))
	}
	switch {
	case utf8.RuneCountInString(r.Name) > maxNameRunes:
		refuse("name", fmt.Sprintf("is longer than %d characters: shorten it", maxNameRunes))
	case strings.ContainsFunc(r.Name, unicode.IsControl):
		refuse("name", "holds a control character, such as a line break: leave it out")
	}
	if r.By == nil {
		r.By = []string{}
	}
	if r.SendTo == nil {
		r.SendTo = []string{}
	}
	m := r.Metric.of()
	if m == nil {
		refuse("metric", fmt.Sprintf("%q is no metric; it must be one of %s", listfile.Shorten(string(r.Metric)),
			words(Metrics())))
		return r
	}
	r.check(m, refuse)
	for i, to := range r.SendTo {
		_, known := rules.Webhook(to)
		switch {
		case to != Topic && !known:
			refuse("send_to", fmt.Sprintf("%q is neither topic nor the id of a webhook of this list",
				listfile.Shorten(to)))
		case slices.Contains(r.SendTo[:i], to):
			refuse("send_to", fmt.Sprintf("names %q twice", to))
		}
	}
	return r
}

// check refuses what a metric does not know.
func (r *Rule) check(m *metricOf, refuse func(field, reason string)) {
	for i, key := range r.By {
		switch {
		case !slices.Contains(m.by, key):
			refuse("by", fmt.Sprintf("%q is none of %s, which %s may be told apart by", listfile.Shorten(key),
				words(m.by), m.name))
		case slices.Contains(r.By[:i], key):
			refuse("by", fmt.Sprintf("names %q twice", key))
		}
	}
	for _, key := range Keys {
		values := r.Only.Of(key)
		switch {
		case len(values) > 0 && !slices.Contains(m.by, key):
			refuse("only."+key, fmt.Sprintf("is nothing that %s could be limited to", m.name))
		case len(values) > maxValues:
			refuse("only."+key, fmt.Sprintf("names %d values, and may name %d", len(values), maxValues))
		}
	}
	if !slices.Contains(Sensitivities, r.Sensitivity) {
		refuse("sensitivity", fmt.Sprintf("%q must be one of %s", listfile.Shorten(string(r.Sensitivity)),
			words(Sensitivities)))
	}
	between := func(field string, n int64, applies bool, lo, hi int64) {
		switch {
		case !applies && n != 0:
			refuse(field, fmt.Sprintf("means nothing to %s: leave it out", m.name))
		case applies && (n < lo || n > hi):
			refuse(field, fmt.Sprintf("must be a whole number, %d…%d", lo, hi))
		}
	}
	lo := int64(10)
	if m.shape == falls || m.shape == rises || m.shape == costs {
		lo = 30
	}
	const day = 24 * 60
	longest := int64(2 * day)
	if m.shape == costs {
		longest = 30 * day // what settles last, on WhatsApp
	}
	between("min_sample", r.MinSample, m.sample > 0, lo, 1_000_000_000)
	between("after_minutes", int64(r.AfterMinutes), m.after > 0, 1, longest)
	between("limit_minutes", int64(r.LimitMinutes), m.shape == limits, 1, 7*day)
}

func words[T ~string](names []T) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = string(name)
	}
	return strings.Join(all, " ")
}

func checkID(id string, refuse func(field, reason string)) {
	if len(id) > maxIDBytes || !idForm.MatchString(id) {
		refuse("id", fmt.Sprintf("must be up to %d small letters, digits, dashes and underscores, and begin with a "+
			"letter or digit", maxIDBytes))
	}
}

func readWebhook(raw []byte, others []Webhook, refuse func(field, reason string)) Webhook {
	var given struct {
		ID     string `json:"id"`
		URL    string `json:"url"`
		Secret string `json:"secret"`
		// What GET shows beside them is left out.
		SecretID string `json:"secret_id"`
		Anywhere bool   `json:"anywhere"`
	}
	if err := strict(raw, &given); err != nil {
		refuse("id", "stands in a webhook that cannot be read")
		return Webhook{}
	}
	w := Webhook{ID: given.ID, URL: given.URL, Secret: given.Secret}
	checkID(w.ID, refuse)
	if w.ID == Topic {
		refuse("id", "stands for the topic: choose another")
	}
	if slices.ContainsFunc(others, func(other Webhook) bool { return other.ID == w.ID }) {
		refuse("id", fmt.Sprintf("%q is that of another webhook: choose another", listfile.Shorten(w.ID)))
	}
	if reason := wrongURL(w.URL); reason != "" {
		refuse("url", reason)
	}
	if w.Secret != "" && !SoundSecret(w.Secret) {
		refuse("secret",
			"want whsec_ and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes it")
	}
	return w
}

// wrongURL says what is wrong with the address of a webhook, without repeating it: it may hold a token.
func wrongURL(text string) string {
	if len(text) > maxURLBytes {
		return fmt.Sprintf("is longer than %d bytes", maxURLBytes)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return "want one such as https://ops.example.com/hooks/kaskad"
	case u.User != nil:
		return "holds a name or password, which everybody could read who reads the rules: the signature says who sends"
	case u.Fragment != "":
		return "what follows # is never sent; leave it out"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "by http anybody on the way could read and repeat it: use https"
	}
	return ""
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}

// SecretPrefix is what every secret begins with, by Standard Webhooks.
const SecretPrefix = "whsec_"

// SoundSecret tells whether a text is a secret by Standard Webhooks.
func SoundSecret(secret string) bool {
	const shortest, longest = 24, 64
	encoded, found := strings.CutPrefix(secret, SecretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	return found && err == nil && len(key) >= shortest && len(key) <= longest
}
