package grafana

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Alert is a rule: something has to be done when a figure has been on the wrong side of its limit for so long. The
// table of docs/operations.md is made of them.
type Alert struct {
	// Name is what it is called, and what its uid is made of.
	Name string
	// Plugin says whom to ask for the figure: PromQL, or SQL that answers with one number. Words name the figure where
	// the query does not speak for itself.
	Plugin, Query, Words string
	// Below: the figure is bad when it is less than the limit, else when it is greater.
	Below   bool
	Limit   float64
	Minutes int
	// Page: somebody has to look at once; else within the working day.
	Page bool
	// Do is what to do, in Markdown.
	Do string
}

// Alerts are all rules.
func Alerts() []Alert {
	rule := func(name, query string, limit float64, minutes int, page bool, do string) Alert {
		return Alert{Name: name, Plugin: Prometheus, Query: query, Limit: limit, Minutes: minutes, Page: page, Do: do}
	}
	const at, later = true, false
	all := []Alert{
		rule("not ready", `(sum(up{job="kaskad"} == bool 0) or absent(up{job="kaskad"}))`, 0, 2, at,
			"a process does not answer Prometheus: is it there? `/readyz` of those that are says what is missing"),
		rule("no ingest", `absent(kaskad_ingest_lag_events)`, 0, 2, at,
			"no process owns partitions: start `ingest`, or look in its log for what it waits for"),
		rule("lag", `sum(kaskad_ingest_lag_events)`, 100000, 10, at,
			"ClickHouse is slow or away, or ingest is too small: [lag grows](#troubleshooting)"),
		rule("lag grows", `min_over_time((sum(kaskad_ingest_lag_events) - sum(kaskad_ingest_lag_events offset `+
			`5m))[30m:5m])`,
			0, 0, later, "more comes than is stored, for half an hour: as above, before it is late"),
		rule("lost events", `sum(increase(kaskad_ingest_offset_resets_total[1h]))`, 0, 0, at,
			"retention was faster than ingest, or the topic was made anew: [offsets were reset](#troubleshooting)"),
		rule("writes fail", `sum(increase(kaskad_ingest_insert_retries_total[5m]))`, 0, 5, at,
			"ClickHouse refuses or is away: ingest's log has its error. Nothing is lost meanwhile"),
		{Name: "reports are old", Plugin: ClickHouse, Query: behindSQL, Words: "`lag_seconds` of " +
			"`/v1/status`", Limit: 60,
			Minutes: 5, Page: true, Do: "does `aggregate` run? Its log says what it does: [as_of is " +
				"old](#troubleshooting)"},
		rule("work piles up", `min_over_time(max(kaskad_aggregate_pending_buckets)[15m:1m])`, 0, 15, later,
			"the aggregator never comes to rest: ClickHouse lacks disk or CPU, or many hours are computed anew"),
		rule("passes fail", `sum(increase(kaskad_aggregate_errors_total[5m]))`, 3, 0, at,
			"the aggregator's log has the error, mostly ClickHouse's"),
		{Name: "verdicts are old", Plugin: ClickHouse, Query: waitingSQL, Words: "`pending_numbers` of `/v1/status`",
			Minutes: 15, Do: "the aggregator is behind, its log says why; meanwhile dead numbers go on being tried"},
		rule("nobody hears of numbers", `max by (sink) (kaskad_aggregate_notify_lag)`, 0, 15, later,
			"the webhook or the topic refuses: the log says how it answers"),
		rule("a sink is gone", `max by (sink) (kaskad_aggregate_notify_stopped)`, 0, 0, later,
			"the endpoint answered 410: start the aggregator again when it is back, or with another `--webhook-url`"),
		rule("dead letters", `sum by (reason) (increase(kaskad_ingest_rejected_events_total[10m]))`, 100, 0, later,
			"a sender changed its format: [many dead letters](#troubleshooting)"),
		rule("one id for several people", `max(delta(kaskad_aggregate_shared_attempts[1h]))`, 0, 0, later,
			"a sender gives several recipients one `message_id` (a provider's bulk id, say), so their receipts "+
				"count as "+
				"one attempt: have it make the id from both"),
		rule("rebalancing", `sum(increase(kaskad_ingest_generations_total[10m]))`, 5, 0, later,
			"members of the consumer group join and leave all the time: which `ingest` starts again and again, and "+
				"why?"),
		rule("disk", `min(kaskad_disk_free_bytes / kaskad_disk_total_bytes)`, 0.1, 5, later,
			"make room before [it is full](#troubleshooting). Of embedded services; with a ClickHouse of your own "+
				"watch "+
				"its disks"),
		rule("disk is full", `max(kaskad_disk_full)`, 0, 0, at, "nothing is written: make room, all goes on by itself"),
		rule("facts are lost", `max(kaskad_aggregate_lost_hours) + max(kaskad_aggregate_broken_parts)`, 0, 10, at,
			"`kaskad reread` says which: [facts are lost](#facts-are-lost)"),
		rule("figures differed from facts", `sum(increase(kaskad_audit_differences_total[1h]))`, 0, 0, at,
			"what was read before was wrong, and is mended: [figures differ from facts](#figures-differ-from-facts)"),
		{Name: "events do not add up", Plugin: Prometheus, Query: "abs(" + balanceExpr + ")",
			Words: "the difference of the sides of [the balance](#the-balance), of the processes", Minutes: 10,
			Do: "an event was counted in no term, or in two: report it with the metrics"},
		rule("states don't fit", `sum(rate(kaskad_aggregate_settled_reads_total[10m])) / `+
			`sum(rate(kaskad_aggregate_messages_folded_total[10m]))`, 0.5, 30, later,
			"most changes look outside of the keyed store; if `as_of` is old too, give more `--state-bytes`: "+
				"[states of messages](#states-of-messages)"),
	}
	for i := range all {
		all[i].Below = all[i].Name == "disk"
	}
	return all
}

