package query

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/numbers"
	"kaskad/query/report"
	"kaskad/schema"
)

var (
	//go:embed sql/status.sql
	statusSQL string
	//go:embed sql/tables.sql
	tablesSQL string
)

// What is counted serves who asks again for recounted, while something is on its way: a count takes a dozen statements,
// and who waits asks often. While a backlog is worked off (figures are backlogAge old, and the aggregator has more to
// do) it does so for recountShare times what the count took, which grows with the parked events, and for recountedLate
// at most. That nothing is left is always counted anew.
const (
	recounted     = time.Second
	recountShare  = 20
	recountedLate = 10 * time.Second
	backlogAge    = 10 * time.Second
)

// maxFreshnessAge is how long the aggregator may be silent before the service is no longer ready.
const maxFreshnessAge = 30 * time.Second

// ownTables are the tables that this package reads, besides those of reports.
var ownTables = []string{"alert_events", "api_audit",
	"api_key_uses", "api_keys", "api_sessions", "attempts", "attempts_by_recipient",
	"audits",
	"broken_parts", "builds", "changes", "cursor_keys",
	"day_changes", "editions", "erasures", "freshness", "goose_db_version", "ledger", "legs", "located", "lost_hours",
	"number_changes", "number_health", "number_health_before", "number_overrides", "numbers_done", "numbers_touched",
	"opt_outs", "orphan_ends", "orphans", "recipient_events", "reference", "rejected", "reread_partitions", "rereads",
	"rollup_cascades", "routes", "shapes", "shared_attempts", "split_messages", "splits", "touched"}

// neededTables are the tables without which the service is not ready, each once.
func neededTables() []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(ownTables, report.Tables()))))
}

// balance is the equation consumed = stored + rejected + parked + in_flight + empty, in events (docs/definitions.md
// section 6).
type balance struct {
	Consumed uint64 `json:"consumed"`
	Stored   uint64 `json:"stored"`
	Rejected uint64 `json:"rejected"`
	Parked   uint64 `json:"parked"`
	InFlight uint64 `json:"in_flight"`
	Empty    uint64 `json:"empty"`
}

type kafkaStatus struct {
	Brokers         []string `json:"brokers"`
	Topic           string   `json:"topic"`
	DeadLetterTopic string   `json:"dead_letter_topic"`
}

type engineStatus struct {
	Version  string `json:"version"`
	Embedded bool   `json:"embedded"`
}

type statusAnswer struct {
	Kafka      kafkaStatus  `json:"kafka"`
	LagEvents  *int64       `json:"lag_events"`
	LagSeconds *json.Number `json:"lag_seconds"`
	AsOf       *string      `json:"as_of"`
	counts
	Now    string       `json:"now"`
	Engine engineStatus `json:"engine"`
	Disk   *Disk        `json:"disk"`
}

// counts are the part of a status that is counted in tables.
type counts struct {
	Balance balance `json:"balance"`
	// PendingBuckets counts what was touched and is not published yet; verdicts on numbers that are still to come count
	// as one bucket more.
	PendingBuckets uint64 `json:"pending_buckets"`
	PendingNumbers uint64 `json:"pending_numbers"`
	SplitMessages  uint64 `json:"split_messages"`
	// SharedMessages counts attempts whose events name different recipients: one id is used for several people.
	SharedMessages uint64      `json:"shared_messages"`
	Losses         lossStatus  `json:"losses"`
	Audit          auditStatus `json:"audit"`

	at   time.Time
	took time.Duration
	// atEnd says that nothing was left in the topic, nor in flight.
	atEnd bool
}

// serves reports whether what was counted may be told again, while a backlog is worked off or not. Where the topic is
// read to its end, what was in it or in flight by then may be stored, which somebody waits for.
func (c *counts) serves(lagEvents *int64, backlog bool) bool {
	if c == nil || c.PendingBuckets == 0 {
		return false
	}
	lasts := recounted
	if backlog && lagEvents != nil && (*lagEvents > 0 || c.atEnd) {
		lasts = max(lasts, min(recountShare*c.took, recountedLate))
	}
	return time.Since(c.at) < lasts
}

