package grafana

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// The plugins that queries are for, and the versions of those that Grafana has to be given.
const (
	Prometheus = "prometheus"
	ClickHouse = "grafana-clickhouse-datasource"
	Infinity   = "yesoreyeram-infinity-datasource"

	clickHouseVersion = "4.20.0"
	infinityVersion   = "3.11.1"
)

// uidOf is the uid of the provisioned data source of a plugin.
func uidOf(plugin string) string {
	switch plugin {
	case Prometheus:
		return "kaskad-metrics"
	case ClickHouse:
		return "kaskad-clickhouse"
	default:
		return "kaskad-api"
	}
}

func source(plugin string) common.DataSourceRef {
	uid := uidOf(plugin)
	return common.DataSourceRef{Type: &plugin, Uid: &uid}
}

// query is one of a panel: what its plugin wants to know.
type query struct {
	plugin string
	model  map[string]any
}

// promQL asks Prometheus; legend names the series.
func promQL(expr, legend string) query {
	return query{Prometheus, map[string]any{"expr": expr, "legendFormat": legend, "range": true, "editorMode": "code"}}
}

// sql asks ClickHouse for a table.
func sql(statement string) query { return clickhouse(statement, "table", 1) }

// sqlSeries asks ClickHouse for series over time.
func sqlSeries(statement string) query { return clickhouse(statement, "timeseries", 0) }

func clickhouse(statement, kind string, format int) query {
	return query{ClickHouse, map[string]any{"rawSql": strings.TrimSpace(statement), "editorType": "sql",
		"queryType": kind, "format": format, "pluginVersion": clickHouseVersion}}
}

// rowsOf asks the API for the rows of a report; parameters may be "". Columns are named as the API's fields.
func rowsOf(route, parameters string, columns ...string) query {
	return api(route, parameters, "rows", "table", columns)
}

// envelopeOf asks the API for what an answer says beside its rows.
func envelopeOf(route, parameters string, columns ...string) query {
	return api(route, parameters, "", "table", columns)
}

// daily asks for a figure by day and a key, once of the rows that have settled and once of those that have not.
func daily(route, key, figure string) []query {
	groups := "group_by=day," + key
	if key == "currency" {
		groups = "group_by=day" // rows of money are always apart by it
	}
	var both []query
	for _, settled := range []bool{true, false} {
		q := api(route, groups, "rows", "timeseries", []string{"day", key, figure, "mature"})
		q.model["filterExpression"] = fmt.Sprintf("mature == %t", settled)
		both = append(both, q)
	}
	return both
}

// wholeHours writes a border of the period as an hour of the reader's zone with its offset: reports want borders on
// quarter hours, and so are the hours of every zone.
const wholeHours = "YYYY-MM-DDTHH:00:00Z"

func api(route, parameters, root, format string, names []string) query {
	columns := make([]any, len(names))
	for i, name := range names {
		columns[i] = map[string]any{"selector": name, "text": name, "type": kindOf(name)}
	}
	address := route + "?" + parameters
	for _, name := range filtersOf(route) {
		address += fmt.Sprintf("&${%[1]s:customqueryparam:%[1]s}", name)
	}
	parameter := func(key, value string) any { return map[string]any{"key": key, "value": value} }
	return query{Infinity, map[string]any{"type": "json", "source": "url", "parser": "backend", "format": format,
		"url": address, "url_options": map[string]any{"method": "GET", "headers": []any{}, "params": []any{
			parameter("from", "${__from:date:"+wholeHours+"}"), parameter("to", "${__to:date:"+wholeHours+"}"),
			parameter("tz", "${tz}")}},
		"root_selector": root, "columns": columns, "filters": []any{}, "filterExpression": ""}}
}

// kindOf is the type that Infinity gives a field of the API. Money comes as text, and is a number here: tables show it
// with two decimals, and 15 digits of it are exact.
func kindOf(name string) string {
	switch name {
	case "day":
		return "timestamp"
	case "mature":
		return "boolean"
	case "account", "channel", "provider", "campaign", "template", "reason", "error_code", "rule", "currency",
		"first_channel", "path", "open_rate_bound", "as_of":
		return "string"
	default:
		return "number"
	}
}

func newPanel(kind, title, description string, w, h uint32, queries []query) *dashboard.PanelBuilder {
	p := dashboard.NewPanelBuilder().Type(kind).Title(title).Description(description).Span(w).Height(h).
		Datasource(source(queries[0].plugin)).NoValue("–")
	for i, q := range queries {
		target := variants.UnknownDataquery{"refId": string(rune('A' + i)), "datasource": source(q.plugin)}
		maps.Copy(target, q.model)
		p.WithTarget(variants.NewUnknownDataqueryBuilderFromObject(target))
	}
	return p
}

