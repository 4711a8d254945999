package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// operations is the board of who is on call.
func operations() *dashboard.DashboardBuilder {
	b := board("kaskad-operations", "Kaskad: operations", "Is everything stored, shown and right? The first row is "+
		"green, or something has to be done: docs/operations.md, Watch it, says what.", "now-6h", "now", "30s")
	b.WithRow(dashboard.NewRowBuilder("Is it right?"))
	for _, p := range []*dashboard.PanelBuilder{
		figure("Reports are behind", "s", "Seconds since everything that was stored was in the reports (lag_seconds). "+
			"Above 60: look at passes and their errors.", 60, sql(behindSQL)),
		figure("Kafka lag", "short", "Records of the topic that are not stored yet, over all partitions.", 100000,
			promQL("sum(kaskad_ingest_lag_events)", "records")),
		figure("Audit differences", "short", "What the audit found published and not what facts say, in 35 days. "+
			"It is "+
			"0, or it is a bug: report it.", 0, sql(`
SELECT sum(differences) AS differences FROM audits WHERE at > now() - INTERVAL 35 DAY`)),
		figure("Lost", "short", "Parts that cannot be read, and hours with fewer facts than were published, that "+
			"nobody "+
			"accepted. Each is listed by kaskad reread.", 0, sql(lostSQL)),
		figure("Balance", "short", "consumed - stored - rejected - parked - empty of the ledger, over the life of the "+
			"consumer group. It is 0, or it is a bug: report it.", 0, sql(`
SELECT abs(toInt64(sum(consumed)) - toInt64(sum(stored + rejected + parked + empty))) AS missing FROM ledger FINAL`)),
		figure("Dead letters, 24 hours", "short", "Events that nobody could understand or place, of the last day. "+
			"GET /v1/rejected shows them with their bytes; kaskad replay sends them again.", 100, sql(`
SELECT count() AS dead_letters FROM rejected FINAL WHERE inserted > now() - INTERVAL 1 DAY`)),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("Ingest"))
	for _, p := range []*dashboard.PanelBuilder{
		graph("Events a second", "short", "What ingest took from Kafka, and what became of it.",
			promQL("sum(rate(kaskad_ingest_consumed_events_total[$__rate_interval]))", "consumed"),
			promQL("sum(rate(kaskad_ingest_stored_events_total[$__rate_interval]))", "stored"),
			promQL("sum(rate(kaskad_ingest_rejected_events_total[$__rate_interval]))", "dead letters"),
			promQL("sum(rate(kaskad_ingest_parked_events_total[$__rate_interval]))", "parked")),
		graph("Lag by partition", "short", "Records that are not stored yet. One partition alone: one sender's "+
			"key, or "+
			"one batch that cannot be read. All: ClickHouse, or too few processes.",
			promQL("max by (partition) (kaskad_ingest_lag_events)", "{{partition}}")),
		graph("Time to store a block", "s", "95 of 100 blocks take no longer: the facts, and all until the commit.",
			promQL("histogram_quantile(0.95, sum by (le) "+
				"(rate(kaskad_ingest_insert_seconds_bucket[$__rate_interval])))",
				"facts"),
			promQL("histogram_quantile(0.95, sum by (le) (rate(kaskad_ingest_store_seconds_bucket[$__rate_interval])))",
				"all")),
		graph("What ingest tries again", "short", "Writes, fetches, and joins of the consumer group. Writes: "+
			"ClickHouse "+
			"refuses or is away. Joins all the time: members come and go.",
			promQL("sum(increase(kaskad_ingest_insert_retries_total[$__rate_interval]))", "writes"),
			promQL("sum(increase(kaskad_ingest_fetch_errors_total[$__rate_interval]))", "fetches"),
			promQL("sum(increase(kaskad_ingest_generations_total[$__rate_interval]))", "joins"),
			promQL("sum(increase(kaskad_ingest_offset_resets_total[$__rate_interval]))", "offsets lost")),
		graph("Dead letters by reason", "short", "Events that became dead letters.", sqlSeries(`
SELECT $__timeInterval(inserted) AS time, toString(reason) AS reason, count() AS dead_letters
FROM rejected FINAL WHERE $__timeFilter(inserted) GROUP BY time, reason ORDER BY time`)),
		graph("Balance of the processes", "short", "consumed - returned - stored - rejected - parked - in flight - "+
			"empty "+
			"since the processes began. Other than 0 for longer than a moment it is a bug: report it.",
			promQL(balanceExpr, "missing")),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("Aggregator"))
	for _, p := range []*dashboard.PanelBuilder{
		graph("Reports are behind", "s", "Seconds from a fact's acknowledgement to the reports.", sqlSeries(`
SELECT $__timeInterval(at) AS time, max(toUnixTimestamp64Milli(at) - as_of_ms) / 1000 AS behind
FROM freshness WHERE $__timeFilter(at) GROUP BY time ORDER BY time`)),
		graph("Waiting", "short", "Hours and batches of changes that wait for their edition. It falls while the "+
			"aggregator catches up, newest hours first; it stands still when the aggregator does.",
			promQL("max(kaskad_aggregate_pending_buckets)", "waiting")),
		graph("Time of a pass", "s", "From reading touches to closing them.",
			promQL("histogram_quantile(0.5, sum by (le) "+
				"(rate(kaskad_aggregate_pass_seconds_bucket[$__rate_interval])))",
				"half"),
			promQL("histogram_quantile(0.95, sum by (le) "+
				"(rate(kaskad_aggregate_pass_seconds_bucket[$__rate_interval])))",
				"95 of 100")),
		graph("Messages folded, editions", "short", "Messages a second that were counted anew, and editions that were "+
			"published.",
			promQL("sum(rate(kaskad_aggregate_messages_folded_total[$__rate_interval]))", "messages"),
			promQL("sum(rate(kaskad_aggregate_generations_total[$__rate_interval]))", "editions")),
		graph("Passes that failed", "short", "They are tried again; the log says why.",
			promQL("sum(increase(kaskad_aggregate_errors_total[$__rate_interval]))", "passes")),
		graph("What the audit looked at", "short", "Hours that were compared with facts, and differences by kind.",
			promQL("sum(increase(kaskad_audit_hours_total[$__rate_interval]))", "hours"),
			promQL("sum by (kind) (increase(kaskad_audit_differences_total[$__rate_interval]))", "{{kind}}")),
		graph("States in the keyed store", "bytes", "What it may take is --state-bytes; above it the hours that "+
			"nothing "+
			"changed for longest move out.", promQL("max(kaskad_aggregate_state_bytes)", "states")),
		graph("States looked for outside", "short", "Looks a second outside of the keyed store. Most of the "+
			"changes, and "+
			"reports are behind: give more --state-bytes.",
			promQL("sum(rate(kaskad_aggregate_settled_reads_total[$__rate_interval]))", "looks")),
		graph("Numbers and who hears of them", "short", "Numbers that wait for their verdict are alerted on; these "+
			"are "+
			"changes of verdicts that a sink was not told yet.",
			promQL("max by (sink) (kaskad_aggregate_notify_lag)", "{{sink}}")),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("API"))
	for _, p := range []*dashboard.PanelBuilder{
		graph("Requests a second", "reqps", "Requests by route, whatever their answer.",
			promQL("sum by (route) (rate(kaskad_query_request_seconds_count[$__rate_interval]))", "{{route}}")),
		graph("Time of a request", "s", "95 of 100 take no longer.", promQL("histogram_quantile(0.95, sum by (le, "+
			"route) "+
			"(rate(kaskad_query_request_seconds_bucket[$__rate_interval])))", "{{route}}")),
		graph("Refused and failed", "reqps", "Answers from 400 up. 429: a key asks too much. 503: ClickHouse or "+
			"Kafka is "+
			"away, or too many ask. 500 is a bug: the log has it.", promQL("sum by (status) "+
			"(rate(kaskad_query_request_seconds_count{status=~\"[45]..\"}[$__rate_interval]))", "{{status}}")),
	} {
		b.WithPanel(p)
	}
	b.WithRow(dashboard.NewRowBuilder("Machines"))
	for _, p := range []*dashboard.PanelBuilder{
		graph("CPU by role", "none", "Cores that a process uses. The embedded ClickHouse and broker are processes of "+
			"their own, which it does not count.",
			promQL("sum by (role) (rate(process_cpu_seconds_total{job=\"kaskad\"}[$__rate_interval]))", "{{role}}")),
		graph("Memory by role", "bytes", "Resident memory of the processes.",
			promQL("sum by (role) (process_resident_memory_bytes{job=\"kaskad\"})", "{{role}}")),
		graph("Disk of the data directory", "bytes", "Of an embedded ClickHouse and broker. Below 5 % or 1 GB "+
			"nothing is "+
			"written.", promQL("min(kaskad_disk_free_bytes)", "free"), promQL("max(kaskad_disk_total_bytes)", "size")),
		list("Tables", "What is on disk. Active parts above some hundreds for long: merges do not keep up, for "+
			"lack of "+
			"disk or CPU.", 12, sql(`
SELECT table, count() AS parts, sum(rows) AS rows, formatReadableSize(sum(bytes_on_disk)) AS size,
    uniqExact(partition_id) AS partitions
FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY sum(bytes_on_disk) DESC`)),
		list("Merges and mutations", "What ClickHouse works on now.", 12, sql(`
SELECT table, if(is_mutation, 'mutation', 'merge') AS kind, round(elapsed) AS seconds, round(100 * progress) AS percent,
    num_parts AS parts, formatReadableSize(memory_usage) AS memory
FROM system.merges WHERE database = currentDatabase() ORDER BY elapsed DESC`)),
		list("ClickHouse's errors", "Since it started, the latest first. Their messages are left out: they may "+
			"quote a "+
			"row.", 12, sql(`
SELECT name, value AS times, last_error_time AS last FROM system.errors WHERE NOT remote ORDER BY last DESC LIMIT 50`)),
		list("ClickHouse's disks", "Inserts and merges are refused before a disk is full.", 12, sql(`
SELECT name, formatReadableSize(free_space) AS free, formatReadableSize(total_space) AS size,
    round(100 * free_space / total_space, 1) AS free_percent FROM system.disks`)),
	} {
		b.WithPanel(p)
	}
	return b
}

const (
	behindSQL = `
SELECT if(count() = 0, 86400, dateDiff('second', fromUnixTimestamp64Milli(argMax(as_of_ms, at)), now64(3))) AS behind
FROM freshness`
	lostSQL = `
SELECT (SELECT count() FROM broken_parts FINAL WHERE state = 'open')
    + (SELECT count() FROM lost_hours FINAL WHERE state = 'open') AS lost`
	waitingSQL = `
SELECT count() AS waiting FROM numbers_touched WHERE generation > (SELECT max(generation) FROM numbers_done)`
	balanceExpr = "sum(kaskad_ingest_consumed_events_total) - sum(kaskad_ingest_returned_events_total) - " +
		"sum(kaskad_ingest_stored_events_total) - (sum(kaskad_ingest_rejected_events_total) or vector(0)) - " +
		"sum(kaskad_ingest_parked_events_total) - sum(kaskad_ingest_in_flight_events) - " +
		"sum(kaskad_ingest_empty_events_total)"
)