// status serves GET /v1/status.
func (s *Server) status(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	now := s.db.Now()
	reply := statusAnswer{
		Kafka:  kafkaStatus{append([]string{}, s.config.Brokers...), s.config.Topic, s.config.DeadLetterTopic},
		Now:    answer.TimeText(now.UnixMilli()),
		Engine: engineStatus{s.config.EngineVersion, s.config.EngineEmbedded},
	}
	// Lag first, then what is in flight, then open touches: in the order in which an event passes, so that zeros
	// everywhere mean that nothing was left anywhere.
	if s.deps.Lag != nil {
		// A broker that is away is worth knowing; it is no reason to withhold the rest.
		if lag, err := s.deps.Lag(ctx); err != nil {
			s.logger.Warn("lag is unknown", "error", err)
		} else {
			reply.LagEvents = &lag
		}
	}
	var err error
	if reply.Disk, err = s.disk(ctx); err != nil {
		s.logger.Warn("free space is unknown", "error", err)
	}
	fresh, err := s.db.Freshness(ctx)
	if err != nil {
		return err
	}
	backlog := false
	if asOf := s.db.AsOf(fresh, now); asOf != nil {
		backlog = fresh.PendingBuckets > 0 && now.UnixMilli()-*asOf > backlogAge.Milliseconds()
		shown, lag := answer.TimeText(*asOf),
			json.Number(answer.Decimal(max(0, now.UnixMilli()-*asOf), 3).AppendNumber(nil))
		reply.AsOf, reply.LagSeconds = &shown, &lag
	}
	if counted := s.counted.Load(); counted.serves(reply.LagEvents, backlog) {
		reply.counts = *counted
	} else if err := s.count(ctx, &reply.counts, reply.LagEvents); err != nil {
		return err
	}
	if reply.Engine.Version == "" {
		version, err := s.db.Conn.ServerVersion()
		if err != nil {
			return fmt.Errorf("ask ClickHouse for its version: %w", err)
		}
		reply.Engine.Version = version.Version.String()
	}
	c.PureJSON(http.StatusOK, reply)
	return nil
}

// count counts, and remembers it. The lag was asked before.
func (s *Server) count(ctx context.Context, c *counts, lagEvents *int64) error {
	c.at = time.Now()
	if err := s.balance(ctx, c); err != nil {
		return err
	}
	lost, err := schema.ReadLosses(s.db.Settings(ctx), s.db.Conn)
	if err != nil {
		return err
	}
	c.Losses = lossesOf(lost)
	if c.Audit, err = s.audit(ctx); err != nil {
		return err
	}
	c.took = time.Since(c.at)
	c.atEnd = lagEvents != nil && *lagEvents == 0 && c.Balance.InFlight == 0
	kept := *c
	if last := s.counted.Load(); last == nil || last.at.Before(kept.at) {
		s.counted.CompareAndSwap(last, &kept)
	}
	return nil
}

// auditStatus is what the aggregator compared with facts by itself in the last 35 days.
type auditStatus struct {
	Hours       uint64  `json:"hours"`
	At          *string `json:"at"`
	Differences uint64  `json:"differences"`
}

func (s *Server) audit(ctx context.Context) (shown auditStatus, err error) {
	var last time.Time
	if err := s.db.Conn.QueryRow(s.db.Settings(ctx), "SELECT sum(hours), max(at), sum(differences) FROM audits "+
		"WHERE at > $1", s.db.Now().AddDate(0, 0, -35)).Scan(&shown.Hours, &last, &shown.Differences); err != nil {
		return shown, fmt.Errorf("read audits: %w", err)
	}
	if shown.Hours > 0 {
		at := answer.TimeText(last.UnixMilli())
		shown.At = &at
	}
	return shown, nil
}

