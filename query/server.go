package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	// The zones are part of the program, so that an answer does not depend on the machine it runs on.
	_ "time/tzdata"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/singleflight"

	"kaskad/schema/event"
)

// Timeouts of a connection. Reading covers a slow upload of a whole body, writing a query and a slow download.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 60 * time.Second
	writeTimeout      = 120 * time.Second
	idleTimeout       = 120 * time.Second
	shutdownTimeout   = 15 * time.Second
	maxHeaderBytes    = 64 << 10
	// maxExports is how many answers of limit=all are written at a time, and maxLooks how many ask for the state of the
	// service.
	maxExports, maxLooks = 8, 4
	// maxUnpacking is how many lists and Arrow streams are read at a time. One may take half a GiB.
	maxUnpacking = 2
	// maxWait is how long a request waits for its turn before it is told to come again.
	maxWait = 5 * time.Second
)

// Server answers the HTTP API. It is safe for concurrent use.
type Server struct {
	config  Config
	deps    Deps
	logger  *slog.Logger
	handler http.Handler
	metrics *metrics

	// queries and uploads bound what runs at a time; decoders are reused between requests, for they are not safe for
	// concurrent use. Overrides wait for the aggregator, and would keep reports waiting with them.
	queries, uploads, overrides, exports, workbooks, looks chan struct{}
	// unpacking bounds how many bodies are read at a time that take several times their size: lists and Arrow streams.
	unpacking chan struct{}
	// bodies is what is left of the memory that bodies take together.
	bodies atomic.Int64
	// wait is maxWait but in tests, verdictWait is the constant of that name, and silence is maxSilence.
	wait, verdictWait, silence time.Duration
	pings                      singleflight.Group
	cursors                    cursorKeys
	decoders                   sync.Pool
	errors                     errorMapCache
	// stopping is closed when the server is to end: nobody waits for something new any more.
	stopping chan struct{}
	stop     sync.Once
	feed     feedHead
	// zones holds the names that ClickHouse is known to know.
	zones sync.Map
	// putting lets one list of reference data be stored at a time.
	putting sync.Mutex
	// erasing lets one number be erased at a time.
	erasing sync.Mutex
	prices  priceCache
	// shapes and answers are what savings reports remember; computing are those that are being computed.
	shapes    shapeCache
	answers   answerCache[*savingsAnswer]
	computing singleflight.Group
	// wholes are the answers that cursors still point into.
	wholes answerCache[*wholeAnswer]
}

// New makes a server. It does nothing until Handler or Run is called. The error names every setting that is wrong.
func New(config Config, deps Deps) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("configure HTTP server: %w", err)
	}
	if deps.Conn == nil {
		return nil, errors.New("configure HTTP server: a connection to ClickHouse is required")
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s := &Server{config: config, deps: deps, logger: deps.Logger, metrics: m,
		wait: maxWait, verdictWait: verdictWait, silence: maxSilence,
		cursors:   cursorKeys{keys: config.CursorKeys, fixed: len(config.CursorKeys) > 0},
		unpacking: make(chan struct{}, maxUnpacking), stopping: make(chan struct{}),
		queries: make(chan struct{}, config.MaxQueries), uploads: make(chan struct{}, config.MaxUploads),
		overrides: make(chan struct{}, config.MaxQueries), exports: make(chan struct{}, maxExports),
		workbooks: make(chan struct{}, maxWorkbooks), looks: make(chan struct{}, maxLooks)}
	s.bodies.Store(config.BodyMemory)
	s.decoders.New = func() any { return &event.Decoder{MeasureSMS: deps.MeasureSMS, NameUnknown: true} }
	s.handler = s.routes()
	return s, nil
}

// Handler returns the whole API, its guards included.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves the listener until ctx ends, then lets the requests in flight finish, for 15 seconds at most. It closes
// the listener. With Auth "off" it refuses a listener that is not on loopback, unless InsecureListen is set.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	if err := s.checkListener(listener.Addr()); err != nil {
		_ = listener.Close()
		return err
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// OPTIONS * is answered by the handler too.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
		// Requests outlive ctx, so that they are finished rather than cut off.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stopped := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		s.stop.Do(func() { close(s.stopping) })
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := server.Shutdown(last)
		if err != nil {
			_ = server.Close()
		}
		stopped <- err
	}()
	err := server.Serve(problemListener{listener})
	close(ended)
	if stopping := <-stopped; stopping != nil {
		return fmt.Errorf("stop HTTP server: requests were cut off: %w", stopping)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", listener.Addr(), err)
	}
	return nil
}

func (s *Server) checkListener(address net.Addr) error {
	if s.config.InsecureListen {
		return nil
	}
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("refuse to listen on %s: with --auth off everybody who reaches it may read and write everything; "+
		"listen on 127.0.0.1, or pass --insecure-listen where something else guards the port", address)
}