// graph draws series over time, a third of the board wide.
func graph(title, unit, description string, queries ...query) *dashboard.PanelBuilder {
	return newPanel("timeseries", title, description, 8, 8, queries).Unit(unit).Min(0).
		Options(timeseries.NewOptions()).Custom(lines(10))
}

func lines(fill float64) *common.GraphFieldConfig {
	config := common.NewGraphFieldConfig()
	config.FillOpacity, config.LineWidth = &fill, new(1.5)
	return config
}

// shares draws a rate by day and key: what has settled as a line, what has not as dashes that say so.
func shares(title, description, route, key, figure string) *dashboard.PanelBuilder {
	label := "${__field.labels." + key + "}"
	return newPanel("timeseries", title, description, 12, 9, daily(route, key, figure)).Unit(unitOf(figure)).
		Decimals(1).Options(timeseries.NewOptions()).Custom(lines(0)).DisplayName(label).
		OverrideByQuery("B", []dashboard.DynamicConfigValue{{Id: "displayName", Value: label + " (not settled)"},
			{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{6, 6}}}})
}

// figure shows the last value of each field alone; one above the limit is bad. A limit below 0 is none.
func figure(title, unit, description string, limit float64, q query) *dashboard.PanelBuilder {
	options := stat.NewOptions()
	options.ReduceOptions.Calcs = []string{"lastNotNull"}
	p := newPanel("stat", title, description, 4, 4, []query{q}).Unit(unit).Options(options)
	if limit < 0 {
		return p
	}
	return p.Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps([]dashboard.Threshold{{Color: "green"}, {Value: new(limit + 1e-9), Color: "red"}}))
}

// list shows a table, with the API's columns in the order in which the query names them: Infinity sorts them.
func list(title, description string, w uint32, q query) *dashboard.PanelBuilder {
	options := table.NewOptions()
	options.Footer = nil
	p := newPanel("table", title, description, w, 9, []query{q}).Options(options)
	columns, _ := q.model["columns"].([]any)
	order := map[string]int{}
	for i := range columns {
		name := columns[i].(map[string]any)["selector"].(string)
		order[name] = i
		p.OverrideByName(name, look(name))
	}
	if len(order) == 0 {
		return p
	}
	return p.WithTransformation(dashboard.DataTransformerConfig{Id: "organize",
		Options: map[string]any{"indexByName": order, "excludeByName": map[string]any{},
			"renameByName": map[string]any{}}})
}

// look is how a table shows a field of the API.
func look(name string) []dashboard.DynamicConfigValue {
	shown := []dashboard.DynamicConfigValue{{Id: "displayName", Value: titleOf(name)}}
	if name == "mature" {
		return append(shown, dashboard.DynamicConfigValue{Id: "mappings", Value: []any{map[string]any{"type": "value",
			"options": map[string]any{"true": map[string]any{"text": "yes", "color": "green"},
				"false": map[string]any{"text": "not yet", "color": "orange"}}}}})
	}
	if kindOf(name) != "number" {
		return shown
	}
	decimals := 0
	if unit := unitOf(name); unit == "percentunit" || slices.Contains(money(), name) {
		decimals = 2
	}
	return append(shown, dashboard.DynamicConfigValue{Id: "unit", Value: unitOf(name)},
		dashboard.DynamicConfigValue{Id: "decimals", Value: decimals})
}

// titleOf says a field in words. Denominators stand beside their rates, and bounds of intervals behind them.
func titleOf(name string) string {
	if name == "mature" {
		return "settled"
	}
	if rate, is := strings.CutSuffix(name, "_den"); is {
		return rate + " of"
	}
	name = strings.TrimSuffix(strings.Replace(name, "_rate_", "_", 1), "_rate")
	name = strings.NewReplacer("_low", " from", "_high", " to", "_", " ").Replace(name)
	return name
}

// money are the fields that are amounts of the row's currency.
func money() []string {
	return strings.Fields("sms_only_cost actual_cost saved saved_reached saved_unreached double_paid wasted_cost " +
		"cost_per_reached cost cost_per_delivered drift reported_cost avoidable_cost")
}

func unitOf(name string) string {
	base := strings.TrimSuffix(strings.TrimSuffix(name, "_low"), "_high")
	switch {
	case strings.HasSuffix(base, "_rate"), base == "penetration", base == "tested_share":
		return "percentunit"
	case strings.HasPrefix(name, "time_to_"):
		return "s"
	default:
		return "locale"
	}
}