// balance adds up the ledger's partitions, what became of parked events since they were counted, and what is under way.
// Each term is counted by itself, none as the difference of others.
func (s *Server) balance(ctx context.Context, reply *counts) error {
	b := &reply.Balance
	if s.deps.InFlight != nil {
		// Before the ledger: what leaves for it in between is then counted twice rather than not at all, on both sides.
		b.Consumed, b.InFlight = s.deps.InFlight()
	}
	ledger, err := schema.ReadLedger(s.db.Settings(ctx), s.db.Conn, s.config.Group, s.config.Topic)
	if err != nil {
		return err
	}
	partitions, offsets := []int32{-1}, []int64{0} // transform wants no empty arrays
	for _, l := range ledger {
		partitions, offsets = append(partitions, l.Partition), append(offsets, l.Offset)
		b.Consumed += l.Consumed
		b.Stored += l.Stored
		b.Rejected += l.Rejected
		b.Empty += l.Empty
	}
	var joined, expired uint64
	err = s.db.Conn.QueryRow(s.db.Settings(ctx), statusSQL, clickhouse.Named("topic", s.config.Topic),
		clickhouse.Named("partitions", partitions), clickhouse.Named("offsets", offsets)).
		Scan(&b.Parked, &joined, &expired, &reply.SplitMessages, &reply.SharedMessages, &reply.PendingBuckets)
	if err != nil {
		return fmt.Errorf("count parked events: %w", err)
	}
	if reply.PendingNumbers, err = numbers.Waiting(ctx, s.db); err != nil {
		return err
	}
	if reply.PendingNumbers > 0 {
		reply.PendingBuckets++
	}
	b.Stored += joined
	b.Rejected += expired
	return nil
}

// healthy serves GET /healthz: the process answers, whatever the others do.
func (s *Server) healthy(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "ok"})
	return nil
}

// ready serves GET /readyz: 200 when reports and events would be served now, else 503 with what is missing.
func (s *Server) ready(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), min(5*time.Second, s.db.QueryTime))
	defer cancel()
	if err := s.notReady(ctx); err != nil {
		return answer.NewProblem(http.StatusServiceUnavailable, "not-ready", err.Error()).After(1)
	}
	c.PureJSON(http.StatusOK, gin.H{"status": "ready"})
	return nil
}

func (s *Server) notReady(ctx context.Context) error {
	var missing []string
	if err := s.db.Conn.QueryRow(s.db.Settings(ctx), tablesSQL,
		clickhouse.Named("needed", neededTables())).Scan(&missing); err != nil {
		return fmt.Errorf("ClickHouse does not answer: %w", err)
	}
	if len(missing) > 0 {
		return fmt.Errorf("the database lacks %s: run kaskad migrate", strings.Join(missing, ", "))
	}
	// The last migrations may add columns alone.
	if have, want, err := schema.Reached(s.db.Settings(ctx), s.db.Conn); err != nil {
		return fmt.Errorf("ClickHouse does not answer: %w", err)
	} else if have < want {
		return fmt.Errorf("the database has schema version %d of %d: it is being migrated, or run kaskad migrate",
			have, want)
	}
	if s.config.Auth == authKeys && !s.door.HasAdmin(ctx) {
		return errors.New("there is no admin key of all accounts yet, so nobody could make keys")
	}
	if p, ok := s.deps.Producer.(interface{ Ping(context.Context) error }); ok {
		if err := p.Ping(ctx); err != nil {
			return fmt.Errorf("kafka does not answer: %w", err)
		}
	}
	if disk, err := s.disk(ctx); err != nil {
		return err
	} else if disk.State == diskStateFull {
		return fmt.Errorf("the disk is nearly full, %d of %d MB are free: events and changes are refused until there "+
			"is space", disk.FreeBytes>>20, disk.TotalBytes>>20)
	}
	lost, err := schema.ReadLosses(s.db.Settings(ctx), s.db.Conn)
	if err == nil {
		err = lost.Err()
	}
	if err != nil {
		return err
	}
	if s.db.Fixed {
		return nil
	}
	fresh, err := s.db.Freshness(ctx)
	switch {
	case err != nil:
		return err
	case !fresh.Known:
		return fmt.Errorf("the aggregator has not published anything yet")
	case fresh.Age > maxFreshnessAge:
		return fmt.Errorf("the aggregator has been silent for %s", fresh.Age.Round(time.Second))
	}
	return nil
}
