package lists

import (
	"encoding/json"
	"fmt"

	"kaskad/query/answer"
	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/listfile"
)

// maxAlerts is what the rules of an account may weigh, in bytes.
const maxAlerts = 256 << 10

// alertsKind is /v1/alerts: what an account watches, and whom it tells (docs/alerts.md). Secrets of webhooks are stored
// with the list, so that a version is in force as a whole, and leave it no more.
func alertsKind() referenceKind {
	kind := referenceKind{name: schema.ReferenceAlerts, limit: maxAlerts, keys: []string{"id"},
		members: []string{"alerts", "webhooks"},
		read: func(_ listForm, body []byte) (int, []byte, error) {
			rules, err := alert.ReadJSON(body)
			if err != nil {
				return 0, nil, err
			}
			stored, err := json.Marshal(rules)
			return len(rules.Alerts), stored, err
		},
		show: shownAlerts, compared: shownAlerts, complete: completeAlerts,
	}
	describeAlerts(&kind)
	return kind
}

// shownAlerts is a list without secrets; that of an account without one are the rules by default.
func shownAlerts(list schema.Reference) ([]byte, error) {
	rules := alert.Default()
	if list.Version > 0 {
		var err error
		if rules, err = alert.Parse(list.Body); err != nil {
			return nil, err
		}
	}
	return json.Marshal(rules.Shown())
}

// completeAlerts gives webhooks the secrets that they had, and refuses what the caller may not put.
func completeAlerts(caller *answer.Caller, before schema.Reference, body []byte) ([]byte, error) {
	rules, err := alert.Parse(body)
	if err != nil {
		return nil, err
	}
	old := alert.Default()
	if before.Version > 0 {
		if old, err = alert.Parse(before.Body); err != nil {
			return nil, err
		}
	}
	p := &listfile.Problems{}
	rules.Complete(old, caller.All, func(list string, row int, field, reason string) {
		p.Add(row, 0, list+"."+field, reason)
	})
	if err := p.Err(); err != nil {
		return nil, err
	}
	stored, err := json.Marshal(rules)
	if err != nil {
		return nil, fmt.Errorf("print alert rules: %w", err)
	}
	return stored, nil
}

// describeAlerts says what the list holds.
func describeAlerts(k *referenceKind) {
	k.title, k.about = "alert rules of an account", "Replaces rules and webhooks as a whole; an empty list of alerts "+
		"turns all off. What a rule leaves out is as it is by default. A webhook without `secret` keeps the one that "+
		"it has; secrets are never shown. Webhooks of an account's own admin reach public addresses alone."
	shown := answer.Typed[alert.Rule]()
	shown.Properties["metric"] = answer.OneOf(alert.Metrics()...)
	shown.Properties["sensitivity"] = answer.OneOf(alert.Sensitivities...)
	shown.Properties["by"] = answer.ListOf(answer.OneOf(alert.Keys...))
	taken := shown.CloneSchemas()
	taken.Required = []string{"id", "metric"}
	k.shown = []answer.Column{{Name: "alerts", Of: answer.ListOf(shown)},
		{Name: "webhooks", Of: answer.ListOf(answer.Typed[alert.ShownWebhook]())}}
	text := func(name, about string, optional bool) answer.Column {
		return answer.Column{Name: name, Text: about, Optional: optional}
	}
	k.taken = []answer.Column{{Name: "alerts", Of: answer.ListOf(taken)},
		{Name: "webhooks", Optional: true, Of: answer.ListOf(answer.ObjectOf(text("id", "", false),
			text("url", "https, or http on loopback", false),
			text("secret", "whsec_ and 24 to 64 bytes in base64: signs by Standard Webhooks", true),
			text("secret_id", "Not read", true),
			answer.Column{Name: "anywhere", Optional: true, Of: &answer.Schema{Type: "boolean"}, Text: "Not read"}))}}
	k.example = `{"alerts":[{"id":"delivery","metric":"delivery","by":["channel","provider"],"min_sample":500}]}`
}
