package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const (
	channels    = "/v1/reports/channels"
	savings     = "/v1/reports/savings"
	spend       = "/v1/reports/spend"
	failures    = "/v1/reports/failures"
	penetration = "/v1/reports/penetration"
	deadSpend   = "/v1/reports/dead-spend"
	waste       = "/v1/reports/segment-waste"
)

// filtersOf are the variables that a report can be cut by.
func filtersOf(route string) []string {
	switch route {
	case savings, waste:
		return []string{"account", "campaign"}
	default:
		return []string{"account", "channel", "campaign"}
	}
}

// business is the board of marketers and analysts. Its data source has a key of scope analyst, which sees no numbers.
func business() *dashboard.DashboardBuilder {
	b := board("kaskad-business", "Kaskad: channels, savings, numbers", "Which channel does the audience read, "+
		"what did "+
		"the cascade save, who can be reached? The period counts messages by the time of their submission, on whole "+
		"hours. What is not settled yet will still change: it is dashed, and says so.", "now-30d/d", "now/d", "5m")
	b.WithVariable(dashboard.NewTextBoxVariableBuilder("tz").Label("time zone").Description("Days are cut in this " +
		"zone " +
		"(IANA name).").DefaultValue(text("UTC")))
	for _, name := range []string{"account", "channel", "campaign"} {
		b.WithVariable(choice(name))
	}
	b.WithRow(dashboard.NewRowBuilder("Channels"))
	for _, p := range []*dashboard.PanelBuilder{
		list("Complete up to", "as_of: everything that was stored before it is in the figures. settled: whether "+
			"all of "+
			"the period is.", 6, envelopeOf(channels, "group_by=", "as_of", "lag_seconds", "mature")).Height(4),
		list("All channels", "Counts of attempts over all "+
			"routes.", 18, rowsOf(channels, "group_by=", "attempted", "sent",
			"delivered", "read", "clicked", "replied", "failed", "pending", "skipped", "unsubscribed", "blocked",
			"complained")).Height(4),
		list("Channels side by side", "Each rate stands beside what it is of, with its 95 % interval (Wilson). bound: "+
			"lower means that readers can hide, the truth is the figure or more; upper that programs open too, it is "+
			"the figure or less.", 24, rowsOf(channels, "group_by=channel", "channel", "delivery_rate",
			"delivery_rate_low", "delivery_rate_high", "delivery_den", "open_rate", "open_rate_low", "open_rate_high",
			"open_den", "open_rate_bound", "click_rate", "click_rate_low", "click_rate_high", "click_den",
			"time_to_deliver_p50", "time_to_read_p50", "mature")),
		shares("Open rate by day", "read ÷ delivered on routes that report reads, of the messages submitted that day.",
			channels, "channel", "open_rate"),
		shares("Delivery rate by day", "delivered ÷ sent on routes that report deliveries, of the messages submitted "+
			"that day.", channels, "channel", "delivery_rate"),
		list("Failures", "Failed attempts by channel and reason, the channel's most frequent reasons by their "+
			"share.", 24,
			rowsOf(failures, "", "channel", "provider", "reason", "error_code", "count", "share_rate", "share_rate_low",
				"share_rate_high", "share_den", "mature")),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("Savings"))
	for _, p := range []*dashboard.PanelBuilder{
		list("What the cascade saved", "Against the same messages as plain SMS, by currency. saved reached is the "+
			"figure "+
			"to show; what was saved on people whom nothing reached stands apart. unpriced messages are in no amount.",
			24, rowsOf(savings, "group_by=", "currency", "saved_reached", "saved_unreached", "saved", "saved_rate",
				"sms_only_cost", "actual_cost", "double_paid", "wasted_cost", "cost_per_reached", "messages",
				"priced_messages", "unpriced", "mature")).Height(5),
		shares("Saved on reached messages by day", "saved reached, of the messages submitted that day. Each "+
			"currency is "+
			"a line of its own.", savings, "currency", "saved_reached"),
		list("By path", "The channels that a message took, in their "+
			"order.", 12, rowsOf(savings, "group_by=path", "path",
			"currency", "messages", "saved_reached", "saved_unreached", "actual_cost", "cost_per_reached", "mature")),
		list("By template", "The templates that saved or cost.", 12, rowsOf(savings, "group_by=template", "template",
			"currency", "messages", "unpriced", "saved_reached", "saved_unreached", "double_paid", "mature")),
		list("Spend, to check the invoice", "By channel and provider. drift is what providers reported minus what the "+
			"tariffs "+
			"say.", 12, rowsOf(spend, "group_by=channel,provider", "channel", "provider", "currency", "attempts",
			"cost", "cost_per_delivered", "unpriced", "reported_attempts", "reported_cost", "drift")),
		list("Wasted segments", "What few characters cost: texts just over a boundary, and texts that few characters "+
			"force to UCS-2.", 24, rowsOf(waste, "group_by=template", "template", "currency", "messages_over",
			"messages_forced", "avoidable_segments", "avoidable_cost", "unpriced")),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("Numbers and reach"))
	for _, p := range []*dashboard.PanelBuilder{
		list("Who can be reached", "Of the people of the period (audience): who was tried on the channel, and who was "+
			"reached and is not lost. It speaks of the people who were tried: with a small tested share it is a lower "+
			"bound.", 14, rowsOf(penetration, "", "channel", "penetration", "penetration_low", "penetration_high",
			"reached", "tested_share", "tested", "audience", "mature")),
		list("Spent on dead numbers", "Attempts to numbers while they were dead. avoidable cost is of those that "+
			"were not "+
			"delivered.", 10, rowsOf(deadSpend, "", "channel", "rule", "currency", "attempts", "delivered", "cost",
			"avoidable_cost", "unpriced")),
	} {
		b.WithPanel(p)
	}
	return b
}

// choice is a variable of several values of the API; all of them is "&", which says nothing in a URL.
func choice(name string) *dashboard.QueryVariableBuilder {
	q := api(channels, "group_by="+name, "rows", "table", []string{name})
	q.model["url"], q.model["refId"] = channels+"?group_by="+name, "variable"
	return dashboard.NewQueryVariableBuilder(name).Label(name).Datasource(source(Infinity)).
		Query(dashboard.StringOrMap{Map: map[string]any{"query": "", "queryType": "infinity",
			"infinityQuery": q.model}}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).IncludeAll(true).AllValue("&").AllowCustomValue(true).
		Current(dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: new("All")},
			Value: dashboard.StringOrArrayOfString{String: new("$__all")}})
}

func text(s string) dashboard.StringOrMap { return dashboard.StringOrMap{String: &s} }

// board is an empty one with its links.
func board(uid, title, description, from, to, refresh string) *dashboard.DashboardBuilder {
	link := func(title, url string) *dashboard.DashboardLinkBuilder {
		return dashboard.NewDashboardLinkBuilder(title).Type(dashboard.DashboardLinkTypeLink).Url(url).
			TargetBlank(true).
			Icon("external link")
	}
	return dashboard.NewDashboardBuilder(title).Uid(uid).Description(description).Tags([]string{"kaskad"}).
		Time(from, to).Refresh(refresh).Timezone(common.TimeZoneBrowser).Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewTextBoxVariableBuilder("kaskad").Label("page").Description("Where Kaskad's page " +
			"and API " +
			"are for your browser.").DefaultValue(text("http://127.0.0.1:8080"))).
		Link(link("Kaskad's page", "${kaskad}/")).
		Link(link("What the figures mean", "${kaskad}/v1/definitions"))
}