func (s *Server) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.UseRawPath = true // A message id may hold a slash, sent as %2F.
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	r.Use(s.observe, s.recover, s.secure)
	r.NoRoute(s.handle(func(c *gin.Context) error {
		return problem(http.StatusNotFound, "no-such-route", "there is nothing at this path; GET / lists what there is")
	}))
	r.NoMethod(s.handle(func(c *gin.Context) error {
		return problem(http.StatusMethodNotAllowed, "method-not-allowed",
			c.Request.Method+" is not supported here; use "+c.Writer.Header().Get("Allow"))
	}))
	get := func(path string, h func(*gin.Context) error, before ...gin.HandlerFunc) {
		r.Match([]string{http.MethodGet, http.MethodHead}, path, append(before, s.handle(h))...)
	}
	reading, overriding := s.take(s.queries), s.take(s.overrides)
	// An export lasts for as long as its reader likes, so it takes no turn of those who ask for a page; and the service
	// is asked how it is when it is busy.
	looking, exporting := s.take(s.looks), s.take(s.exports)
	listing := func(c *gin.Context) {
		if c.Query("limit") == "all" {
			exporting(c)
			return
		}
		reading(c)
	}
	get("/", s.landing)
	get("/v1/reports/channels", s.channels, reading)
	get("/v1/reports/segment-waste", s.segmentWaste, reading)
	get("/v1/reports/savings", s.savings, reading)
	get("/v1/reports/spend", s.spend, reading)
	get("/v1/reports/penetration", s.penetration, reading)
	get("/v1/reports/failures", s.failures, reading)
	get("/v1/reports/dead-spend", s.deadSpend, reading)
	get("/v1/numbers/best-channel", s.bestChannel, listing)
	get("/v1/messages/:id", s.message, reading)
	get("/v1/status", s.status, looking)
	get("/v1/definitions", s.definitions, reading)
	get("/v1/rejected", s.rejected, reading)
	get("/v1/numbers/dead", s.deadNumbers, listing)
	get("/v1/numbers/changes", s.numberChanges) // it may wait for long, and takes its turns by itself
	r.POST("/v1/numbers/check", s.handle(s.checkNumbers))
	get("/v1/numbers/check", func(c *gin.Context) error {
		c.Header("Allow", http.MethodPost)
		return problem(http.StatusMethodNotAllowed, "method-not-allowed",
			`send the numbers: POST {"numbers":["+79161234567", …]}`)
	})
	get("/v1/numbers/:number", s.number, reading)
	r.PUT("/v1/numbers/:number/override", s.handle(s.putOverride))
	r.DELETE("/v1/numbers/:number/override", overriding, s.handle(s.deleteOverride))
	for _, state := range audienceStates {
		get("/v1/audience/"+state, func(c *gin.Context) error { return s.audience(c, state) }, listing)
	}
	r.POST("/v1/events", s.handle(s.events))
	r.POST("/v1/sms/segments", s.handle(s.smsSegments))
	r.POST("/v1/forecasts/savings", s.handle(s.forecastSavings))
	r.POST("/v1/forecasts/from-history", s.handle(s.forecastHistory))
	get("/v1/forecasts/break-even", s.forecastBreakEven)
	s.serveReference(r, get, tariffKind(), reading)
	s.serveReference(r, get, templateKind(), reading)
	s.serveReference(r, get, errorMapKind(), reading)
	s.serveReference(r, get, numberRulesKind(), reading)
	get("/v1/error-map/unmapped", s.unmapped, reading)
	r.DELETE("/v1/numbers/:number", s.handle(s.eraseNumber))
	get("/v1/erasures", s.erasures, reading)
	get("/healthz", s.healthy)
	get("/readyz", s.ready)
	if s.deps.Gatherer != nil {
		h := promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})
		get("/metrics", func(c *gin.Context) error {
			h.ServeHTTP(c.Writer, c.Request)
			return nil
		})
	}
	return r.Handler()
}

// settings gives every query its limits; ClickHouse ends it by itself even if we cannot tell it to.
func (s *Server) settings(ctx context.Context) context.Context {
	options := []clickhouse.QueryOption{clickhouse.WithSettings(clickhouse.Settings{
		"readonly":           2,
		"log_queries":        0, // a statement may name a number, and the log of queries outlives an erasure
		"max_execution_time": max(1, int(s.config.QueryTime.Seconds())),
		"join_use_nulls":     0,
	})}
	if life, watched := ctx.Value(pulseKey{}).(*pulse); watched {
		options = append(options, clickhouse.WithProgress(func(*clickhouse.Progress) { life.beat() }))
	}
	return clickhouse.Context(ctx, options...)
}

// landing tells a person who opens the address in a browser where to go.
func (s *Server) landing(c *gin.Context) error {
	if err := noParams(c); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, struct {
		Name    string   `json:"name"`
		Version string   `json:"version,omitempty"`
		Try     []string `json:"try"`
	}{"kaskad", s.config.Version, []string{"/v1/reports/channels",
		"/v1/reports/channels?group_by=day,channel&tz=Europe/Moscow&format=csv",
		"/v1/reports/savings", "/v1/reports/savings?group_by=month,first_channel", "/v1/reports/spend",
		"/v1/reports/segment-waste",
		"/v1/reports/penetration", "/v1/reports/failures",
		"/v1/reports/dead-spend", "/v1/forecasts/break-even?channel_price=4.50&sms_price=2.00",
		"/v1/tariffs?account={account}", "/v1/templates?account={account}", "/v1/error-map", "/v1/error-map/unmapped",
		"/v1/number-rules?account={account}",
		"/v1/numbers/dead", "/v1/numbers/{number}", "/v1/numbers/changes", "/v1/numbers/best-channel",
		"/v1/audience/uninstalled?app={app}", "/v1/erasures",
		"/v1/messages/{message_id}", "/v1/status", "/v1/rejected", "/v1/definitions", "/readyz", "/metrics"}})
	return nil
}