// Row is the alert's line in docs/operations.md.
func (a *Alert) Row() string {
	than := ">"
	if a.Below {
		than = "<"
	}
	when := fmt.Sprintf("`%s %s %v`", a.Query, than, a.Limit)
	if a.Words != "" {
		when = fmt.Sprintf("%s %s %v", a.Words, than, a.Limit)
	}
	if a.Minutes > 0 {
		when += fmt.Sprintf(" for %d min", a.Minutes)
	}
	who := "work"
	if a.Page {
		who = "at once"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", a.Name, strings.ReplaceAll(when, "|", `\|`), who, a.Do)
}

// UID is what Grafana knows the rule by.
func (a *Alert) UID() string {
	return "kaskad-" + strings.NewReplacer(" ", "-", "'", "").Replace(a.Name)
}

type alertFile struct {
	APIVersion int          `yaml:"apiVersion"`
	Groups     []alertGroup `yaml:"groups"`
}

type alertGroup struct {
	OrgID    int         `yaml:"orgId"`
	Name     string      `yaml:"name"`
	Folder   string      `yaml:"folder"`
	Interval string      `yaml:"interval"`
	Rules    []alertRule `yaml:"rules"`
}

type alertRule struct {
	UID         string            `yaml:"uid"`
	Title       string            `yaml:"title"`
	Condition   string            `yaml:"condition"`
	Data        []alertQuery      `yaml:"data"`
	For         string            `yaml:"for"`
	NoData      string            `yaml:"noDataState"`
	Error       string            `yaml:"execErrState"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

type alertQuery struct {
	RefID      string         `yaml:"refId"`
	Range      map[string]int `yaml:"relativeTimeRange"`
	Datasource string         `yaml:"datasourceUid"`
	Model      map[string]any `yaml:"model"`
}

// rule is the alert as Grafana's provisioning takes it: the figure, and its comparison with the limit.
func (a *Alert) rule() alertRule {
	q := query{Prometheus, map[string]any{"expr": a.Query, "instant": true, "range": false}}
	if a.Plugin == ClickHouse {
		q = sql(a.Query)
	}
	q.model["refId"] = "A"
	kind := "gt"
	if a.Below {
		kind = "lt"
	}
	severity := map[bool]string{true: "page", false: "ticket"}[a.Page]
	link := regexp.MustCompile(`\[([^]]+)\]\([^)]+\)`) // there is no page there to link to
	minutes := map[string]int{"from": 3600, "to": 0}
	return alertRule{UID: a.UID(), Title: a.Name, Condition: "B", For: fmt.Sprintf("%dm", a.Minutes),
		// No series is no fault: where nothing is scraped, "not ready" and "no ingest" say so. An error is one.
		NoData: "OK", Error: "Error",
		Data: []alertQuery{
			{"A", minutes, uidOf(a.Plugin), q.model},
			{"B", minutes, "__expr__", map[string]any{"refId": "B", "type": "threshold", "expression": "A",
				"datasource": map[string]any{"type": "__expr__", "uid": "__expr__"},
				"conditions": []any{map[string]any{"evaluator": map[string]any{"type": kind,
					"params": []float64{a.Limit}}}}}},
		},
		Labels: map[string]string{"service": "kaskad", "severity": severity},
		Annotations: map[string]string{"summary": a.Name + ": {{ .Values.A }}",
			"description": link.ReplaceAllString(a.Do, "$1"), "runbook": "docs/operations.md"}}
}

func alertYAML() ([]byte, error) {
	group := alertGroup{OrgID: 1, Name: "kaskad", Folder: "Kaskad", Interval: "1m"}
	for _, a := range Alerts() {
		group.Rules = append(group.Rules, a.rule())
	}
	var b bytes.Buffer
	b.WriteString("# Made by go generate ./dashboards/grafana: alerts.go has the rules.\n")
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(alertFile{APIVersion: 1, Groups: []alertGroup{group}}); err != nil {
		return nil, fmt.Errorf("write alert rules: %w", err)
	}
	return b.Bytes(), nil
}
